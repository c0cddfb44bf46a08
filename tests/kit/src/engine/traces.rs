use super::place::{self, FOLDER};
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// All that an engine leaves on a machine: processes, mounts, a network namespace, cgroups and a folder.
pub struct Traces {
    /// Names the namespace and the cgroups: `bgd-<process>-<number>`.
    pub name: String,
    /// Sockets, logs and state.
    pub folder: PathBuf,
    /// Images and containers: in memory where there is enough.
    pub data: PathBuf,
}

impl Traces {
    pub fn new(name: String) -> Self {
        let folder = PathBuf::from(format!("{FOLDER}{name}"));
        let data = place::data(&name);
        Self { name, folder, data }
    }

    /// Removes the engines of tests that were killed and could not.
    pub fn sweep() {
        for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(name) = path.to_str().and_then(|path| path.strip_prefix(FOLDER)) else { continue };
            let Some(process) = name.split('-').nth(1) else { continue };
            if !Path::new("/proc").join(process).exists() {
                eprintln!("removing {name}, left behind by a test that was killed");
                Self::new(name.to_string()).remove();
            }
        }
    }

    /// Removes everything, by force.
    pub fn remove(&self) {
        // What is killed may have begun something else meanwhile.
        for _ in 0..100 {
            if !self.kill_processes() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.unmount();
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).stderr(Stdio::null()).status();
        self.remove_cgroups();
        for folder in [self.data.clone(), self.folder.clone()].into_iter().chain(place::all_data(&self.name))
        {
            if let Err(why) = fs::remove_dir_all(&folder)
                && folder.exists()
            {
                eprintln!("cleaning up {}: {why}", folder.display());
            }
        }
    }

    /// Kills the daemon, its containerd, shims and containers; tells whether there were any.
    fn kill_processes(&self) -> bool {
        let (folder, cgroup) = (format!("{}/", self.folder.display()), format!("/{}/", self.name));
        let mut found = false;
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let has = |file: &str, text: &str| {
                let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
                bytes.windows(text.len()).any(|window| window == text.as_bytes())
            };
            // A process that is dead and not reaped has no command line, but it still has its cgroup.
            let is_alive = fs::read_link(entry.path().join("exe")).is_ok();
            if is_alive && pid != Pid::this().as_raw() && (has("cmdline", &folder) || has("cgroup", &cgroup))
            {
                found = true;
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        found
    }

    fn unmount(&self) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
        let data = place::all_data(&self.name);
        let is_ours = |point: &str| {
            let point = Path::new(point);
            point.starts_with(&self.folder) || data.iter().any(|folder| point.starts_with(folder))
        };
        let ours: Vec<&str> = points.filter(|point| is_ours(point)).collect();
        for point in ours.into_iter().rev() {
            let _ = umount2(point, MntFlags::MNT_DETACH);
        }
    }

    /// Removes the cgroup and those in it from every hierarchy, of which the second version of cgroups has but one.
    fn remove_cgroups(&self) {
        let root = Path::new("/sys/fs/cgroup");
        let hierarchies = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
        for hierarchy in hierarchies.chain([root.to_path_buf()]) {
            remove_cgroup(&hierarchy.join(&self.name));
        }
    }
}

fn remove_cgroup(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}
