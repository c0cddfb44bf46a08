//! The specification of a container as it was asked for: only what differs from its image and from the
//! engine's own defaults, so that creating it again gives exactly the same container.

use std::time::Duration;

use serde_json::Value;

use super::facts::Facts;
use super::json::{entries, flag, int, is_blank, items, some_int, some_text, text, text_map, texts};
use super::{mounts, networks, unknown};
use crate::model::{ContainerSpec, Device, HealthCheck, LogDriver, PortBinding, Restart, Secret, Ulimit};

const DEFAULT_SHM_SIZE: i64 = 64 * 1024 * 1024;

/// Reads the specification out of an inspection, and names what it has no field for.
///
/// `image` is the configuration of the container's image, `null` when the image is gone: then everything
/// counts as asked for.
pub(super) fn asked(inspect: &Value, image: &Value, facts: &Facts) -> (ContainerSpec, Vec<String>) {
    let (config, host) = (&inspect["Config"], &inspect["HostConfig"]);
    let mut unknown = unknown::settings(inspect, image, facts);
    let (networks, network_mode) = networks::asked(inspect, &mut unknown);
    let (entrypoint, command) = commands(config, image);
    let privileged = flag(host, "Privileged");
    let memory = some_int(host, "Memory");
    let spec = ContainerSpec {
        image: text(config, "Image").to_owned(),
        entrypoint,
        command,
        env: env(config, image, &mut unknown),
        user: differing(config, image, "User"),
        tty: flag(config, "Tty"),
        stdin_open: flag(config, "OpenStdin"),
        working_dir: differing(config, image, "WorkingDir"),
        hostname: hostname(inspect, network_mode.as_deref(), facts),
        mounts: mounts::asked(inspect, &mut unknown),
        networks,
        network_mode,
        ports: ports(host),
        expose: expose(config, host, image),
        restart: restart(&host["RestartPolicy"]),
        memory,
        memory_swap: some_int(host, "MemorySwap").filter(|swap| !swap_is_implied(*swap, memory, facts)),
        memory_reservation: some_int(host, "MemoryReservation"),
        nano_cpus: some_int(host, "NanoCpus"),
        cpu_shares: some_int(host, "CpuShares"),
        cpuset: some_text(host, "CpusetCpus"),
        pids_limit: some_int(host, "PidsLimit").filter(|limit| *limit > 0),
        shm_size: some_int(host, "ShmSize").filter(|size| *size != DEFAULT_SHM_SIZE),
        ulimits: items(host, "Ulimits")
            .iter()
            .map(|limit| Ulimit {
                name: text(limit, "Name").to_owned(),
                soft: int(limit, "Soft"),
                hard: int(limit, "Hard"),
            })
            .collect(),
        log: log(&host["LogConfig"], facts),
        labels: labels(config, image),
        stop_signal: differing(config, image, "StopSignal"),
        stop_grace: config["StopTimeout"].as_u64().map(Duration::from_secs),
        extra_hosts: texts(host, "ExtraHosts"),
        dns: texts(host, "Dns"),
        init: host["Init"].as_bool(),
        read_only: flag(host, "ReadonlyRootfs"),
        privileged,
        cap_add: texts(host, "CapAdd"),
        cap_drop: texts(host, "CapDrop"),
        group_add: texts(host, "GroupAdd"),
        // The engine itself adds this one to a privileged container.
        security_opt: texts(host, "SecurityOpt")
            .into_iter()
            .filter(|option| !(privileged && option == "label=disable"))
            .collect(),
        sysctls: text_map(host, "Sysctls"),
        devices: items(host, "Devices")
            .iter()
            .map(|device| Device {
                host: text(device, "PathOnHost").to_owned(),
                container: text(device, "PathInContainer").to_owned(),
                permissions: text(device, "CgroupPermissions").to_owned(),
            })
            .collect(),
        health: health(&config["Healthcheck"], &image["Healthcheck"]),
    };
    unknown.sort();
    (spec, unknown)
}

/// The value under a key when it is not the image's own.
fn differing(config: &Value, image: &Value, key: &str) -> Option<String> {
    some_text(config, key).filter(|value| value != text(image, key))
}

/// Entrypoint and command that give, merged with the image's as the engine merges them, what the container has.
///
/// The engine takes the image's command only when neither was asked for, so the shortest pair that reproduces both
/// is looked for.
fn commands(config: &Value, image: &Value) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let has = (texts(config, "Entrypoint"), texts(config, "Cmd"));
    let image = (texts(image, "Entrypoint"), texts(image, "Cmd"));
    let merged = |(entrypoint, command): &(Option<Vec<String>>, Option<Vec<String>>)| {
        let own_entrypoint = entrypoint.as_ref().is_some_and(|list| !list.is_empty());
        let command = command.clone().filter(|list| !list.is_empty());
        let inherited = || if own_entrypoint { Vec::new() } else { image.1.clone() };
        (entrypoint.clone().unwrap_or_else(|| image.0.clone()), command.unwrap_or_else(inherited))
    };
    let (entrypoint, command) = (Some(has.0.clone()), Some(has.1.clone()));
    [(None, None), (None, command.clone()), (entrypoint.clone(), None)]
        .into_iter()
        .find(|pair| merged(pair) == has)
        .unwrap_or((entrypoint, command))
}

fn env(
    config: &Value,
    image: &Value,
    unknown: &mut Vec<String>,
) -> std::collections::BTreeMap<String, Secret> {
    let inherited = texts(image, "Env");
    let own = texts(config, "Env").into_iter().filter(|pair| !inherited.contains(pair));
    own.filter_map(|pair| match pair.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), Secret::new(value))),
        None => {
            unknown.push(format!("Env[{pair}] without a value"));
            None
        }
    })
    .collect()
}

fn hostname(inspect: &Value, network_mode: Option<&str>, facts: &Facts) -> Option<String> {
    let name = some_text(&inspect["Config"], "Hostname")?;
    let given_by_engine = match network_mode {
        Some("host") => name == facts.host_name,
        Some(mode) if mode.starts_with("container:") => true,
        _ => text(inspect, "Id").starts_with(&name) && name.len() == 12,
    };
    (!given_by_engine).then_some(name)
}

fn ports(host: &Value) -> Vec<PortBinding> {
    entries(host, "PortBindings")
        .into_iter()
        .flat_map(|(container, bindings)| {
            bindings.as_array().into_iter().flatten().map(move |binding| PortBinding {
                container: container.to_owned(),
                host_ip: text(binding, "HostIp").to_owned(),
                host_port: text(binding, "HostPort").to_owned(),
            })
        })
        .collect()
}

fn expose(config: &Value, host: &Value, image: &Value) -> Vec<String> {
    let (published, inherited) = (entries(host, "PortBindings"), entries(image, "ExposedPorts"));
    entries(config, "ExposedPorts")
        .into_keys()
        .filter(|port| !published.contains_key(port) && !inherited.contains_key(port))
        .map(str::to_owned)
        .collect()
}

fn restart(policy: &Value) -> Restart {
    match text(policy, "Name") {
        "always" => Restart::Always,
        "unless-stopped" => Restart::UnlessStopped,
        "on-failure" => Restart::OnFailure(int(policy, "MaximumRetryCount")),
        _ => Restart::No,
    }
}

/// Whether the engine set the limit of memory and swap by itself: twice the memory, or none where the kernel
/// cannot limit swap.
fn swap_is_implied(swap: i64, memory: Option<i64>, facts: &Facts) -> bool {
    memory.is_some_and(|memory| swap == memory.saturating_mul(2) || (swap == -1 && !facts.limits_swap))
}

fn log(log: &Value, facts: &Facts) -> Option<LogDriver> {
    let driver = some_text(log, "Type")?;
    let options = text_map(log, "Config");
    if options.is_empty() && driver == facts.log_driver {
        return None;
    }
    let options = options.into_iter().map(|(key, value)| (key, Secret::new(value))).collect();
    Some(LogDriver { driver, options })
}

fn labels(config: &Value, image: &Value) -> std::collections::BTreeMap<String, String> {
    let inherited = text_map(image, "Labels");
    text_map(config, "Labels").into_iter().filter(|(key, value)| inherited.get(key) != Some(value)).collect()
}

fn health(check: &Value, image: &Value) -> Option<HealthCheck> {
    if is_blank(check) || check == image {
        return None;
    }
    let duration = |key| check[key].as_u64().filter(|nanos| *nanos > 0).map(Duration::from_nanos);
    Some(HealthCheck {
        test: texts(check, "Test"),
        interval: duration("Interval"),
        timeout: duration("Timeout"),
        retries: some_int(check, "Retries"),
        start_period: duration("StartPeriod"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands_are_the_shortest_pair_that_gives_the_same_container() {
        let list = |text: &str| -> Option<Vec<String>> {
            Some(text.split_whitespace().map(str::to_owned).collect())
        };
        let image = json!({"Entrypoint": ["/e"], "Cmd": ["c"]});
        let of = |entrypoint: Value, command: Value| {
            commands(&json!({"Entrypoint": entrypoint, "Cmd": command}), &image)
        };
        assert_eq!(of(json!(["/e"]), json!(["c"])), (None, None));
        assert_eq!(of(json!(["/e"]), json!(["d"])), (None, list("d")));
        assert_eq!(of(json!(["/f"]), json!(["c"])), (list("/f"), list("c")));
        assert_eq!(of(json!(["/f"]), json!(null)), (list("/f"), None));
        assert_eq!(
            of(json!(["/e"]), json!(null)),
            (list("/e"), None),
            "asked for again, it drops the image's command"
        );
        assert_eq!(of(json!([]), json!(["c"])), (list(""), None));
        assert_eq!(of(json!(null), json!(["d"])), (list(""), list("d")));
    }

    #[test]
    fn what_the_image_gives_is_not_asked_for() {
        let image = json!({
            "Env": ["PATH=/bin", "A=1"], "Labels": {"a": "1", "b": "2"}, "User": "app", "WorkingDir": "/w",
            "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["CMD", "/c"]}, "StopSignal": "SIGINT"
        });
        let inspect = json!({"Id": "0123456789abcdef", "Config": {
            "Image": "i", "Hostname": "0123456789ab",
            "Env": ["A=2", "PATH=/bin", "B=x=y", "C"], "Labels": {"a": "1", "b": "3"}, "User": "app", "WorkingDir": "/x",
            "ExposedPorts": {"80/tcp": {}, "81/tcp": {}}, "Healthcheck": {"Test": ["CMD", "/c"]}, "StopSignal": "SIGINT"
        }, "HostConfig": {"Memory": 64, "MemorySwap": 128, "LogConfig": {"Type": "local", "Config": {}}}});
        let facts = Facts { log_driver: "local".into(), ..Facts::default() };
        let (spec, unknown) = asked(&inspect, &image, &facts);
        let expected = ContainerSpec {
            image: "i".into(),
            env: [("A".into(), Secret::new("2")), ("B".into(), Secret::new("x=y"))].into(),
            labels: [("b".into(), "3".into())].into(),
            working_dir: Some("/x".into()),
            expose: vec!["81/tcp".into()],
            memory: Some(64),
            restart: Restart::No,
            ..Default::default()
        };
        assert_eq!(spec, expected);
        assert_eq!(unknown, ["Env[C] without a value"]);
    }
}
