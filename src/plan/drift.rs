use std::collections::BTreeMap;

use super::names::is_foreign;
use super::observe::Present;
use super::settings;
use crate::error::Result;
use crate::model::{ContainerSpec, Release};
use crate::own::Owned;

/// Containers of a release that are gone or do not run, a line each. An adopted one's are not bgd's to judge.
pub fn absent(release: &Release, present: &Present) -> Vec<String> {
    let told = |((name, _), container): (&(String, ContainerSpec), &Option<Owned>)| match container {
        None => Some(format!("{name} is missing")),
        Some(container) if !container.state.running => {
            Some(format!("{} is {}", container.name, container.state.status))
        }
        Some(_) => None,
    };
    if is_foreign(release) {
        return Vec::new();
    }
    release.containers.iter().zip(&present.containers).filter_map(told).collect()
}

/// Containers of a release that have other settings than their record, a line each. An adopted one's are not bgd's to
/// judge.
///
/// # Errors
/// Those of [`settings`].
pub fn changed(release: &Release, present: &Present) -> Result<Vec<String>> {
    let mut found = Vec::new();
    if is_foreign(release) {
        return Ok(found);
    }
    for ((_, recorded), container) in release.containers.iter().zip(&present.containers) {
        let Some(container) = container else { continue };
        let differences = differences(recorded, &container.spec)?;
        if !differences.is_empty() {
            found.push(format!("{} was changed by hand: {}", container.name, differences.join(", ")));
        }
        let lost = lost_names(recorded, &container.spec);
        if !lost.is_empty() {
            found.push(format!("{} was changed by hand: {}", container.name, lost.join(", ")));
        }
    }
    Ok(found)
}

/// What a network does not know a container by any more, which it is on: it was taken off the network and put back. The
/// proxy asks by these names.
fn lost_names(recorded: &ContainerSpec, now: &ContainerSpec) -> Vec<String> {
    let mut lost = Vec::new();
    for network in &recorded.networks {
        let Some(present) = now.networks.iter().find(|one| one.name == network.name) else { continue };
        let missing: Vec<&str> = network
            .aliases
            .iter()
            .filter(|alias| !present.aliases.contains(alias))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            lost.push(format!(
                "the network {} does not know it as {} any more",
                network.name,
                missing.join(", ")
            ));
        }
        if network.ipv4.is_some() && network.ipv4 != present.ipv4 {
            lost.push(format!("its fixed address on the network {} is gone", network.name));
        }
    }
    lost
}

/// Each setting that is another now, with both values.
fn differences(recorded: &ContainerSpec, now: &ContainerSpec) -> Result<Vec<String>> {
    // What Docker adds to a memory limit by itself is nobody's change.
    let now = ContainerSpec { memory_swap: recorded.memory_swap.and(now.memory_swap), ..now.clone() };
    let (recorded, now) = (by_key(recorded)?, by_key(&now)?);
    let mut keys: Vec<_> = recorded.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let show = |value: Option<&String>| value.map_or("not set", String::as_str).to_owned();
    Ok(keys
        .into_iter()
        .filter(|key| recorded.get(*key) != now.get(*key))
        .map(|key| format!("{key} is {}, recorded {}", show(now.get(key)), show(recorded.get(key))))
        .collect())
}

/// What `docker update` and `docker network` can change of a container. All else stays as it was created.
fn by_key(spec: &ContainerSpec) -> Result<BTreeMap<String, String>> {
    let changeable = ContainerSpec {
        restart: spec.restart.clone(),
        memory: spec.memory,
        memory_swap: spec.memory_swap,
        memory_reservation: spec.memory_reservation,
        nano_cpus: spec.nano_cpus,
        cpu_shares: spec.cpu_shares,
        cpuset: spec.cpuset.clone(),
        pids_limit: spec.pids_limit,
        ..ContainerSpec::default()
    };
    let lines = settings(&changeable)?;
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    // To Docker, nothing and no limit are the same.
    let mut found: BTreeMap<String, String> = pairs
        .filter(|(_, value)| !["0", "-1", "\"\""].contains(value))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let mut networks: Vec<&str> = spec.networks.iter().map(|network| network.name.as_str()).collect();
    networks.sort_unstable();
    found.insert("networks".to_owned(), networks.join(", "));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NetworkAttachment;

    #[test]
    fn only_what_can_be_changed_by_hand_is_a_difference() {
        let recorded =
            ContainerSpec { memory: Some(1024), cpuset: Some("0".to_owned()), ..Default::default() };
        let now = ContainerSpec { memory: Some(2048), memory_swap: Some(4096), ..Default::default() };
        let told = differences(&recorded, &now).unwrap().join("; ");
        assert!(told.contains("memory is 2048, recorded 1024"), "{told}");
        assert!(told.contains("cpuset is not set, recorded \"0\""), "{told}");
        assert!(!told.contains("swap"), "{told}");

        // Settings that the image has as well are not read back, and nothing is the same as no limit.
        let recorded =
            ContainerSpec { user: Some("app".to_owned()), pids_limit: Some(-1), ..Default::default() };
        let now = ContainerSpec { memory: Some(0), ..Default::default() };
        assert_eq!(differences(&recorded, &now).unwrap(), [""; 0]);
    }

    #[test]
    fn a_container_that_was_put_back_on_its_network_without_its_names_has_changed() {
        let on = |aliases: &[&str]| ContainerSpec {
            networks: vec![NetworkAttachment {
                name: "proxy".to_owned(),
                aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
                ipv4: None,
            }],
            ..ContainerSpec::default()
        };
        let recorded = on(&["api-r1", "api-slot-blue"]);
        assert_eq!(lost_names(&recorded, &on(&["api-slot-blue", "api-r1", "more"])), [""; 0]);
        let told = lost_names(&recorded, &on(&["api-r1"]));
        assert_eq!(told, ["the network proxy does not know it as api-slot-blue any more"]);
        // That it is on another network altogether is told already.
        assert_eq!(lost_names(&recorded, &ContainerSpec::default()), [""; 0]);
    }
}
