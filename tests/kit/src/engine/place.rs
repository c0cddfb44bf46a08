//! Where a private engine keeps its data, and which storage driver works there.

use crate::docker::Docker;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};
use nix::sys::statvfs::statvfs;
use std::fs;
use std::path::{Path, PathBuf};

// The path of a socket may have 107 bytes, so the folder is not below the checkout's.
pub const FOLDER: &str = "/tmp/bgd-engine-";
/// A file system in memory, on every Linux.
const MEMORY: &str = "/dev/shm/bgd-engine-";

/// What the images and the containers of the whole suite need, with room to spare. Unit: bytes.
const ENOUGH: u64 = 6 << 30;

/// The folder of an engine's images and containers.
pub fn data(name: &str) -> PathBuf {
    if has_memory() { PathBuf::from(format!("{MEMORY}{name}/data")) } else { on_disk(name) }
}

/// Every folder in which the data of an engine may be: another process may have decided otherwise.
pub fn all_data(name: &str) -> [PathBuf; 2] {
    [PathBuf::from(format!("{MEMORY}{name}")), on_disk(name)]
}

fn on_disk(name: &str) -> PathBuf {
    PathBuf::from(format!("{FOLDER}{name}/data"))
}

fn has_memory() -> bool {
    let room = statvfs("/dev/shm").map_or(0, |found| found.blocks_available() * found.fragment_size());
    room >= ENOUGH && available_memory() >= ENOUGH
}

/// `MemAvailable` of /proc/meminfo. Unit: bytes.
fn available_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// overlay2, but for a folder that is on an overlay itself: there it is what works for the daemon of the environment.
pub fn storage_driver(data: &Path) -> String {
    let folder = data.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let is_overlay = statfs(folder).is_ok_and(|found| found.filesystem_type() == OVERLAYFS_SUPER_MAGIC);
    if !is_overlay {
        return "overlay2".to_string();
    }
    Docker::machine().ok(["info", "--format", "{{.Driver}}"])
}
