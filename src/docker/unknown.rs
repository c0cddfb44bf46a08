//! Settings of a container that bgd's specification has no field for.
//!
//! The check goes over every key that the engine tells, so that a setting of a future engine is found as well:
//! what is neither handled elsewhere nor at its default is named.

use serde_json::Value;

use super::facts::Facts;
use super::json::{entries, flag, is_blank, text};

/// Keys of `HostConfig` that become fields of the specification.
const HOST_FIELDS: &[&str] = &[
    "Binds",
    "Mounts",
    "Tmpfs",
    "NetworkMode",
    "PortBindings",
    "RestartPolicy",
    "Memory",
    "MemorySwap",
    "MemoryReservation",
    "NanoCpus",
    "CpuShares",
    "CpusetCpus",
    "PidsLimit",
    "ShmSize",
    "Ulimits",
    "LogConfig",
    "ExtraHosts",
    "Dns",
    "Init",
    "ReadonlyRootfs",
    "Privileged",
    "CapAdd",
    "CapDrop",
    "GroupAdd",
    "SecurityOpt",
    "Sysctls",
    "Devices",
];

/// Keys of `Config` that become fields of the specification.
const FIELDS: &[&str] = &[
    "Image",
    "Entrypoint",
    "Cmd",
    "Env",
    "User",
    "Tty",
    "OpenStdin",
    "WorkingDir",
    "Hostname",
    "ExposedPorts",
    "Volumes",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Healthcheck",
];

/// Keys that say how a client was connected or how an image was built, not how the container is.
const OF_NO_EFFECT: &[&str] = &[
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "StdinOnce",
    "ArgsEscaped",
    "OnBuild",
    "ConsoleSize",
    "ContainerIDFile",
];

/// Names every setting that is not at its default and that the specification cannot hold.
pub(super) fn settings(inspect: &Value, image: &Value, facts: &Facts) -> Vec<String> {
    let host = &inspect["HostConfig"];
    let container_network = text(host, "NetworkMode").starts_with("container:");
    let host_settings = entries(inspect, "HostConfig")
        .into_iter()
        .filter(|(key, value)| !HOST_FIELDS.contains(key) && !OF_NO_EFFECT.contains(key) && !is_blank(value))
        .filter(|(key, value)| !is_host_default(key, value, facts))
        .map(|(key, _)| key);
    let settings = entries(inspect, "Config")
        .into_iter()
        .filter(|(key, value)| !FIELDS.contains(key) && !OF_NO_EFFECT.contains(key) && !is_blank(value))
        .filter(|(key, value)| **value != image[*key] && !(*key == "Domainname" && container_network))
        .map(|(key, _)| key);
    let mut unknown: Vec<String> = host_settings.chain(settings).map(str::to_owned).collect();
    unknown.extend(unmasked(host));
    // 0 is a setting of its own here, and -1 the default.
    if host["MemorySwappiness"].as_i64() == Some(0) {
        unknown.push("MemorySwappiness".to_owned());
    }
    if !is_blank(&inspect["Config"]["Healthcheck"]["StartInterval"])
        && inspect["Config"]["Healthcheck"] != image["Healthcheck"]
    {
        unknown.push("Healthcheck.StartInterval".to_owned());
    }
    unknown
}

fn is_host_default(key: &str, value: &Value, facts: &Facts) -> bool {
    let word = value.as_str().unwrap_or_default();
    match key {
        "IpcMode" => matches!(word, "private" | "shareable"),
        "CgroupnsMode" => word == if facts.cgroups_v2 { "private" } else { "host" },
        "Runtime" => word == facts.runtime,
        "Isolation" => word == "default",
        "VolumeDriver" => word == "local",
        "MemorySwappiness" => value.as_i64() == Some(-1),
        // The engine writes its own lists here, which grow from version to version but always hold these.
        "MaskedPaths" => lists(value, "/proc/kcore"),
        "ReadonlyPaths" => lists(value, "/proc/sys"),
        _ => false,
    }
}

/// Empty lists mean that somebody took the engine's protection away; a privileged container has none anyway.
fn unmasked(host: &Value) -> Vec<String> {
    ["MaskedPaths", "ReadonlyPaths"]
        .into_iter()
        .filter(|key| !flag(host, "Privileged") && host[*key].as_array().is_some_and(Vec::is_empty))
        .map(str::to_owned)
        .collect()
}

fn lists(value: &Value, path: &str) -> bool {
    value.as_array().is_some_and(|paths| paths.iter().any(|listed| listed == path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_without_a_field_are_named_even_when_they_are_from_the_future() {
        let inspect = json!({
            "HostConfig": {
                "PidMode": "host", "IpcMode": "private", "CgroupnsMode": "private", "Runtime": "runsc", "Memory": 5,
                "DeviceRequests": [{"Driver": "nvidia"}], "MemorySwappiness": 0, "BlkioWeight": 0, "Links": null,
                "MaskedPaths": [], "ReadonlyPaths": ["/proc/sys"], "SomethingNew": {"a": 1}, "AutoRemove": true
            },
            "Config": {"Tty": true, "NetworkDisabled": true, "Domainname": "", "Shell": ["sh"], "Healthcheck": {"StartInterval": 5}}
        });
        let facts = Facts { runtime: "runc".into(), cgroups_v2: true, ..Facts::default() };
        assert_eq!(
            settings(&inspect, &json!({"Shell": ["sh"]}), &facts),
            [
                "AutoRemove",
                "DeviceRequests",
                "PidMode",
                "Runtime",
                "SomethingNew",
                "NetworkDisabled",
                "MaskedPaths",
                "MemorySwappiness",
                "Healthcheck.StartInterval"
            ]
        );
    }

    #[test]
    fn a_container_at_its_defaults_has_nothing_unknown() {
        let inspect = json!({
            "HostConfig": {
                "IpcMode": "shareable", "CgroupnsMode": "host", "Runtime": "runc", "MemorySwappiness": -1,
                "ConsoleSize": [24, 80], "MaskedPaths": ["/proc/asound", "/proc/kcore"], "VolumeDriver": "local"
            },
            "Config": {"AttachStdout": true, "StdinOnce": true}
        });
        let facts = Facts { runtime: "runc".into(), ..Facts::default() };
        assert!(settings(&inspect, &Value::Null, &facts).is_empty());
    }
}
