//! A change of the route of an app that is live: whoever is served today has to be served at every moment.

use crate::model::NginxRoute;
use crate::proxy::{Finding, Severity};

use super::super::conf::{self, Tree};
use super::config::Scene;

/// What the app's file of today routes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Former {
    /// The server names of bgd's own server block, and the ports on which it listens.
    pub served: Vec<(String, u16)>,
    /// The upstream to which server blocks of the user's refer.
    pub upstream: Option<String>,
}

impl Former {
    /// Reads the app's file. `own` is the name that an upstream has which belongs to a server block of bgd's.
    pub fn read(text: &str, own: &str) -> Self {
        let mut former = Self::default();
        for block in conf::parse(text) {
            let values = |name: &'static str| block.block.iter().filter(move |d| d.name == name);
            match block.name.as_str() {
                "upstream" => {
                    let name =
                        block.args.first().filter(|name| !name.starts_with("bgd_idle_") && *name != own);
                    former.upstream = former.upstream.or(name.cloned());
                }
                "server" => {
                    let first = |d: &conf::Directive| d.args.first().cloned();
                    // Those for bgd alone listen on loopback addresses.
                    let ports =
                        values("listen").filter_map(first).filter_map(|port| port.parse::<u16>().ok());
                    for port in ports {
                        let names = values("server_name").flat_map(|d| &d.args);
                        former.served.extend(names.map(|name| (name.clone(), port)));
                    }
                }
                _ => {}
            }
        }
        former
    }
}

/// Looks for what would not be served any more, or not for a while.
pub fn check(tree: &Tree<'_>, scene: &Scene<'_>, former: &Former) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(left) = former.upstream.as_deref().filter(|left| *left != scene.upstream)
        && let Some(place) = tree.references(left, scene.file).first()
    {
        findings.push(refusal(
            format!("{place} refers to the upstream {left}, which nobody would define after this deploy"),
            format!(
                "change {} now and leave nginx running, without a reload: it keeps what it has loaded until bgd's reload takes \
                 over",
                place.file
            ),
        ));
    }
    let lost: Vec<&(String, u16)> =
        former.served.iter().filter(|(host, port)| !is_kept(tree, scene, host, *port)).collect();
    let [(host, port), ..] = lost[..] else { return findings };
    let all = lost.iter().map(|(host, port)| format!("{host} on port {port}")).collect::<Vec<_>>().join(", ");
    match &scene.proxy.route {
        NginxRoute::Server(_) => findings.push(refusal(
            format!("{all} is served by the file of this app today, and this deploy would end that at once"),
            format!(
                "add a server block of your own for {host} on port {port}, such as a redirect, and leave nginx running, without a \
                 reload: bgd's reload brings both"
            ),
        )),
        NginxRoute::Upstream(name) => findings.push(refusal(
            format!("{all} is served by the file of this app today, and no server block would do so after this deploy"),
            format!(
                "add a server block for {host} on port {port} with  location / {{ proxy_pass http://{name}; }}  and leave nginx \
                 running, without a reload: bgd's reload brings both"
            ),
        )),
    }
    findings
}

/// Whether somebody answers for this host on this port after the deploy.
fn is_kept(tree: &Tree<'_>, scene: &Scene<'_>, host: &str, port: u16) -> bool {
    match &scene.proxy.route {
        NginxRoute::Server(block) => {
            // Hosts that go away are a question of the move (`plan::moves`), where the user can say that it is meant.
            block.listen == port || tree.server_for(host, port, scene.file).is_some()
        }
        NginxRoute::Upstream(_) => tree.passes(host, port, scene.upstream, scene.file),
    }
}

fn refusal(message: String, remedy: String) -> Finding {
    Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::super::conf::{Files, parse};
    use super::*;
    use crate::model::{ContainerName, NginxProxy, ServerBlock, UpstreamName};

    const SERVER: &str = "upstream bgd_api { server api-r1:3000 resolve; }\nupstream bgd_idle_api { server x; }\n\
        server { listen 80; server_name a.test b.test; }\nserver { listen 127.0.0.1:24710; server_name api.bgd; }";
    const UPSTREAM: &str = "upstream api_backend { server api-r1:3000; } server { listen 127.0.0.1:24710; }";

    fn server(hosts: &[&str], listen: u16) -> NginxRoute {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        let read_timeout = Duration::from_secs(60);
        NginxRoute::Server(ServerBlock { hosts, listen, max_body: 0, read_timeout, tls: None })
    }

    fn upstream(name: &str) -> NginxRoute {
        NginxRoute::Upstream(UpstreamName::parse(name).unwrap())
    }

    fn found(now: &str, route: NginxRoute, user: &str) -> Vec<(Severity, String)> {
        let (main, file) = ("/etc/nginx/nginx.conf".to_owned(), "/etc/nginx/conf.d/user.conf".to_owned());
        let files = Files {
            parsed: BTreeMap::from([
                (main.clone(), parse("http { include conf.d/*.conf; }")),
                (file.clone(), parse(user)),
            ]),
            includes: BTreeMap::from([("conf.d/*.conf".to_owned(), vec![file])]),
            main,
        };
        let name = match &route {
            NginxRoute::Upstream(name) => name.to_string(),
            NginxRoute::Server(_) => "bgd_api".to_owned(),
        };
        let proxy = NginxProxy {
            container: ContainerName::parse("edge").unwrap(),
            config_dir: "/etc/nginx/conf.d".into(),
            route,
            template: None,
        };
        let scene = Scene {
            container: "edge",
            folder: "/etc/nginx/conf.d",
            file: "/etc/nginx/conf.d/zz-bgd-api.conf",
            proxy: &proxy,
            upstream: &name,
            is_known: true,
            is_live: true,
            runs: true,
        };
        let former = Former::read(now, "bgd_api");
        check(&Tree::new(&files), &scene, &former).into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn the_route_of_a_file_is_read() {
        let served = vec![("a.test".to_owned(), 80), ("b.test".to_owned(), 80)];
        assert_eq!(Former::read(SERVER, "bgd_api"), Former { served, upstream: None });
        assert_eq!(Former::read(UPSTREAM, "bgd_api").upstream.as_deref(), Some("api_backend"));
    }

    #[test]
    fn a_server_block_becomes_an_upstream_only_when_another_block_serves_the_same() {
        let lost = found(SERVER, upstream("api_backend"), "");
        assert!(lost[0].0 == Severity::Refusal && lost[0].1.contains("a.test on port 80"), "{lost:?}");
        let pass = "location / { proxy_pass http://api_backend; }";
        assert_eq!(
            found(
                SERVER,
                upstream("api_backend"),
                &format!("server {{ server_name a.test b.test; {pass} }}")
            ),
            []
        );
        assert_eq!(
            found(SERVER, upstream("api_backend"), &format!("server {{ listen 80 default_server; {pass} }}")),
            []
        );
        let other = format!("server {{ listen 8080; server_name a.test b.test; {pass} }}");
        assert_eq!(found(SERVER, upstream("api_backend"), &other)[0].0, Severity::Refusal);
    }

    #[test]
    fn an_upstream_is_not_taken_away_from_a_block_that_refers_to_it() {
        let refers = "server { server_name a.test; location / { proxy_pass http://api_backend; } }";
        let lost = found(UPSTREAM, server(&["a.test"], 80), refers);
        assert!(lost[0].0 == Severity::Refusal && lost[0].1.contains("user.conf:1"), "{lost:?}");
        assert_eq!(found(UPSTREAM, upstream("other"), refers).len(), 1);
        assert_eq!(found(UPSTREAM, server(&["a.test"], 80), ""), []);
        assert_eq!(found(UPSTREAM, upstream("api_backend"), refers), []);
    }

    #[test]
    fn a_port_moves_only_when_somebody_answers_on_the_former_one() {
        assert_eq!(found(SERVER, server(&["a.test", "b.test"], 8080), "")[0].0, Severity::Refusal);
        let redirect = "server { server_name a.test b.test; return 301 https://$host; }";
        assert_eq!(found(SERVER, server(&["a.test", "b.test"], 8080), redirect), []);
    }
}
