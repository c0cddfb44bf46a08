use crate::docker::{Container, Network};
use crate::proxy::seat::ABSENT;
use crate::proxy::{Finding, Severity};

/// Which proxy is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct Kind<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// The key of its settings.
    pub key: &'a str,
}

/// No container of that name.
pub fn missing(proxy: &Kind<'_>, name: &str) -> Finding {
    Finding {
        severity: Severity::Refusal,
        message: format!("there is no container named {name}, where {} should run", proxy.name),
        remedy: Some(format!(
            "{}.container names it; docker ps -a lists all containers; {ABSENT}",
            proxy.key
        )),
    }
}

/// Whether the proxy and the app can meet on the app's network.
pub fn check(
    proxy: &Kind<'_>,
    container: &Container,
    network: &str,
    found: Option<&Network>,
) -> Vec<Finding> {
    let refused = |message: String, remedy: String| {
        vec![Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }]
    };
    let (proxy, name) = (proxy.name, &container.name);
    if let Some(mode) = container.spec.network_mode.as_deref()
        && (mode == "host" || mode == "none" || mode.starts_with("container:"))
    {
        let message = match mode {
            "host" => {
                format!("{proxy} in {name} uses the host's network, which this version of bgd does not serve")
            }
            "none" => format!("{proxy} in {name} has no network"),
            other => format!("{proxy} in {name} uses the network of another container ({other})"),
        };
        let remedy =
            format!("run {proxy} in a container on the app's network: docker run --network {network} …");
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
        let message = format!("{proxy} in {name} is not on the app's network {network}");
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

    const NGINX: Kind<'_> = Kind { name: "nginx", key: "proxy.nginx" };

    fn container(network: &str, mode: Option<&str>) -> Container {
        let running = State { status: "running".into(), running: true, pid: 1, ..State::default() };
        Container {
            id: "1".into(),
            name: "edge".into(),
            image_id: "2".into(),
            created: None,
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
    fn a_proxy_has_to_be_on_a_network_that_resolves_names() {
        assert_eq!(check(&NGINX, &container("proxy", None), "proxy", Some(&network("proxy", true))), []);
        let elsewhere = check(&NGINX, &container("other", None), "proxy", Some(&network("proxy", true)));
        assert_eq!(elsewhere[0].remedy.as_deref(), Some("docker network connect proxy edge"));
        let bridge = check(&NGINX, &container("bridge", None), "bridge", Some(&network("bridge", false)));
        assert!(bridge[0].message.contains("does not resolve names"));
        let none = check(&NGINX, &container("proxy", None), "proxy", None);
        assert!(none[0].message.contains("no network named proxy"));
        let host = check(&NGINX, &container("host", Some("host")), "proxy", Some(&network("proxy", true)));
        assert!(host[0].message.contains("the host's network"));
    }
}
