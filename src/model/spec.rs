use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Health, Secret};

/// Everything that Docker needs to create a container exactly like another one.
///
/// Fields that are `None` or empty are left to the image or to the engine's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainerSpec {
    /// What is handed to Docker as the image: an id or a pinned reference.
    pub image: String,
    /// Replaces the image's entrypoint. An empty list clears it.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// The environment. All values count as secrets.
    pub env: BTreeMap<String, Secret>,
    /// `user[:group]`.
    pub user: Option<String>,
    /// Whether the process has a terminal.
    #[serde(skip_serializing_if = "is_false")]
    pub tty: bool,
    /// Whether its standard input is open.
    #[serde(skip_serializing_if = "is_false")]
    pub stdin_open: bool,
    /// The working directory.
    pub working_dir: Option<String>,
    /// The host name inside the container; Docker's own choice when absent.
    pub hostname: Option<String>,
    /// Binds, volumes and tmpfs.
    pub mounts: Vec<Mount>,
    /// Networks in the order of connection; the first is given at creation.
    pub networks: Vec<NetworkAttachment>,
    /// `host`, `none`, `container:…` when the container is on no network of its own.
    pub network_mode: Option<String>,
    /// Ports published on the host; bgd sets none itself, adopted containers can have some.
    pub ports: Vec<PortBinding>,
    /// Ports that are declared beside the image's own (`3000/tcp`), published or not.
    pub expose: Vec<String>,
    /// What Docker does when the container exits.
    pub restart: Restart,
    /// Memory limit in bytes.
    pub memory: Option<i64>,
    /// Memory plus swap in bytes; -1 for no limit.
    pub memory_swap: Option<i64>,
    /// Soft memory limit in bytes.
    pub memory_reservation: Option<i64>,
    /// CPU limit in billionths of a CPU.
    pub nano_cpus: Option<i64>,
    /// Relative CPU weight.
    pub cpu_shares: Option<i64>,
    /// CPUs that may be used, such as `0-1`.
    pub cpuset: Option<String>,
    /// Highest number of processes.
    pub pids_limit: Option<i64>,
    /// Size of `/dev/shm` in bytes.
    pub shm_size: Option<i64>,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
    /// Where the output goes.
    pub log: Option<LogDriver>,
    /// Labels, bgd's own included.
    pub labels: BTreeMap<String, String>,
    /// The signal that asks the container to stop.
    pub stop_signal: Option<String>,
    /// How long it may take to stop before it is killed.
    pub stop_grace: Option<Duration>,
    /// Additional `name:address` pairs for `/etc/hosts`.
    pub extra_hosts: Vec<String>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Whether an init process reaps zombies.
    pub init: Option<bool>,
    /// Whether the root file system is read-only.
    pub read_only: bool,
    /// Whether the container gets all privileges.
    pub privileged: bool,
    /// Capabilities to add.
    pub cap_add: Vec<String>,
    /// Capabilities to drop.
    pub cap_drop: Vec<String>,
    /// Additional groups.
    pub group_add: Vec<String>,
    /// Security options.
    pub security_opt: Vec<String>,
    /// Kernel settings of the container's namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Devices of the host.
    pub devices: Vec<Device>,
    /// Replaces the image's health check.
    pub health: Option<HealthCheck>,
}

/// Left out of records, so that a bgd that does not know the field reads those that do not need it.
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A mount of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Bind, volume or tmpfs.
    pub kind: MountKind,
    /// Host path of a bind, name of a volume, empty for a tmpfs or an anonymous volume.
    pub source: String,
    /// Absolute path in the container.
    pub target: String,
    /// Whether writing is refused.
    pub read_only: bool,
    /// Propagation and label of a bind (`rshared,z`), label and `nocopy` of a volume, or options of a tmpfs (`size=64m`).
    #[serde(default)]
    pub options: Option<String>,
}

impl Mount {
    /// Whether it is a volume that nobody gave a name: Docker names these by 64 hexadecimal digits.
    pub fn is_anonymous(&self) -> bool {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        self.kind == MountKind::Volume
            && (self.source.is_empty() || (self.source.len() == 64 && self.source.bytes().all(is_hex)))
    }
}

/// The kinds of mount that bgd knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A path of the host.
    Bind,
    /// A volume of Docker.
    Volume,
    /// Memory.
    Tmpfs,
}

/// A network and the names under which the container answers there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkAttachment {
    /// The network's name.
    pub name: String,
    /// Names beside the container's own.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// A fixed address, where one was asked for.
    #[serde(default)]
    pub ipv4: Option<String>,
}

/// A port published on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortBinding {
    /// `3000/tcp`.
    pub container: String,
    /// Address of the host; empty for all.
    pub host_ip: String,
    /// Port of the host; empty for any.
    pub host_port: String,
}

/// What Docker does when the container exits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Nothing.
    No,
    /// Restarts always.
    Always,
    /// Restarts unless it was stopped by hand. bgd's default: a stopped blue stays stopped.
    #[default]
    UnlessStopped,
    /// Restarts after a failure, at most so often (0: no limit).
    OnFailure(i64),
}

/// A resource limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ulimit {
    /// `nofile`, `nproc` …
    pub name: String,
    /// The soft limit; -1 for none.
    pub soft: i64,
    /// The hard limit; -1 for none.
    pub hard: i64,
}

/// Where a container's output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogDriver {
    /// `json-file`, `local`, `journald` …; empty for the daemon's own.
    pub driver: String,
    /// The driver's options. They can hold tokens, so they count as secrets.
    #[serde(default)]
    pub options: BTreeMap<String, Secret>,
}

/// A device of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Path on the host.
    pub host: String,
    /// Path in the container.
    pub container: String,
    /// `rwm` or less.
    pub permissions: String,
}

/// A health check that Docker runs inside the container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// As in the API: `["CMD", …]`, `["CMD-SHELL", "…"]`, or `["NONE"]`.
    pub test: Vec<String>,
    /// Time between checks.
    pub interval: Option<Duration>,
    /// How long one may take.
    pub timeout: Option<Duration>,
    /// Failures in a row that make the container unhealthy.
    pub retries: Option<i64>,
    /// Time in which failures do not count.
    pub start_period: Option<Duration>,
}

impl HealthCheck {
    /// What Docker takes where nothing is set (moby, `daemon/health.go`), for interval and timeout.
    const OFTEN: Duration = Duration::from_secs(30);
    const RETRIES: u32 = 3;

    /// How long it may take until it has a verdict, and no shorter than a container is waited for where nothing is said.
    pub fn takes(&self) -> Duration {
        let set = |duration: Option<Duration>| duration.filter(|duration| !duration.is_zero());
        let retries = self.retries.filter(|retries| *retries > 0);
        Health::deadline_for(
            self.start_period.unwrap_or_default(),
            set(self.interval).unwrap_or(Self::OFTEN),
            set(self.timeout).unwrap_or(Self::OFTEN),
            retries.map_or(Self::RETRIES, |retries| u32::try_from(retries).unwrap_or(u32::MAX)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_takes_as_long_as_docker_may_take_for_it() {
        let seconds = |check: &HealthCheck| check.takes().as_secs();
        assert_eq!(seconds(&HealthCheck::default()), 180);
        let zero = HealthCheck { interval: Some(Duration::ZERO), retries: Some(0), ..Default::default() };
        assert_eq!(seconds(&zero), 180);
        let written = HealthCheck {
            interval: Some(Duration::from_secs(5)),
            timeout: Some(Duration::from_secs(5)),
            retries: Some(2),
            start_period: Some(Duration::from_secs(90)),
            ..Default::default()
        };
        assert_eq!(seconds(&written), 110);
    }

    #[test]
    fn a_record_says_of_a_terminal_only_where_there_is_one() {
        let plain = serde_json::to_string(&ContainerSpec::default()).unwrap();
        assert!(!plain.contains("tty") && !plain.contains("stdin_open"), "{plain}");
        let spec = ContainerSpec { tty: true, stdin_open: true, ..ContainerSpec::default() };
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ContainerSpec>(&text).unwrap(), spec);
    }
}
