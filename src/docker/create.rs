//! What bgd asks for ([`ContainerSpec`]) in the words of the API.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HealthConfig, HostConfig, HostConfigLogConfig, PortBinding, PortMap,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use super::{mounts, networks};
use crate::error::{Error, Kind, Result};
use crate::model::{ContainerSpec, HealthCheck, Restart};

/// The body of a create request. `every_network`: whether all networks go into it, which needs API 1.44.
///
/// # Errors
/// Of the kind `Config`: a mount or a variable that the API cannot express.
pub(super) fn body(spec: &ContainerSpec, every_network: bool) -> Result<ContainerCreateBody> {
    Ok(ContainerCreateBody {
        image: Some(spec.image.clone()),
        entrypoint: spec.entrypoint.clone(),
        cmd: spec.command.clone(),
        env: env(spec)?,
        user: spec.user.clone(),
        tty: spec.tty.then_some(true),
        open_stdin: spec.stdin_open.then_some(true),
        working_dir: spec.working_dir.clone(),
        hostname: spec.hostname.clone(),
        exposed_ports: exposed_ports(spec),
        labels: Some(spec.labels.clone().into_iter().collect()),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec.stop_grace.map(whole_seconds),
        healthcheck: spec.health.as_ref().map(health),
        host_config: Some(host_config(spec)?),
        networking_config: networks::at_creation(spec, every_network),
        ..Default::default()
    })
}

/// Seconds for the API, rounded up: nobody gets less time than was asked for.
pub(super) fn whole_seconds(duration: Duration) -> i64 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// A text of the engine's with all of the container's secrets taken out: it quotes what it refuses.
pub(super) fn without_secrets(text: &str, spec: &ContainerSpec) -> String {
    let options = spec.log.iter().flat_map(|log| log.options.values());
    let mut secrets: Vec<&str> = spec.env.values().chain(options).map(|secret| secret.expose()).collect();
    // The longest first, so that none leaves a part of another behind.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .filter(|secret| secret.len() >= 3)
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

fn env(spec: &ContainerSpec) -> Result<Option<Vec<String>>> {
    if let Some(name) = spec.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return Err(Error::new(Kind::Config, format!("{name:?} is no name for an environment variable")));
    }
    Ok(Some(spec.env.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()))
}

fn exposed_ports(spec: &ContainerSpec) -> Option<Vec<String>> {
    let mut ports: Vec<String> =
        spec.expose.iter().chain(spec.ports.iter().map(|port| &port.container)).cloned().collect();
    ports.sort();
    ports.dedup();
    Some(ports).filter(|ports| !ports.is_empty())
}

fn host_config(spec: &ContainerSpec) -> Result<HostConfig> {
    let mounts = mounts::for_creation(&spec.mounts)?;
    Ok(HostConfig {
        binds: some(mounts.binds),
        mounts: some(mounts.mounts),
        tmpfs: Some(mounts.tmpfs).filter(|tmpfs| !tmpfs.is_empty()),
        network_mode: networks::mode(spec),
        port_bindings: port_bindings(spec),
        restart_policy: Some(restart(&spec.restart)),
        memory: spec.memory,
        memory_swap: spec.memory_swap,
        memory_reservation: spec.memory_reservation,
        nano_cpus: spec.nano_cpus,
        cpu_shares: spec.cpu_shares,
        cpuset_cpus: spec.cpuset.clone(),
        pids_limit: spec.pids_limit,
        shm_size: spec.shm_size,
        ulimits: some(
            spec.ulimits
                .iter()
                .map(|limit| ResourcesUlimits {
                    name: Some(limit.name.clone()),
                    soft: Some(limit.soft),
                    hard: Some(limit.hard),
                })
                .collect(),
        ),
        log_config: spec.log.as_ref().map(|log| HostConfigLogConfig {
            typ: Some(log.driver.clone()),
            config: Some(
                log.options.iter().map(|(key, value)| (key.clone(), value.expose().to_owned())).collect(),
            ),
        }),
        extra_hosts: some(spec.extra_hosts.clone()),
        dns: some(spec.dns.clone()),
        init: spec.init,
        readonly_rootfs: Some(spec.read_only),
        privileged: Some(spec.privileged),
        cap_add: some(spec.cap_add.clone()),
        cap_drop: some(spec.cap_drop.clone()),
        group_add: some(spec.group_add.clone()),
        security_opt: some(spec.security_opt.clone()),
        sysctls: Some(spec.sysctls.clone().into_iter().collect())
            .filter(|map: &HashMap<_, _>| !map.is_empty()),
        devices: some(
            spec.devices
                .iter()
                .map(|device| DeviceMapping {
                    path_on_host: Some(device.host.clone()),
                    path_in_container: Some(device.container.clone()),
                    cgroup_permissions: Some(device.permissions.clone()),
                })
                .collect(),
        ),
        ..Default::default()
    })
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn port_bindings(spec: &ContainerSpec) -> Option<PortMap> {
    let mut map = PortMap::new();
    for port in &spec.ports {
        let binding =
            PortBinding { host_ip: Some(port.host_ip.clone()), host_port: Some(port.host_port.clone()) };
        map.entry(port.container.clone()).or_default().get_or_insert_default().push(binding);
    }
    Some(map).filter(|map| !map.is_empty())
}

fn restart(restart: &Restart) -> RestartPolicy {
    let (name, count) = match restart {
        Restart::No => (RestartPolicyNameEnum::NO, None),
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, None),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        Restart::OnFailure(count) => (RestartPolicyNameEnum::ON_FAILURE, Some(*count)),
    };
    RestartPolicy { name: Some(name), maximum_retry_count: count }
}

fn health(check: &HealthCheck) -> HealthConfig {
    let nanos = |duration: Option<Duration>| {
        duration.map(|duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    };
    HealthConfig {
        test: Some(check.test.clone()),
        interval: nanos(check.interval),
        timeout: nanos(check.timeout),
        retries: check.retries,
        start_period: nanos(check.start_period),
        start_interval: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogDriver, Secret};

    #[test]
    fn what_the_engine_quotes_is_shown_without_secrets() {
        let spec = ContainerSpec {
            env: [("A".to_owned(), Secret::new("hunter2")), ("B".to_owned(), Secret::new("hunter22"))].into(),
            log: Some(LogDriver {
                driver: "splunk".into(),
                options: [("splunk-token".to_owned(), Secret::new("tok-1"))].into(),
            }),
            ..Default::default()
        };
        let shown = without_secrets("invalid A=hunter2 B=hunter22 tok-1", &spec);
        assert_eq!(shown, "invalid A=*** B=*** ***");
    }

    #[test]
    fn a_variable_without_a_usable_name_is_refused_before_the_engine_quotes_its_value() {
        let spec =
            ContainerSpec { env: [("A=B".to_owned(), Secret::new("hunter2"))].into(), ..Default::default() };
        let error = body(&spec, true).unwrap_err();
        assert!(!error.one_line().contains("hunter2"));
    }

    #[test]
    fn a_grace_period_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(10)), 10);
    }
}
