use crate::docker::{Container, Network};
use crate::error::Error;
use crate::proxy::{Finding, Severity};

use super::super::seat::Seat;

/// No container of that name.
pub fn missing(name: &str) -> Finding {
    Finding {
        severity: Severity::Refusal,
        message: format!("there is no container named {name}, where nginx should run"),
        remedy: Some("proxy.nginx.container names it; docker ps -a lists all containers".to_owned()),
    }
}

/// The container does not run, and bgd does not know how to help it.
pub fn stopped(seat: &Seat, error: &Error) -> Finding {
    let reason =
        error.details().iter().find_map(|detail| detail.text.lines().rfind(|line| line.contains("[emerg]")));
    let container = &seat.container;
    let message = match reason {
        Some(reason) => {
            format!("nginx in {} is {}: {}", container.name, container.state.status, reason.trim())
        }
        None => format!(
            "nginx in {} is {}, exit code {}",
            container.name, container.state.status, container.state.exit_code
        ),
    };
    let remedy = match reason {
        Some(_) => format!("mend its configuration, then: docker restart {}", container.name),
        None => format!("start it with: docker start {}", container.name),
    };
    Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }
}

/// Whether nginx and the app can meet on the app's network.
pub fn check(container: &Container, network: &str, found: Option<&Network>) -> Vec<Finding> {
    let refused = |message: String, remedy: String| {
        vec![Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }]
    };
    let name = &container.name;
    if let Some(mode) = container.spec.network_mode.as_deref()
        && (mode == "host" || mode == "none" || mode.starts_with("container:"))
    {
        let message = match mode {
            "host" => {
                format!("nginx in {name} uses the host's network, which this version of bgd does not serve")
            }
            "none" => format!("nginx in {name} has no network"),
            other => format!("nginx in {name} uses the network of another container ({other})"),
        };
        let remedy =
            format!("run nginx in a container on the app's network: docker run --network {network} …");
        return refused(message, remedy);
    }
    let Some(found) = found else {
        let message = format!("there is no network named {network}");
        return refused(
            message,
            format!("docker network create {network} && docker network connect {network} {name}"),
        );
    };
    if !found.resolves_names {
        let message =
            format!("the network {network} ({}) does not resolve names of containers", found.driver);
        let remedy = format!(
            "use a network of your own: docker network create proxy && docker network connect proxy {name}, and  \
             network: proxy"
        );
        return refused(message, remedy);
    }
    let is_on = container.addresses.contains_key(network)
        || container.spec.networks.iter().any(|n| n.name == network);
    if !is_on {
        let message = format!("nginx in {name} is not on the app's network {network}");
        return refused(message, format!("docker network connect {network} {name}"));
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::docker::State;
    use crate::model::ContainerSpec;

    fn container(network: &str, mode: Option<&str>) -> Container {
        let running = State { status: "running".into(), running: true, pid: 1, ..State::default() };
        Container {
            id: "1".into(),
            name: "edge".into(),
            image_id: "2".into(),
            state: running,
            spec: ContainerSpec { network_mode: mode.map(str::to_owned), ..ContainerSpec::default() },
            unknown_settings: Vec::new(),
            addresses: BTreeMap::from([(network.to_owned(), "172.18.0.2".parse().unwrap())]),
            dns_names: BTreeMap::new(),
            mounts: Vec::new(),
        }
    }

    fn network(name: &str, resolves_names: bool) -> Network {
        Network { id: "3".into(), name: name.into(), driver: "bridge".into(), resolves_names }
    }

    #[test]
    fn nginx_has_to_be_on_a_network_that_resolves_names() {
        assert_eq!(check(&container("proxy", None), "proxy", Some(&network("proxy", true))), []);
        let elsewhere = check(&container("other", None), "proxy", Some(&network("proxy", true)));
        assert_eq!(elsewhere[0].remedy.as_deref(), Some("docker network connect proxy edge"));
        let bridge = check(&container("bridge", None), "bridge", Some(&network("bridge", false)));
        assert!(bridge[0].message.contains("does not resolve names"));
        let none = check(&container("proxy", None), "proxy", None);
        assert!(none[0].message.contains("no network named proxy"));
        let host = check(&container("host", Some("host")), "proxy", Some(&network("proxy", true)));
        assert!(host[0].message.contains("the host's network"));
    }
}
