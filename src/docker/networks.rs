//! Networks in both directions: asked for at creation, and read back.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bollard::models::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};
use serde_json::Value;

use super::json::{entries, is_blank, some_text, text, texts};
use crate::model::{ContainerSpec, NetworkAttachment};

/// The length of the id that old engines add to the aliases.
const SHORT_ID: usize = 12;

/// The network mode: the first network, or what the specification says instead.
pub(super) fn mode(spec: &ContainerSpec) -> Option<String> {
    spec.networks.first().map(|first| first.name.clone()).or_else(|| spec.network_mode.clone())
}

/// The networks that a create request carries: the first, or all of them.
pub(super) fn at_creation(spec: &ContainerSpec, every_network: bool) -> Option<NetworkingConfig> {
    let count = if every_network { spec.networks.len() } else { 1 };
    let endpoints: HashMap<String, EndpointSettings> =
        spec.networks.iter().take(count).map(|network| (network.name.clone(), endpoint(network))).collect();
    (!endpoints.is_empty()).then_some(NetworkingConfig { endpoints_config: Some(endpoints) })
}

/// A network's settings for one container.
pub(super) fn endpoint(network: &NetworkAttachment) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(network.aliases.clone()).filter(|aliases| !aliases.is_empty()),
        ipam_config: network
            .ipv4
            .as_ref()
            .map(|address| EndpointIpamConfig { ipv4_address: Some(address.clone()), ..Default::default() }),
        ..Default::default()
    }
}

/// The networks as they were asked for, the first one first and the others by name, and the mode when there
/// are none. What cannot be said in bgd's terms is named in `unknown`.
pub(super) fn asked(inspect: &Value, unknown: &mut Vec<String>) -> (Vec<NetworkAttachment>, Option<String>) {
    let mode = text(&inspect["HostConfig"], "NetworkMode");
    if matches!(mode, "host" | "none") || mode.starts_with("container:") {
        return (Vec::new(), Some(mode.to_owned()));
    }
    let connected = entries(&inspect["NetworkSettings"], "Networks");
    let default = matches!(mode, "" | "default" | "bridge");
    if default && connected.keys().all(|name| *name == "bridge") {
        return (Vec::new(), None);
    }
    let first = if default { "bridge" } else { mode };
    let mut networks = Vec::new();
    for (name, settings) in &connected {
        let attachment = attachment(name, settings, inspect, unknown);
        // The mode may have been given as an id.
        let is_first =
            *name == first || (first.len() >= SHORT_ID && text(settings, "NetworkID").starts_with(first));
        if is_first { networks.insert(0, attachment) } else { networks.push(attachment) }
    }
    (networks, None)
}

fn attachment(name: &str, settings: &Value, inspect: &Value, unknown: &mut Vec<String>) -> NetworkAttachment {
    for key in ["Links", "DriverOpts", "GwPriority"] {
        if !is_blank(&settings[key]) {
            unknown.push(format!("Networks[{name}].{key}"));
        }
    }
    for key in ["IPv6Address", "LinkLocalIPs"] {
        if !is_blank(&settings["IPAMConfig"][key]) {
            unknown.push(format!("Networks[{name}].{key}"));
        }
    }
    NetworkAttachment {
        name: name.to_owned(),
        aliases: aliases(settings, inspect),
        ipv4: some_text(&settings["IPAMConfig"], "IPv4Address"),
    }
}

/// The aliases without the short id and the host name, which engines before API 1.45 add when they connect (moby,
/// daemon/container_operations.go) and newer ones resolve anyway, and without repetitions.
fn aliases(settings: &Value, inspect: &Value) -> Vec<String> {
    let short_id = text(inspect, "Id").get(..SHORT_ID).unwrap_or_default();
    let host_name = text(&inspect["Config"], "Hostname");
    let mut aliases: Vec<String> = Vec::new();
    for alias in texts(settings, "Aliases") {
        if alias != short_id && alias != host_name && !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    aliases
}

/// The address on each network of an inspected or listed container.
pub(super) fn addresses(container: &Value) -> BTreeMap<String, IpAddr> {
    entries(&container["NetworkSettings"], "Networks")
        .into_iter()
        .filter_map(|(name, settings)| {
            let address = [text(settings, "IPAddress"), text(settings, "GlobalIPv6Address")]
                .into_iter()
                .find_map(|address| address.parse().ok())?;
            Some((name.to_owned(), address))
        })
        .collect()
}

/// The names under which each network's DNS knows the container: none on the default bridge.
pub(super) fn dns_names(inspect: &Value) -> BTreeMap<String, Vec<String>> {
    let name = text(inspect, "Name").trim_start_matches('/');
    entries(&inspect["NetworkSettings"], "Networks")
        .into_iter()
        .map(|(network, settings)| {
            let mut names = texts(settings, "DNSNames");
            if names.is_empty() && !matches!(network, "bridge" | "host" | "none") {
                names.push(name.to_owned());
                names.extend(texts(settings, "Aliases"));
            }
            let mut seen = Vec::new();
            names.retain(|name| {
                let new = !seen.contains(name);
                seen.push(name.clone());
                new
            });
            (network.to_owned(), names)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_id_and_host_name_are_no_aliases_that_anybody_asked_for() {
        let inspect = json!({
            "Id": "0123456789abcdef", "Name": "/api",
            "Config": {"Hostname": "h"},
            "HostConfig": {"NetworkMode": "web"},
            "NetworkSettings": {"Networks": {
                "back": {"Aliases": ["0123456789ab", "h"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}},
                "web": {"Aliases": ["a", "0123456789ab", "a"], "IPAddress": "172.18.0.2", "DriverOpts": {"x": "y"}}
            }}
        });
        let mut unknown = Vec::new();
        let (networks, mode) = asked(&inspect, &mut unknown);
        assert_eq!(mode, None);
        assert_eq!(
            networks[0],
            NetworkAttachment { name: "web".into(), aliases: vec!["a".into()], ipv4: None }
        );
        assert_eq!(
            networks[1],
            NetworkAttachment { name: "back".into(), aliases: vec![], ipv4: Some("10.0.0.9".into()) }
        );
        assert_eq!(unknown, ["Networks[web].DriverOpts"]);
        assert_eq!(addresses(&inspect).keys().collect::<Vec<_>>(), ["web"]);
        assert_eq!(dns_names(&inspect)["web"], ["api", "a", "0123456789ab"]);
    }

    #[test]
    fn a_container_on_the_default_bridge_asked_for_nothing() {
        for mode in ["default", "bridge"] {
            let inspect =
                json!({"HostConfig": {"NetworkMode": mode}, "NetworkSettings": {"Networks": {"bridge": {}}}});
            assert_eq!(asked(&inspect, &mut Vec::new()), (Vec::new(), None));
        }
        let host =
            json!({"HostConfig": {"NetworkMode": "host"}, "NetworkSettings": {"Networks": {"host": {}}}});
        assert_eq!(asked(&host, &mut Vec::new()).1.as_deref(), Some("host"));
    }
}
