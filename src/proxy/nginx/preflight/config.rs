use crate::model::{NginxProxy, NginxRoute};
use crate::proxy::{Finding, Severity};

use super::super::conf::Tree;
use super::super::marker::MARKER;
use super::super::version::Version;

/// What the checks of the configuration know.
pub struct Scene<'a> {
    /// The container's name.
    pub container: &'a str,
    /// The folder into which bgd writes.
    pub folder: &'a str,
    /// The app's file.
    pub file: &'a str,
    /// What the configuration says about the proxy.
    pub proxy: &'a NginxProxy,
    /// The name of the upstream.
    pub upstream: &'a str,
    /// Whether the app's file is there already.
    pub is_known: bool,
    /// Whether a release is live by that file.
    pub is_live: bool,
    /// Whether nginx runs.
    pub runs: bool,
}

/// Directives that every server block inherits and that would answer bgd, or count its requests, in the app's place.
const REACH_EVERYWHERE: [&str; 6] =
    ["auth_basic", "auth_request", "deny", "limit_req", "limit_conn", "proxy_cache"];

fn finding(severity: Severity, message: String, remedy: impl Into<String>) -> Finding {
    Finding { severity, message, remedy: Some(remedy.into()) }
}

/// Looks for what nginx would refuse or ignore.
pub fn check(tree: &Tree<'_>, scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !tree.has_http() {
        let message = format!("no http block was found in the configuration of nginx in {}", scene.container);
        findings.push(finding(
            Severity::Refusal,
            message,
            "is it an nginx that serves HTTP, and is this its container?",
        ));
        return findings;
    }
    if !tree.includes_at_http(scene.file) {
        let message =
            format!("nginx in {} does not include {}/*.conf at http level", scene.container, scene.folder);
        let remedy = format!("add to its http block:  include {}/*.conf;", scene.folder);
        findings.push(finding(Severity::Refusal, message, remedy));
    }
    for place in tree.upstreams(scene.upstream) {
        if place.file != scene.file {
            let message = format!("the upstream {} is defined already, in {place}", scene.upstream);
            let remedy = "remove that block and leave nginx running, without a reload: it keeps what it has loaded until bgd's \
                          reload takes over; then  bgd adopt CONTAINER  makes what serves now the first release";
            findings.push(finding(Severity::Refusal, message, remedy));
        }
    }
    if let Some(place) =
        tree.listens_on(MARKER.port(), |file| file.starts_with(&format!("{}/zz-bgd", scene.folder)))
    {
        let message =
            format!("{place} listens on port {}, by which bgd asks nginx what it does", MARKER.port());
        findings.push(finding(Severity::Refusal, message, "let that server listen on another port"));
    }
    for name in REACH_EVERYWHERE {
        if let Some(place) = tree.at_http(name, scene.file) {
            let message =
                format!("{name} in {place} stands at http level, so it applies to bgd's own servers too");
            findings.push(finding(
                Severity::Warning,
                message,
                "move it into the server blocks that it is meant for",
            ));
        }
    }
    match &scene.proxy.route {
        NginxRoute::Upstream(_) => findings.extend(references(tree, scene)),
        NginxRoute::Server(block) => {
            for host in &block.hosts {
                if let Some(place) = tree.server_for(host, block.listen, scene.file) {
                    let message = format!(
                        "{place} answers for {host} on port {} already, and nginx takes the first",
                        block.listen
                    );
                    let remedy = "remove that server block, or configure  upstream:  and refer to it there";
                    findings.push(finding(Severity::Refusal, message, remedy));
                }
            }
        }
    }
    findings
}

fn references(tree: &Tree<'_>, scene: &Scene<'_>) -> Option<Finding> {
    let upstream = scene.upstream;
    if tree.references(upstream, scene.file).is_empty() {
        let when = if scene.is_known { "add" } else { "after this deploy, which defines it, add" };
        let remedy = format!(
            "{when} to your server block:  location / {{ proxy_pass http://{upstream}; }}  and run: docker exec {} nginx -s \
             reload",
            scene.container
        );
        if tree.passes_to_a_variable(|file| file.starts_with(&format!("{}/zz-bgd", scene.folder))) {
            let message = format!(
                "bgd cannot tell whether a server block refers to the upstream {upstream}: one passes requests to where a variable \
                 says"
            );
            return Some(finding(Severity::Warning, message, remedy));
        }
        let message =
            format!("no server block refers to the upstream {upstream}, so nothing is routed there");
        let severity = if scene.is_live { Severity::Refusal } else { Severity::Warning };
        return Some(finding(severity, message, remedy));
    }
    if !scene.is_known && scene.runs && tree.upstreams(upstream).is_empty() {
        return Some(Finding {
            severity: Severity::Note,
            message: format!(
                "a server block refers to the upstream {upstream}, which nobody defines yet: until bgd has defined it, nginx in \
                 {} cannot be restarted",
                scene.container
            ),
            remedy: None,
        });
    }
    None
}

/// The folder is not there.
pub fn no_folder(container: &str, folder: &str) -> Finding {
    let message = format!("there is no folder {folder} in {container}");
    finding(
        Severity::Refusal,
        message,
        "proxy.nginx.config_dir names a folder inside the container, not of the host",
    )
}

/// A file with bgd's name is not bgd's.
pub fn not_ours(file: &str) -> Finding {
    finding(Severity::Refusal, format!("{file} is there and was not written by bgd"), "move it away")
}

/// Somebody else listens on one of bgd's ports.
pub fn port_taken(container: &str, port: u16) -> Finding {
    let message =
        format!("something in {container} listens on port {port}, by which bgd asks nginx what it does");
    finding(Severity::Refusal, message, "let it listen on another port")
}

/// A file for TLS is missing.
pub fn no_tls_file(container: &str, path: &str) -> Finding {
    finding(
        Severity::Refusal,
        format!("there is no file {path} in {container}"),
        "proxy.nginx.server.tls names files inside the container",
    )
}

/// The configuration that runs now does not protect idle connections.
pub fn first_reload_breaks(version: Version) -> Finding {
    Finding {
        severity: Severity::Note,
        message: format!(
            "nginx {version} has no keepalive_min_timeout yet: the first reload can break idle connections of clients, later \
             ones do not"
        ),
        remedy: None,
    }
}

/// An older nginx is reloaded once.
pub fn only_reload_breaks(version: Version) -> Finding {
    let message = format!(
        "nginx {version} breaks idle connections of clients at each reload: bgd reloads it once, now, and switches without \
         reloads"
    );
    finding(Severity::Note, message, "nginx 1.27.4 and newer keep such connections")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::conf::{Files, parse};
    use super::*;
    use crate::model::{ContainerName, UpstreamName};

    const FILE: &str = "/etc/nginx/conf.d/zz-bgd-api.conf";

    fn found(user: &str, include: &str, is_known: bool) -> Vec<(Severity, String)> {
        let main = "/etc/nginx/nginx.conf".to_owned();
        let user_file = "/etc/nginx/conf.d/user.conf".to_owned();
        let files = Files {
            parsed: BTreeMap::from([
                (main.clone(), parse(&format!("http {{ include {include}; }}"))),
                (user_file.clone(), parse(user)),
            ]),
            includes: BTreeMap::from([(include.to_owned(), vec![user_file])]),
            main,
        };
        let proxy = NginxProxy {
            container: ContainerName::parse("edge").unwrap(),
            config_dir: "/etc/nginx/conf.d".into(),
            route: NginxRoute::Upstream(UpstreamName::parse("api_backend").unwrap()),
            template: None,
        };
        let scene = Scene {
            container: "edge",
            folder: "/etc/nginx/conf.d",
            file: FILE,
            proxy: &proxy,
            upstream: "api_backend",
            is_known,
            is_live: is_known,
            runs: true,
        };
        check(&Tree::new(&files), &scene).into_iter().map(|f| (f.severity, f.message)).collect()
    }

    const REFERS: &str = "server { location / { proxy_pass http://api_backend; } }";

    #[test]
    fn a_configuration_that_refers_to_the_upstream_is_fine() {
        assert_eq!(found(REFERS, "conf.d/*.conf", true), []);
        let first = found(REFERS, "conf.d/*.conf", false);
        assert!(first[0].0 == Severity::Note && first[0].1.contains("nobody defines yet"), "{first:?}");
    }

    #[test]
    fn an_upstream_without_a_reference_routes_nothing() {
        let severities = [(false, Severity::Warning), (true, Severity::Refusal)];
        for (is_live, severity) in severities {
            let findings = found("server { listen 80; }", "conf.d/*.conf", is_live);
            let (told, message) = &findings[0];
            assert!(*told == severity && message.contains("no server block refers"), "{findings:?}");
        }
        let unclear = found("server { location / { proxy_pass http://$to; } }", "conf.d/*.conf", true);
        assert!(unclear[0].0 == Severity::Warning && unclear[0].1.contains("cannot tell"), "{unclear:?}");
        let with_uri = found(
            "server { location / { proxy_pass http://API_backend$request_uri; } }",
            "conf.d/*.conf",
            true,
        );
        assert_eq!(with_uri, []);
    }

    #[test]
    fn what_every_server_inherits_is_told() {
        let findings = found(&format!("{REFERS} limit_req zone=a;"), "conf.d/*.conf", true);
        assert!(findings[0].1.starts_with("limit_req in /etc/nginx/conf.d/user.conf:1"), "{findings:?}");
    }

    #[test]
    fn what_nginx_would_refuse_or_ignore_is_refused_with_its_place() {
        let twice = found(&format!("{REFERS}\nupstream api_backend {{ server x; }}"), "conf.d/*.conf", true);
        assert!(twice[0].1.ends_with("/etc/nginx/conf.d/user.conf:2"), "{twice:?}");
        let elsewhere = found(REFERS, "conf.d/u*.conf", true);
        assert!(elsewhere[0].1.contains("does not include"), "{elsewhere:?}");
        let port = found(&format!("{REFERS}\nserver {{ listen 127.0.0.1:24710; }}"), "conf.d/*.conf", true);
        assert!(port[0].1.contains("user.conf:2 listens on port 24710"), "{port:?}");
    }
}
