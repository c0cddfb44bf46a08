use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::context::Env;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::error::{Context as _, Error, Kind, Result};
use crate::model::App;

/// The largest configuration, env-file or template that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A configuration as it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file; relative paths in the configuration resolve against its folder.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Makes a source of the bytes of a file.
    ///
    /// # Errors
    /// A diagnostic at the first byte that is not UTF-8.
    pub fn from_bytes(path: PathBuf, bytes: Vec<u8>) -> Result<Self, Diagnostics> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
                let last_line = valid.rsplit('\n').next().unwrap_or_default();
                let diagnostic = Diagnostic {
                    file: path,
                    line: valid.matches('\n').count() + 1,
                    column: last_line.chars().count() + 1,
                    severity: Severity::Error,
                    message: "the file is not UTF-8 text".to_owned(),
                    expected: None,
                    hint: Some("save it as UTF-8".to_owned()),
                    // Nothing is known of the line, so nothing of it is shown.
                    source_line: String::new(),
                    caret: 0..1,
                };
                Err(Diagnostics(vec![diagnostic]))
            }
        }
    }
}

/// Reads and checks the configuration in a file.
///
/// # Errors
/// [`Kind::Config`] in every case; each thing that is wrong is a detail of its own.
pub fn load(path: &Path, env: Env<'_>) -> Result<App> {
    load_with_remarks(path, env).map(|(app, _)| app)
}

/// The same with warnings and notes, for commands that tell them.
///
/// # Errors
/// Those of [`load`].
pub fn load_with_remarks(path: &Path, env: Env<'_>) -> Result<(App, Vec<Diagnostic>)> {
    let bytes = read_file(path).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let error = Error::new(Kind::Config, format!("cannot read {}", path.display())).caused_by(error);
        if missing { error.hint("name the configuration with -f FILE, or write a bgd.yaml") } else { error }
    })?;
    let source = Source::from_bytes(path.to_owned(), bytes)?;
    // The folder has to be absolute, because Docker takes no relative path for a bind.
    let absolute = std::path::absolute(path)
        .or_error(Kind::Config, || format!("cannot tell the folder of {}", path.display()))?;
    let resolved = Source { path: absolute, text: source.text };
    let (app, remarks) = super::parse_with_remarks(&resolved, env, &read_file)
        .map_err(|diagnostics| diagnostics.renamed(&resolved.path, path))?;
    Ok((app, Diagnostics(remarks).renamed(&resolved.path, path).0))
}

/// The configuration of a folder: its `bgd.yaml`, or else its `bgd.yml`.
pub fn find(start: &Path) -> Option<PathBuf> {
    ["bgd.yaml", "bgd.yml"].into_iter().map(|name| start.join(name)).find(|path| path.is_file())
}

/// How long a pipe is waited for, whose other end may be a program that decrypts.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// Reads a pipe to its end, such as that of `-f <(program)`.
fn drain(mut pipe: &File, bytes: &mut Vec<u8>) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut piece = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        // A pipe that nothing has opened to write is not at its end yet: only this tells the two apart.
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], limit) {
            Ok(0) => {
                let message = format!("it is a pipe, and nothing more came within {} s", PATIENCE.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match pipe.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if bytes.len() as u64 > LARGEST {
            return Ok(());
        }
    }
}

/// Reads a file that is no larger than a configuration may be.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Without O_NONBLOCK a pipe that nothing is written into is waited for already when it is opened.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if file.metadata()?.file_type().is_file() {
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    } else {
        drain(&file, &mut bytes)?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("the file is larger than 1 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_pipe_is_read_to_its_end_and_not_waited_for_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = read_file(&path).unwrap_err();
        assert!(error.to_string().contains("is a pipe"), "{error}");

        let to = path.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(to).unwrap();
            for piece in ["app: api\n", "port: 3000\n"] {
                pipe.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        assert_eq!(read_file(&path).unwrap(), b"app: api\nport: 3000\n");
        writer.join().unwrap();

        // As a shell hands over  -f <(program) : the other end may have closed by now.
        let (read, write) = nix::unistd::pipe().unwrap();
        File::from(write).write_all(b"app: web\n").unwrap();
        let handed = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&read));
        assert_eq!(read_file(Path::new(&handed)).unwrap(), b"app: web\n");
    }
}
