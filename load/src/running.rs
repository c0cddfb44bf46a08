use crate::client::{self, Shared};
use crate::report::Report;
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Runtime};

/// A load under way. Dropping it stops it and waits for what is in flight.
pub struct Running {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let (ready, started) = mpsc::channel();
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            let runtime = enter(of_thread.netns()).and_then(|()| runtime());
            match runtime {
                Ok(runtime) => {
                    let _ = ready.send(Ok(()));
                    runtime.block_on(client::run_all(of_thread));
                }
                Err(why) => drop(ready.send(Err(why))),
            }
        })?;
        started.recv().unwrap_or_else(|_| Err(io::Error::other("the load's thread has ended")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The number of requests that a version has answered so far.
    pub fn served_by(&self, version: &str) -> u64 {
        self.shared.tally().served_by(version)
    }

    /// What was seen up to now.
    pub fn report_so_far(&self) -> Report {
        self.shared.tally().report()
    }

    /// Lets every client finish the request it is at, and reports.
    pub fn stop(mut self) -> Report {
        self.end();
        self.report_so_far()
    }

    fn end(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // It ends by a panic only if a client has a bug, which has then been printed.
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Moves this thread into a network namespace. The thread never leaves it, and no other is affected.
fn enter(netns: Option<&Path>) -> io::Result<()> {
    let Some(path) = netns else { return Ok(()) };
    let told = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
    let namespace = File::open(path).map_err(told)?;
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|why| told(why.into()))
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
