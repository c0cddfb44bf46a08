// The names under which the proxy finds containers.
//
// They begin with `_`, with which no container's name can begin (moby, `names.RestrictedNameChars`), and have `_` where no
// app's name has one, so that none of them is another container's name or another app's. Docker's DNS, nginx and Traefik
// take them.

use super::{AppName, ReleaseNumber, Slot};

/// The name that only this release has on the proxy's network.
pub fn release_host(app: &AppName, release: ReleaseNumber) -> String {
    format!("_bgd_{app}_r{release}")
}

/// The name that a slot has on the proxy's network, release after release.
pub fn slot_host(app: &AppName, slot: Slot) -> String {
    format!("_bgd_{app}_{slot}")
}

/// What a release was called by a bgd of before the names above.
pub fn former_release_host(app: &AppName, release: ReleaseNumber) -> String {
    format!("{app}-r{release}")
}

/// What a slot was called by a bgd of before the names above. An app that has it keeps it, for a change would take older
/// nginx a reload, unless a container has that name.
pub fn former_slot_host(app: &AppName, slot: Slot) -> String {
    format!("{app}-slot-{slot}")
}

/// What a slot of which nothing is known yet will be called, beside the other one.
pub fn slot_host_beside(app: &AppName, slot: Slot, other: Option<&str>) -> String {
    if other == Some(former_slot_host(app, slot.other()).as_str()) {
        former_slot_host(app, slot)
    } else {
        slot_host(app, slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContainerName;

    #[test]
    fn no_container_and_no_app_can_have_these_names() {
        let app = |name| AppName::parse(name).unwrap();
        for name in ["api", "api-slot", "api-r1", "api-blue"] {
            let invented = [release_host(&app(name), ReleaseNumber(1)), slot_host(&app(name), Slot::Blue)];
            for name in invented {
                assert!(ContainerName::parse(&name).is_err() && AppName::parse(&name).is_err(), "{name}");
                assert!(name.len() <= 63);
            }
        }
        assert_ne!(slot_host(&app("api"), Slot::Blue), slot_host(&app("api-slot"), Slot::Blue));
        assert_eq!(slot_host_beside(&app("api"), Slot::Green, Some("api-slot-blue")), "api-slot-green");
        assert_eq!(slot_host_beside(&app("api"), Slot::Green, Some("web")), "_bgd_api_green");
    }
}
