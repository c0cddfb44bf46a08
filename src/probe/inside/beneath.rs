use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;

use super::walk;

const ATTEMPTS: usize = 8;

/// Opens a path that is resolved as if `root` were the root folder: no `..` and no link leads out of it, whatever the
/// container's processes change meanwhile. It opens folders, and everything else with `O_PATH`.
pub(super) fn open(root: BorrowedFd<'_>, path: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
    match by_kernel(root, path, flags) {
        // Before Linux 5.6 there is no such call, and a seccomp profile of that age forbids what it does not know.
        Err(Errno::ENOSYS | Errno::EPERM) => walk::open(root, path, flags),
        result => result,
    }
}

fn by_kernel(root: BorrowedFd<'_>, path: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
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

/// Whether something is mounted on this very name.
///
/// The kernel would not refuse to replace it: from outside the container's mount namespace a rename or an unlink
/// silently takes the mount away (since Linux 3.18, `is_local_mountpoint`).
pub(super) fn is_mounted(folder: &OwnedFd, name: &str) -> std::io::Result<bool> {
    match openat(folder, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(found) => Ok(mount(&found)? != mount(folder)?),
        Err(Errno::ENOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The id of the mount on which an open file lies.
fn mount(fd: &OwnedFd) -> std::io::Result<Option<String>> {
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    Ok(about.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(|id| id.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::fd::AsFd;
    use std::os::unix::fs::{MetadataExt, symlink};

    /// What a path leads to: the file's number, or the error.
    fn inode(opened: Result<OwnedFd, Errno>) -> Result<u64, Errno> {
        opened.map(|fd| File::from(fd).metadata().unwrap().ino())
    }

    #[test]
    fn the_walk_leads_where_the_kernel_leads() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("root");
        fs::create_dir_all(inside.join("etc/conf.d/deep")).unwrap();
        fs::write(inside.join("etc/conf.d/a.conf"), "").unwrap();
        fs::write(outside.path().join("secret"), "").unwrap();
        for (name, target) in [
            ("relative", "etc/conf.d"),
            ("absolute", "/etc/conf.d"),
            ("twice", "absolute/deep/../a.conf"),
            ("up", "../secret"),
            ("far-up", "../../../../../etc"),
            ("out", outside.path().to_str().unwrap()),
            ("loop", "loop"),
            ("nowhere", "/nowhere"),
        ] {
            symlink(target, inside.join(name)).unwrap();
        }
        let root = File::open(&inside).unwrap();
        let mut found = 0;
        for path in [
            "/",
            "..",
            "/etc",
            "//etc/./conf.d//a.conf",
            "/etc/../../../etc/conf.d",
            "/relative/a.conf",
            "/absolute/a.conf",
            "/absolute/../conf.d/deep",
            "/relative/..",
            "/twice",
            "/up",
            "/far-up/conf.d",
            "/out/secret",
            "/loop",
            "/nowhere/x",
            "/etc/conf.d/a.conf/x",
            "/etc/conf.d/none",
        ] {
            for flags in [OFlag::O_PATH, OFlag::O_RDONLY | OFlag::O_DIRECTORY] {
                let walked = inode(walk::open(root.as_fd(), path, flags));
                assert_eq!(walked, inode(by_kernel(root.as_fd(), path, flags)), "{path} {flags:?}");
                found += usize::from(walked.is_ok());
            }
        }
        assert_eq!(found, 18);
    }

    #[test]
    fn the_walk_stays_inside_when_a_link_of_proc_leads_out() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("root");
        fs::create_dir_all(&inside).unwrap();
        let root = File::open(&inside).unwrap();
        let proc = File::open("/proc/self").unwrap();
        let own = fs::metadata("/proc/self").unwrap().ino();
        assert_eq!(inode(walk::open(proc.as_fd(), "root", OFlag::O_PATH)), Ok(own));
        assert_eq!(
            inode(walk::open(root.as_fd(), "/../..", OFlag::O_PATH)),
            Ok(root.metadata().unwrap().ino())
        );
    }
}
