//! How much came to a container over its networks, by its kernel's counters.

use std::fs::read_to_string;
use std::path::Path;

use super::{Address, Container};

/// The bytes that came over all networks of a container, but for its own loopback; `None` where this process cannot see
/// that: the container does not run, or runs on another machine.
pub(super) fn received(address: &Address, container: &Container) -> Option<u64> {
    // A socket can lead to another machine, too, where the number means another process: the control group tells.
    let (Address::Unix(_), true) = (address, container.state.pid > 0) else { return None };
    let process = Path::new("/proc").join(container.state.pid.to_string());
    let groups = read_to_string(process.join("cgroup")).ok()?;
    groups
        .contains(&container.id)
        .then(|| read_to_string(process.join("net/dev")).ok())?
        .map(|table| sum(&table))
}

/// Adds up a table of proc(5), `/proc/net/dev`: below two lines of titles `NAME: BYTES PACKETS …`.
fn sum(table: &str) -> u64 {
    let interfaces = table.lines().skip(2).filter_map(|line| line.split_once(':'));
    let others = interfaces.filter(|(name, _)| name.trim() != "lo");
    others.filter_map(|(_, counts)| counts.split_whitespace().next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interfaces_are_added_up_but_for_the_loopback() {
        let table = "Inter-|   Receive                            |  Transmit\n face |bytes    packets errs drop fifo\n    \
                     lo: 9999 1 0 0\n  eth0:     806       9    0    0\n  eth1:94 1 0 0\n";
        assert_eq!(sum(table), 900);
        assert_eq!(sum(""), 0);
    }
}
