use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

/// A process inside the container, whose root and network are used.
///
/// What is held open is the process's folder in `/proc`. Unlike a process id it cannot come to mean another process:
/// once the process has ended, everything beneath it is gone.
pub struct Place {
    process: OwnedFd,
    net: Net,
}

/// In which network namespace sockets are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Net {
    /// In this process's own.
    Current,
    /// In that of the process inside the container, which takes `CAP_SYS_ADMIN`.
    Enter,
}

impl Place {
    /// Takes hold of a process by its folder, such as `/proc/1`.
    ///
    /// # Errors
    /// There is no such process.
    pub fn hold(process: &Path, net: Net) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self { process: open(process, flags, Mode::empty())?, net })
    }

    /// How sockets are made.
    pub fn net(&self) -> Net {
        self.net
    }

    /// Whether it is a process of this container, by its control group or by the files that the engine mounts into
    /// every container.
    pub fn belongs_to(&self, container: &str) -> bool {
        let contains = |file: &str, matches: fn(&str, &str) -> bool| {
            self.text(file).is_ok_and(|text| text.lines().any(|line| matches(line, container)))
        };
        contains("cgroup", |line, id| line.contains(id)) || contains("mountinfo", is_own_mount)
    }

    /// The root folder as the process sees it.
    pub(super) fn root(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        openat(&self.process, "root", flags, Mode::empty()).map_err(gone)
    }

    /// The network namespace of the process.
    pub(super) fn net_namespace(&self) -> Result<OwnedFd, Errno> {
        openat(&self.process, "ns/net", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(gone)
    }

    /// A text beneath the process's folder.
    pub(super) fn text(&self, file: &str) -> io::Result<String> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let mut text = String::new();
        let opened = openat(&self.process, file, flags, Mode::empty());
        File::from(opened?).read_to_string(&mut text)?;
        Ok(text)
    }

    /// Sends SIGHUP to the process, when its title begins so.
    ///
    /// Everything is read through the folder that is held open, so it is this very process until right before the signal.
    pub(super) fn hang_up(&self, title: &str) -> io::Result<()> {
        let other = || io::Error::other("it is another process than expected");
        let status = self.text("status")?;
        let pid = status
            .lines()
            .find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
            .ok_or_else(other)?;
        if !self.text("cmdline")?.starts_with(title) {
            return Err(other());
        }
        Ok(kill(Pid::from_raw(pid), Signal::SIGHUP)?)
    }

    /// Tries whether root and network can be entered, and so whether this place serves.
    ///
    /// # Errors
    /// The system's, most often that it is not permitted.
    pub async fn enter(&self) -> io::Result<()> {
        self.root()?;
        super::dial::socket(self, true).await.map(drop)
    }
}

/// The links of a process that has ended are not there.
fn gone(error: Errno) -> Errno {
    if error == Errno::ENOENT { Errno::ESRCH } else { error }
}

/// Whether a line of `mountinfo` mounts a file that the engine keeps for this container. The host's own table names
/// containers too, at other mount points.
fn is_own_mount(line: &str, container: &str) -> bool {
    let mut fields = line.split(' ').skip(3);
    let (Some(root), Some(at)) = (fields.next(), fields.next()) else { return false };
    matches!(at, "/etc/hostname" | "/etc/resolv.conf") && root.contains(container)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_tells_the_container_only_where_the_engine_puts_it() {
        let id = "4f5e";
        let own = "812 790 254:0 /var/lib/docker/containers/4f5e/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw";
        let host = "90 28 0:61 / /var/lib/docker/containers/4f5e/mounts/shm rw - tmpfs shm rw";
        assert!(is_own_mount(own, id));
        assert!(!is_own_mount(host, id));
        assert!(!is_own_mount("", id));
    }

    #[test]
    fn a_process_that_has_ended_is_gone_even_if_its_id_is_used_again() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let place = Place::hold(Path::new(&format!("/proc/{}", child.id())), Net::Current).unwrap();
        assert!(place.root().is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(place.root().unwrap_err(), Errno::ESRCH);
        assert_eq!(place.net_namespace().unwrap_err(), Errno::ESRCH);
    }
}
