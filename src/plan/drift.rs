use std::collections::BTreeMap;

use super::names::is_foreign;
use super::observe::Present;
use super::settings;
use crate::docker::Container;
use crate::error::Result;
use crate::model::{ContainerSpec, Release};

/// Containers of a release that are gone or do not run, a line each. An adopted one's are not bgd's to judge.
pub fn absent(release: &Release, present: &Present) -> Vec<String> {
    let told = |((name, _), container): (&(String, ContainerSpec), &Option<Container>)| match container {
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
    }
    Ok(found)
}

/// Each setting that is another now, with both values.
fn differences(recorded: &ContainerSpec, now: &ContainerSpec) -> Result<Vec<String>> {
    // Where none was asked for, it is the engine's own, with bounds; and it never changes once a container is created.
    let log = recorded.log.as_ref().and(now.log.clone());
    let now = ContainerSpec { log, ..now.clone() };
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

fn by_key(spec: &ContainerSpec) -> Result<BTreeMap<String, String>> {
    let lines = settings(spec)?;
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn a_difference_names_the_setting_and_both_values_but_no_secret() {
        let recorded =
            ContainerSpec { memory: Some(1024), user: Some("app".to_owned()), ..Default::default() };
        let mut now = ContainerSpec { memory: Some(2048), ..Default::default() };
        now.env.insert("TOKEN".to_owned(), Secret::new("hunter2"));
        let told = differences(&recorded, &now).unwrap().join("; ");
        assert!(told.contains("memory is 2048, recorded 1024"), "{told}");
        assert!(told.contains("user is not set, recorded \"app\""), "{told}");
        assert!(told.contains("env.TOKEN is ***") && !told.contains("hunter2"), "{told}");
        assert!(differences(&recorded, &recorded).unwrap().is_empty());
    }
}
