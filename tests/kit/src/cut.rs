use crate::docker::Docker;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// A way to a daemon's socket that can be cut: what stands is broken, and the socket is gone until it is mended.
///
/// The daemon itself, its containers and everybody else who speaks to it notice nothing.
pub struct Cut {
    folder: TempDir,
    target: PathBuf,
    way: Option<Way>,
}

struct Way {
    /// Every connection that was made; nothing once the way is cut.
    open: Arc<Mutex<Option<Vec<UnixStream>>>>,
    thread: JoinHandle<()>,
}

impl Cut {
    /// A way to a daemon, open.
    pub fn to(docker: &Docker) -> Self {
        let mut cut =
            Self { folder: tempfile::tempdir().unwrap(), target: docker.socket().into(), way: None };
        cut.mend();
        cut
    }

    /// What `DOCKER_HOST` has to be to go this way.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// Breaks all connections and takes the socket away.
    pub fn cut(&mut self) {
        let Some(Way { open, thread }) = self.way.take() else { return };
        std::fs::remove_file(self.socket()).unwrap();
        for stream in open.lock().unwrap().take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        thread.join().unwrap();
    }

    /// Opens the way again.
    pub fn mend(&mut self) {
        assert!(self.way.is_none(), "it is not cut");
        let listener = UnixListener::bind(self.socket()).unwrap();
        listener.set_nonblocking(true).unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let (of_thread, target) = (open.clone(), self.target.clone());
        let thread = std::thread::spawn(move || {
            while of_thread.lock().unwrap().is_some() {
                match listener.accept() {
                    Ok((near, _)) => pass(near, &target, &of_thread),
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        self.way = Some(Way { open, thread });
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Passes everything on, both ways, until one side ends.
fn pass(near: UnixStream, target: &Path, open: &Mutex<Option<Vec<UnixStream>>>) {
    let Ok(far) = UnixStream::connect(target) else { return };
    near.set_nonblocking(false).unwrap();
    let mut open = open.lock().unwrap();
    // Cut in this moment: both are dropped, which closes them.
    let Some(open) = open.as_mut() else { return };
    for (from, to) in [(&near, &far), (&far, &near)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            // A client that has said all may still wait for the answer.
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    open.extend([near, far]);
}
