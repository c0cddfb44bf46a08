//! What the engine tells, reduced to what bgd needs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::ContainerSpec;

/// What an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// The engine's version, `20.10.24`.
    pub version: String,
    /// The API version that is spoken, as (major, minor).
    pub api: (usize, usize),
    /// The operating system of its containers: `linux`.
    pub os: String,
    /// Where it was reached: `unix:///var/run/docker.sock`.
    pub address: Address,
}

/// Where an engine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A socket of this machine, so its processes may be this machine's.
    Unix(String),
    /// `tcp://…`
    Tcp(String),
}

/// A container, looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The full id.
    pub id: String,
    /// The name, without the leading slash.
    pub name: String,
    /// The id of its image, `sha256:…`.
    pub image_id: String,
    /// When it was created; `None` when the engine does not say.
    pub created: Option<Timestamp>,
    /// How it is.
    pub state: State,
    /// Its specification, complete enough to create it again. Labels, aliases and mounts as they were asked for.
    pub spec: ContainerSpec,
    /// Settings that it has and [`ContainerSpec`] does not: creating it again would drop them. `Devices`, `PidMode` …
    pub unknown_settings: Vec<String>,
    /// Its address on each network, when it runs.
    pub addresses: BTreeMap<String, IpAddr>,
    /// The names under which each network's DNS knows it.
    pub dns_names: BTreeMap<String, Vec<String>>,
    /// Every mount as it is, resolved: host path or volume name, target, read-only.
    pub mounts: Vec<crate::model::Mount>,
}

/// How a container is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub status: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether it waits to be restarted.
    pub restarting: bool,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
    /// The main process on the engine's host; 0 when it does not run.
    pub pid: i32,
    /// The last exit code.
    pub exit_code: i64,
    /// The engine's own message when it could not be started.
    pub error: String,
    /// How often the engine restarted it.
    pub restarts: i64,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// Its health, when it has a check.
    pub health: Option<HealthLog>,
}

/// The health of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthLog {
    /// The verdict.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: i64,
    /// Exit code and output of the last check.
    pub last: Option<(i64, String)>,
}

/// The verdict of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    /// No verdict yet.
    Starting,
    /// Well.
    Healthy,
    /// Too many failures in a row.
    Unhealthy,
}

/// A container as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The full id.
    pub id: String,
    /// The name, without the leading slash.
    pub name: String,
    /// The image as it was asked for.
    pub image: String,
    /// The id of its image, `sha256:…`.
    pub image_id: String,
    /// When it was created; `None` when the engine does not say.
    pub created: Option<Timestamp>,
    /// `running`, `exited` …
    pub status: String,
    /// What the engine writes for people: `Up 3 minutes (healthy)`.
    pub status_text: String,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// Its address on each network, when it runs.
    pub addresses: BTreeMap<String, IpAddr>,
}

/// An event of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// The container's full id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a container, as far as bgd cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It was started.
    Start,
    /// It ended, with this exit code.
    Die(i64),
    /// The kernel killed it for memory.
    Oom,
    /// Its health check has a verdict.
    Health(HealthStatus),
    /// It was removed.
    Destroy,
}

/// What a command inside a container said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// The exit code.
    pub code: i64,
    /// Standard output and standard error in the order of arrival.
    pub output: String,
}

/// An image of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its id, `sha256:…`.
    pub id: String,
    /// Digests under which registries know it, `name@sha256:…`.
    pub repo_digests: Vec<String>,
    /// `linux/amd64`.
    pub platform: String,
    /// The ports that it declares, `3000/tcp`.
    pub exposed_ports: Vec<String>,
    /// Its HEALTHCHECK's test, when it has one (`["CMD", …]`).
    pub health_test: Option<Vec<String>>,
    /// How long that check may take until a container is healthy or not: its start period and all of its tries.
    pub health_takes: Duration,
    /// Its labels, which every container of it has too.
    pub labels: BTreeMap<String, String>,
    /// The paths that it declares as volumes: where nothing is mounted, each container gets an anonymous one.
    pub volumes: Vec<String>,
}

/// An image as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its id, `sha256:…`.
    pub id: String,
    /// The image from which it was built, where the engine knows.
    pub parent: Option<String>,
    /// Its names with a tag, `myorg/api:1.1`.
    pub tags: Vec<String>,
    /// Digests under which registries know it, `name@sha256:…`.
    pub digests: Vec<String>,
}

/// What became of the removal of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRemoval {
    /// It is not there any more under that name.
    Gone,
    /// It is in use, and was left; the engine's own words.
    InUse(String),
}

/// A Docker network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `bridge`, `overlay`, `host` …
    pub driver: String,
    /// Whether it is one that resolves names: all but the default bridge, host and none.
    pub resolves_names: bool,
}

/// A process of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id on the engine's host.
    pub pid: i32,
    /// The id of its parent.
    pub parent: i32,
    /// Its title, as `ps` shows it.
    pub title: String,
}

/// How far a pull is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// Layers that are complete.
    pub layers_done: usize,
    /// Layers in all, as far as known.
    pub layers: usize,
    /// Bytes downloaded.
    pub bytes: u64,
    /// Bytes in all, as far as known.
    pub bytes_total: u64,
}
