//! Files beneath a root that somebody else controls.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::beneath::{handle, is_mounted, open};
use super::{Trouble, TroubleKind};
use crate::probe::ASIDE;

/// More than any configuration, less than what would fill the memory.
const LARGEST: u64 = 16 * 1024 * 1024;

pub(super) fn read(root: BorrowedFd<'_>, path: &str) -> Result<Option<Vec<u8>>, Trouble> {
    // Only a look at first: opening a device or a pipe can have effects.
    let Some(found) = there(open(root, path, OFlag::O_PATH))? else { return Ok(None) };
    let about = fstat(&found)?;
    if SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Trouble::new(TroubleKind::NotAFile, "it is not a regular file"));
    }
    let mut content = Vec::new();
    File::open(handle(&found))?.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        return Err(Trouble::new(TroubleKind::Other, "it is larger than 16 MiB"));
    }
    Ok(Some(content))
}

pub(super) fn list(root: BorrowedFd<'_>, folder: &str) -> Result<Option<Vec<String>>, Trouble> {
    let Some(found) = there(open(root, folder, OFlag::O_PATH))? else { return Ok(None) };
    if SFlag::from_bits_truncate(fstat(&found)?.st_mode) & SFlag::S_IFMT != SFlag::S_IFDIR {
        return Err(Trouble::new(TroubleKind::NotAFile, "it is not a folder"));
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(handle(&found))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(Some(names))
}

pub(super) fn write(root: BorrowedFd<'_>, path: &str, content: &[u8], aside: bool) -> Result<(), Trouble> {
    let (folder, name) = split(path)?;
    let folder = open(root, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    refuse_mounted(&folder, name)?;
    let place = if aside { Some(open_aside(&folder)?) } else { None };
    let place = place.as_ref().unwrap_or(&folder);
    let temporary = format!(".{name}.tmp");
    // Made anew each time: what lies there can be a link or a pipe that somebody else put there.
    remove(place, &temporary)?;
    let written = write_new(place, &temporary, content)
        .and_then(|()| Ok(renameat(place, temporary.as_str(), &folder, name)?));
    if let Err(trouble) = written {
        // The first trouble is the one to tell.
        drop(remove(place, &temporary));
        return Err(trouble);
    }
    Ok(fsync(&folder)?)
}

pub(super) fn make_aside(root: BorrowedFd<'_>, folder: &str) -> Result<(), Trouble> {
    let folder = open(root, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    open_aside(&folder).map(drop)
}

/// The folder for temporary names. A proxy that reads folders within its own has to be able to look into it.
fn open_aside(folder: &OwnedFd) -> Result<OwnedFd, Trouble> {
    let open = || {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(folder, ASIDE, flags, Mode::empty())
    };
    match open() {
        Err(Errno::ENOENT) => {}
        found => return Ok(found?),
    }
    let readable = Mode::from_bits_truncate(0o755);
    match mkdirat(folder, ASIDE, readable) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let made = open()?;
    fchmod(&made, readable)?;
    Ok(made)
}

pub(super) fn delete(root: BorrowedFd<'_>, path: &str) -> Result<(), Trouble> {
    let (folder, name) = split(path)?;
    let Some(folder) = there(open(root, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY))? else {
        return Ok(());
    };
    refuse_mounted(&folder, name)?;
    remove(&folder, name)?;
    Ok(fsync(&folder)?)
}

fn write_new(folder: &OwnedFd, name: &str, content: &[u8]) -> Result<(), Trouble> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let readable = Mode::from_bits_truncate(0o644);
    let mut file = File::from(openat(folder, name, flags, readable)?);
    // Whatever the umask says, the proxy's workers have to read it.
    fchmod(file.as_fd(), readable)?;
    file.write_all(content)?;
    Ok(file.sync_all()?)
}

fn refuse_mounted(folder: &OwnedFd, name: &str) -> Result<(), Trouble> {
    if is_mounted(folder, name)? {
        return Err(Errno::EBUSY.into());
    }
    Ok(())
}

fn remove(folder: &OwnedFd, name: &str) -> Result<(), Trouble> {
    there(unlinkat(folder, name, UnlinkatFlags::NoRemoveDir))?;
    Ok(())
}

/// Turns "not there" into `None`.
fn there<T>(result: Result<T, Errno>) -> Result<Option<T>, Trouble> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The folder and the name of an absolute path.
fn split(path: &str) -> Result<(&str, &str), Trouble> {
    match path.rsplit_once('/') {
        Some((folder, name)) if path.starts_with('/') && !matches!(name, "" | "." | "..") => {
            Ok((if folder.is_empty() { "/" } else { folder }, name))
        }
        _ => Err(Trouble::new(TroubleKind::Other, "it is not the absolute path of a file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn jail() -> (tempfile::TempDir, OwnedFd) {
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(outside.path().join("root/etc/conf.d")).unwrap();
        std::fs::write(outside.path().join("secret"), "outside").unwrap();
        let root = OwnedFd::from(File::open(outside.path().join("root")).unwrap());
        (outside, root)
    }

    #[test]
    fn what_was_written_is_read_listed_and_deleted() {
        let (outside, root) = jail();
        let root = root.as_fd();
        assert_eq!(read(root, "/etc/conf.d/a.conf").unwrap(), None);
        assert_eq!(read(root, "/nowhere/a.conf").unwrap(), None);
        assert_eq!(list(root, "/nowhere").unwrap(), None);
        write(root, "/etc/conf.d/a.conf", b"one", false).unwrap();
        write(root, "/etc/conf.d/a.conf", b"two", false).unwrap();
        assert_eq!(read(root, "/etc/conf.d/a.conf").unwrap().unwrap(), b"two");
        assert_eq!(list(root, "/etc/conf.d").unwrap().unwrap(), ["a.conf"]);
        let mode =
            std::fs::metadata(outside.path().join("root/etc/conf.d/a.conf")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        delete(root, "/etc/conf.d/a.conf").unwrap();
        delete(root, "/etc/conf.d/a.conf").unwrap();
        delete(root, "/nowhere/a.conf").unwrap();
        assert_eq!(list(root, "/etc/conf.d").unwrap().unwrap(), [""; 0]);
    }

    #[test]
    fn a_write_aside_leaves_nothing_beside_the_file_but_its_folder() {
        let (outside, root) = jail();
        let root = root.as_fd();
        make_aside(root, "/etc/conf.d").unwrap();
        write(root, "/etc/conf.d/a.conf", b"one", true).unwrap();
        write(root, "/etc/conf.d/a.conf", b"two", true).unwrap();
        assert_eq!(read(root, "/etc/conf.d/a.conf").unwrap().unwrap(), b"two");
        assert_eq!(list(root, "/etc/conf.d").unwrap().unwrap(), [".bgd", "a.conf"]);
        assert_eq!(list(root, "/etc/conf.d/.bgd").unwrap().unwrap(), [""; 0]);
        let folder = outside.path().join("root/etc/conf.d");
        std::fs::remove_dir(folder.join(".bgd")).unwrap();
        symlink(outside.path(), folder.join(".bgd")).unwrap();
        assert!(write(root, "/etc/conf.d/a.conf", b"three", true).is_err(), "no link leads elsewhere");
    }

    #[test]
    fn no_link_and_no_dots_lead_outside() {
        let (outside, root) = jail();
        let inside = outside.path().join("root");
        symlink("../secret", inside.join("relative")).unwrap();
        symlink(outside.path().join("secret"), inside.join("absolute")).unwrap();
        symlink(outside.path(), inside.join("folder")).unwrap();
        symlink("/proc/self/root", inside.join("magic")).unwrap();
        for path in [
            "/relative",
            "/absolute",
            "/folder/secret",
            "/../secret",
            "/etc/../../secret",
            "/magic/etc/passwd",
        ] {
            assert_eq!(read(root.as_fd(), path).unwrap(), None, "{path}");
        }
        for path in ["/folder/new", "/magic/tmp/new"] {
            assert_eq!(
                write(root.as_fd(), path, b"x", false).unwrap_err().kind,
                TroubleKind::NoFolder,
                "{path}"
            );
        }
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn a_link_at_the_name_itself_is_replaced_and_not_followed() {
        let (outside, root) = jail();
        let folder = outside.path().join("root/etc/conf.d");
        symlink(outside.path().join("secret"), folder.join(".a.conf.tmp")).unwrap();
        symlink(outside.path().join("secret"), folder.join("a.conf")).unwrap();
        write(root.as_fd(), "/etc/conf.d/a.conf", b"new", false).unwrap();
        assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"outside");
        assert_eq!(read(root.as_fd(), "/etc/conf.d/a.conf").unwrap().unwrap(), b"new");
        assert_eq!(list(root.as_fd(), "/etc/conf.d").unwrap().unwrap(), ["a.conf"]);
    }

    #[test]
    fn a_link_to_an_absolute_path_is_followed_inside() {
        let (outside, root) = jail();
        symlink("/etc/conf.d", outside.path().join("root/sites")).unwrap();
        write(root.as_fd(), "/sites/b.conf", b"x", false).unwrap();
        assert_eq!(read(root.as_fd(), "/etc/conf.d/b.conf").unwrap().unwrap(), b"x");
    }

    #[test]
    fn a_pipe_does_not_hang_a_reader() {
        let (outside, root) = jail();
        nix::unistd::mkfifo(&outside.path().join("root/pipe"), Mode::from_bits_truncate(0o600)).unwrap();
        assert_eq!(read(root.as_fd(), "/pipe").unwrap_err().kind, TroubleKind::NotAFile);
        assert_eq!(read(root.as_fd(), "/etc").unwrap_err().kind, TroubleKind::NotAFile);
    }

    #[test]
    fn what_is_no_path_of_a_file_is_refused() {
        let (_outside, root) = jail();
        for path in ["", "relative", "/", "/etc/", "/etc/.."] {
            assert!(write(root.as_fd(), path, b"", false).is_err(), "{path}");
        }
        assert_eq!(
            write(root.as_fd(), "/nowhere/a.conf", b"", false).unwrap_err().kind,
            TroubleKind::NoFolder
        );
    }
}
