use std::net::IpAddr;

use crate::model::{AppName, Release, Slot, former_release_host, former_slot_host, release_host, slot_host};
use crate::proxy::Target;

/// Where the proxy finds a release.
pub fn target_of(release: &Release, addresses: Vec<IpAddr>) -> Target {
    // An adopted container cannot be given further names without taking it off its network for a moment.
    let own_name = || release.containers.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let (release_host, slot_host) = if is_foreign(release) {
        (own_name(), own_name())
    } else {
        let (app, slot) = (&release.app.name, release.slot);
        let former = former_release_host(app, release.number);
        let known = release_host(app, release.number);
        let host = if has_alias(release, &former) && !has_alias(release, &known) { former } else { known };
        (
            host,
            if keeps_former_slot_host(release) { former_slot_host(app, slot) } else { slot_host(app, slot) },
        )
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

/// Whether the slot of a release has a name of before the present ones, by which the proxy may know it.
pub(crate) fn keeps_former_slot_host(release: &Release) -> bool {
    has_alias(release, &former_slot_host(&release.app.name, release.slot))
}

fn has_alias(release: &Release, alias: &str) -> bool {
    let networks = release.containers.first().map(|(_, spec)| spec.networks.as_slice()).unwrap_or_default();
    let own = networks.iter().find(|network| network.name == release.app.network.as_str());
    own.is_some_and(|network| network.aliases.iter().any(|known| known == alias))
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
