//! The processes of a container, by the control group that it has for itself: what the engine's own list is made from,
//! without its call of `ps`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Net, Place};
use crate::docker::Process;

/// Where the kernel's control groups are mounted, by systemd's and everybody's convention.
const CGROUPS: &str = "/sys/fs/cgroup";

impl Place {
    /// Lists the processes of the container's own control group.
    ///
    /// # Errors
    /// The group cannot be read from here, or is divided further: the engine has to be asked.
    pub(super) fn processes(&self, container: &str) -> io::Result<Vec<Process>> {
        if self.net() != Net::Enter {
            // A helper counts processes otherwise than the engine does.
            return Err(io::Error::new(ErrorKind::Unsupported, "this is not the container's host"));
        }
        let groups = groups(&self.text("cgroup")?, container);
        let group = groups.iter().find(|group| group.join("cgroup.procs").exists()).ok_or_else(|| {
            io::Error::new(ErrorKind::NotFound, "the container has no control group of its own")
        })?;
        let has_parts = fs::read_dir(group)?.filter_map(Result::ok).any(|entry| entry.path().is_dir());
        if has_parts {
            return Err(io::Error::new(ErrorKind::Unsupported, "the control group is divided"));
        }
        let pids = fs::read_to_string(group.join("cgroup.procs"))?;
        // One that has ended since is left out, as in the engine's list.
        Ok(pids.lines().filter_map(|pid| process(pid.trim().parse().ok()?)).collect())
    }
}

/// The folders that may be the container's group, from `/proc/PID/cgroup` (cgroups(7)): version 2, version 2 beside
/// version 1 as systemd mounts it, or the `pids` of version 1.
fn groups(text: &str, container: &str) -> Vec<PathBuf> {
    let line = |wanted: &str, roots: &[&str]| {
        let path = text.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            // A path that leads upwards is told to somebody in a namespace of control groups.
            let is_own = controllers == wanted && path.contains(container) && !path.contains("..");
            is_own.then(|| path.trim_start_matches('/').to_owned())
        });
        let beneath = |root: &&str| path.as_ref().map(|path| Path::new(CGROUPS).join(root).join(path));
        roots.iter().filter_map(beneath).collect::<Vec<_>>()
    };
    [line("", &["", "unified"]), line("pids", &["pids"])].concat()
}

/// Title and parent of a process that is still there.
fn process(pid: i32) -> Option<Process> {
    let title = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())?;
    let title = String::from_utf8_lossy(&title).replace('\0', " ").trim().to_owned();
    Some(Process { pid, parent, title })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_found_in_both_versions_and_in_their_mixture() {
        let found = |text| groups(text, "4f5e");
        let v2 = "0::/system.slice/docker-4f5e.scope\n";
        assert_eq!(found(v2)[0], PathBuf::from("/sys/fs/cgroup/system.slice/docker-4f5e.scope"));
        let mixed = found("8:pids:/docker/4f5e\n0::/docker/4f5e\n");
        let expected = ["docker/4f5e", "unified/docker/4f5e", "pids/docker/4f5e"];
        assert_eq!(mixed, expected.map(|path| Path::new("/sys/fs/cgroup").join(path)));
        for foreign in ["0::/../4f5e\n", "0::/\n", "0::/docker/77\n", "3:cpu:/docker/4f5e\n"] {
            assert!(found(foreign).is_empty(), "{foreign}");
        }
    }

    #[test]
    fn this_process_has_a_parent_and_a_title() {
        let own = process(std::process::id().cast_signed()).unwrap();
        assert!(own.parent > 0 && !own.title.is_empty());
        assert_eq!(process(i32::MAX), None);
    }
}
