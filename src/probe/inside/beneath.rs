use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

const ATTEMPTS: usize = 8;

/// Opens a path that is resolved as if `root` were the root folder: no `..` and no link leads out of it, whatever the
/// container's processes change meanwhile. The kernel does the resolving (`openat2(2)`, since Linux 5.6).
pub(super) fn open(root: BorrowedFd<'_>, path: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    let mut result = Err(Errno::EAGAIN);
    for _ in 0..ATTEMPTS {
        result = openat2(root, path, how);
        // The kernel gives up when something was renamed while it followed a `..`.
        if !matches!(result, Err(Errno::EAGAIN)) {
            break;
        }
    }
    result
}

/// The path by which this process reaches what it has open.
pub(super) fn handle(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}
