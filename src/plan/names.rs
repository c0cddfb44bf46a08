use std::net::IpAddr;

use crate::model::{AppName, Release, ReleaseNumber, Slot};
use crate::proxy::Target;

/// The name that only this release has on the proxy's network.
pub fn release_host(app: &AppName, release: ReleaseNumber) -> String {
    format!("{app}-r{release}")
}

/// The name that a slot has on the proxy's network. It differs from every container's name, because containers can
/// be renamed and Docker's DNS knows them by name too.
pub fn slot_host(app: &AppName, slot: Slot) -> String {
    format!("{app}-slot-{slot}")
}

/// Where the proxy finds a release.
pub fn target_of(release: &Release, addresses: Vec<IpAddr>) -> Target {
    // An adopted container cannot be given further names without taking it off its network for a moment.
    let own_name = || release.containers.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let (release_host, slot_host) = if is_foreign(release) {
        (own_name(), own_name())
    } else {
        (release_host(&release.app.name, release.number), slot_host(&release.app.name, release.slot))
    };
    Target {
        slot: release.slot,
        release: release.number,
        release_host,
        slot_host,
        port: release.app.port,
        addresses,
    }
}

/// Whether a release's containers were there before bgd: they carry no label of bgd's and are never removed.
pub(crate) fn is_foreign(release: &Release) -> bool {
    crate::own::is_adopted(release)
}

/// The names of a slot's containers.
pub(crate) fn container_names(app: &AppName, color: Slot, replicas: u32) -> Vec<String> {
    if replicas == 1 {
        vec![format!("{app}-{color}")]
    } else {
        (1..=replicas).map(|n| format!("{app}-{color}-{n}")).collect()
    }
}
