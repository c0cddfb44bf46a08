use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::file;
use crate::error::{Context, Error, Kind, Result};

/// A lock on a file: it dies with the process, and the file says who holds it. The file itself is never removed,
/// or two processes could hold locks on two files of one name.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its user's number.
    pub uid: u32,
    /// Its command line; bgd takes no secrets there.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = crate::user::name(self.uid);
        write!(f, "by `{}` (process {}, user {user}) since {}", self.command, self.pid, self.since)
    }
}

impl Lock {
    /// Takes the lock, or tells who holds it.
    ///
    /// # Errors
    /// Of kind `Locked` when it is held.
    pub fn take(path: &Path, what: &str) -> Result<Self> {
        let mut file = open(path)?;
        // A bgd that only asks for the holder has a shared lock for some microseconds: ask more than once.
        for attempt in 0..5 {
            if attempt > 0 {
                std::thread::sleep(Duration::from_millis(attempt));
            }
            match file.try_lock() {
                Ok(()) => {
                    sign(&mut file, path)?;
                    return Ok(Self { file });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).or_error(Kind::Other, || format!("cannot lock {}", path.display()));
                }
            }
        }
        Err(held(path, what))
    }

    /// Takes the lock, waiting for it at most `limit`.
    ///
    /// # Errors
    /// Of kind `Locked` when it is still held then.
    pub async fn wait(path: &Path, what: &str, limit: Duration) -> Result<Self> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            match Self::take(path, what) {
                Err(error) if error.kind() == Kind::Locked && tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                other => return other,
            }
        }
    }

    /// Who holds the lock now; `None` when it is free.
    pub fn holder(path: &Path) -> Option<Holder> {
        let file = OpenOptions::new().read(true).open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_holder(path),
            _ => None,
        }
    }
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next holder must not be called by this one's name before it has written its own. Closing the file frees the
        // lock all the same; an error here changes nothing.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File> {
    file::make_folder(path.parent().unwrap_or(Path::new(".")))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
        .map_err(|error| file::cannot("open the lock", path, error))
}

/// The command line of this process. What is not UTF-8 is shown as well as it can be.
fn command_line(arguments: impl Iterator<Item = OsString>) -> String {
    let words: Vec<_> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

fn sign(lock: &mut File, path: &Path) -> Result<()> {
    let holder = Holder {
        pid: std::process::id(),
        uid: nix::unistd::getuid().as_raw(),
        command: command_line(std::env::args_os()),
        since: Timestamp::now(),
    };
    let text =
        serde_json::to_string(&holder).or_error(Kind::Other, || "cannot describe this process".to_owned())?;
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| lock.write_all(text.as_bytes()))
        .map_err(|error| file::cannot("write", path, error))
}

/// The holder of a lock that is held. One that has just taken it writes its name a moment later.
fn signed(path: &Path) -> Option<Holder> {
    (0..20).find_map(|attempt| {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        read_holder(path)
    })
}

fn held(path: &Path, what: &str) -> Error {
    let by = match signed(path) {
        Some(holder) => holder.to_string(),
        None => "by another bgd".to_owned(),
    };
    Error::new(Kind::Locked, format!("{what} is being changed {by}"))
        .hint("wait for it with --wait 10m, or try again; the lock is freed when that process ends, however it ends")
        .hint(format!("the lock is {}; do not remove it", path.display()))
}

/// The path of the lock of a proxy.
pub(super) fn proxy_lock(root: &Path, proxy: &str) -> PathBuf {
    root.join("proxies").join(format!("{proxy}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_that_is_not_utf_8_is_shown_as_well_as_it_can_be() {
        use std::os::unix::ffi::OsStringExt;
        let words = ["bgd".into(), "-f".into(), OsString::from_vec(b"b\xff.yaml".to_vec())];
        assert_eq!(command_line(words.into_iter()), "bgd -f b\u{fffd}.yaml");
    }

    #[test]
    fn a_lock_that_is_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("lock"), folder.path().join("other"));
        std::fs::write(&other, "mine").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let error = Lock::take(&path, "api").unwrap_err();
        assert!(error.hints()[0].contains("link"), "{error:?}");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
    }

    #[test]
    fn a_holder_that_has_not_written_its_name_yet_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut file = open(&path).unwrap();
        file.try_lock().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let taken = path.clone();
        let asking = std::thread::spawn(move || {
            tell.send(()).unwrap();
            Lock::take(&taken, "api").unwrap_err()
        });
        told.recv().unwrap();
        sign(&mut file, &path).unwrap();
        let error = asking.join().unwrap();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }

    #[test]
    fn a_second_taker_is_told_who_holds_it_and_gets_it_when_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path, "api").unwrap();
        let error = Lock::take(&path, "api").unwrap_err();
        assert_eq!(error.kind(), Kind::Locked);
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        assert_eq!(Lock::holder(&path), None);
        Lock::take(&path, "api").unwrap();
    }
}
