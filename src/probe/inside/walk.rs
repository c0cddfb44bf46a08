//! Resolves a path beneath a root step by step, for kernels that cannot do it themselves.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};

/// As many as the kernel follows (`path_resolution(7)`).
const LINKS: usize = 40;

/// Opens what a path leads to when `root` is the root folder, as the kernel's `RESOLVE_IN_ROOT` does.
///
/// Every folder on the way is held open and `..` goes back to the one that is held, so a folder that is moved
/// meanwhile leads nowhere else. Links are followed by their text, so those of `/proc` lead nowhere else either.
pub(super) fn open(root: BorrowedFd<'_>, path: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
    let mut steps = parts(OsStr::new(path));
    let mut way: Vec<OwnedFd> = Vec::new();
    let mut links = 0;
    while let Some(step) = steps.pop_front() {
        if step == ".." {
            way.pop();
            continue;
        }
        let here = way.last().map_or(root, AsFd::as_fd);
        let look = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let found = openat(here, step.as_os_str(), look, Mode::empty())?;
        if SFlag::from_bits_truncate(fstat(&found)?.st_mode) & SFlag::S_IFMT != SFlag::S_IFLNK {
            way.push(found);
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(Errno::ELOOP);
        }
        let target = readlinkat(&found, "")?;
        if target.as_bytes().starts_with(b"/") {
            way.clear();
        }
        for part in parts(&target).into_iter().rev() {
            steps.push_front(part);
        }
    }
    let flags = flags | OFlag::O_CLOEXEC;
    match way.pop() {
        Some(found) if flags.contains(OFlag::O_PATH) => Ok(found),
        Some(found) => openat(found, ".", flags, Mode::empty()),
        None => openat(root, ".", flags, Mode::empty()),
    }
}

fn parts(path: &OsStr) -> VecDeque<OsString> {
    let parts = path.as_bytes().split(|byte| *byte == b'/');
    parts.filter(|part| !matches!(*part, b"" | b".")).map(|part| OsString::from_vec(part.to_vec())).collect()
}
