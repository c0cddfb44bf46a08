//! Containers, images, networks and volumes as the engine shows them, in bgd's own types.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::asked::asked;
use super::facts::Facts;
use super::json::{entries, flag, int, items, some_text, text, text_map, texts};
use super::{Container, HealthLog, HealthStatus, Image, Network, State, Summary, mounts, networks};
use crate::model::HealthCheck;

/// Reads an inspected container; `image` is the configuration of its image, `null` when it is gone.
pub(super) fn container(inspect: &Value, image: &Value, facts: &Facts) -> Container {
    let (spec, unknown_settings) = asked(inspect, image, facts);
    Container {
        id: text(inspect, "Id").to_owned(),
        name: text(inspect, "Name").trim_start_matches('/').to_owned(),
        image_id: text(inspect, "Image").to_owned(),
        created: text(inspect, "Created").parse().ok(),
        state: state(inspect),
        spec,
        unknown_settings,
        addresses: networks::addresses(inspect),
        dns_names: networks::dns_names(inspect),
        mounts: mounts::real(inspect),
    }
}

fn state(inspect: &Value) -> State {
    let state = &inspect["State"];
    State {
        status: text(state, "Status").to_owned(),
        running: flag(state, "Running"),
        restarting: flag(state, "Restarting"),
        oom_killed: flag(state, "OOMKilled"),
        pid: i32::try_from(int(state, "Pid")).unwrap_or_default(),
        exit_code: int(state, "ExitCode"),
        error: text(state, "Error").to_owned(),
        restarts: int(inspect, "RestartCount"),
        // A container that never ran was "started" in the year 1.
        started: text(state, "StartedAt")
            .parse()
            .ok()
            .filter(|time: &Timestamp| *time > Timestamp::UNIX_EPOCH),
        health: health(&state["Health"]),
    }
}

fn health(health: &Value) -> Option<HealthLog> {
    Some(HealthLog {
        status: health_status(text(health, "Status"))?,
        failing_streak: int(health, "FailingStreak"),
        last: items(health, "Log")
            .last()
            .map(|check| (int(check, "ExitCode"), text(check, "Output").to_owned())),
    })
}

/// The verdict by the engine's word for it; `None` for a container without a check.
pub(super) fn health_status(word: &str) -> Option<HealthStatus> {
    match word {
        "starting" => Some(HealthStatus::Starting),
        "healthy" => Some(HealthStatus::Healthy),
        "unhealthy" => Some(HealthStatus::Unhealthy),
        _ => None,
    }
}

/// Reads a container as a list shows it.
pub(super) fn summary(listed: &Value) -> Summary {
    // Links add names such as `/other/alias`; the container's own has one slash.
    let names = texts(listed, "Names");
    let name = names.iter().filter_map(|name| name.strip_prefix('/')).find(|name| !name.contains('/'));
    Summary {
        id: text(listed, "Id").to_owned(),
        name: name.unwrap_or_default().to_owned(),
        image: text(listed, "Image").to_owned(),
        image_id: text(listed, "ImageID").to_owned(),
        created: listed["Created"].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok()),
        status: text(listed, "State").to_owned(),
        status_text: text(listed, "Status").to_owned(),
        labels: text_map(listed, "Labels"),
        addresses: networks::addresses(listed),
    }
}

/// Reads an inspected image.
pub(super) fn image(inspect: &Value) -> Image {
    let platform: Vec<&str> = ["Os", "Architecture", "Variant"]
        .into_iter()
        .map(|key| text(inspect, key))
        .filter(|part| !part.is_empty())
        .collect();
    let test = texts(&inspect["Config"]["Healthcheck"], "Test");
    Image {
        id: text(inspect, "Id").to_owned(),
        repo_digests: texts(inspect, "RepoDigests"),
        platform: platform.join("/"),
        exposed_ports: entries(&inspect["Config"], "ExposedPorts").into_keys().map(str::to_owned).collect(),
        health_test: Some(test).filter(|test| !test.is_empty() && test != &["NONE"]),
        health_takes: health_takes(&inspect["Config"]["Healthcheck"]),
        labels: text_map(&inspect["Config"], "Labels"),
        volumes: entries(&inspect["Config"], "Volumes").into_keys().map(str::to_owned).collect(),
    }
}

fn health_takes(check: &Value) -> Duration {
    let nanos = |key: &str| check[key].as_u64().map(Duration::from_nanos);
    let check = HealthCheck {
        test: Vec::new(),
        interval: nanos("Interval"),
        timeout: nanos("Timeout"),
        retries: check["Retries"].as_i64(),
        start_period: nanos("StartPeriod"),
    };
    check.takes()
}

/// Reads an inspected network.
pub(super) fn network(inspect: &Value) -> Network {
    let (name, driver) = (text(inspect, "Name"), text(inspect, "Driver"));
    Network {
        id: text(inspect, "Id").to_owned(),
        name: name.to_owned(),
        driver: driver.to_owned(),
        resolves_names: !matches!(name, "bridge" | "host" | "none") && !matches!(driver, "host" | "null"),
    }
}

/// The folder of an inspected volume, when its driver tells one.
pub(super) fn mountpoint(inspect: &Value) -> Option<String> {
    some_text(inspect, "Mountpoint")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_container_that_never_ran_has_no_start() {
        let inspect = json!({"State": {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z", "Health": {"Status": "none"}}});
        let state = state(&inspect);
        assert_eq!((state.started, state.health), (None, None));
        let ran = json!({"State": {"StartedAt": "2026-01-02T03:04:05.678901234Z"}});
        assert!(super::state(&ran).started.is_some());
    }

    #[test]
    fn the_own_name_is_told_from_the_names_that_links_add() {
        let listed = json!({"Names": ["/web/db", "/db"]});
        assert_eq!(summary(&listed).name, "db");
    }
}
