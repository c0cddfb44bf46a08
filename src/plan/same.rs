//! Whether a configuration is of the app that the records know under its name.

use crate::error::{Error, Kind};
use crate::model::{App, NginxRoute, ProxyConfig};

/// Why a configuration is another project's than the one that has this name, if it is. Another proxy, tag or port is none;
/// neither is a host that comes beside the known ones.
pub fn another_project(recorded: &App, app: &App) -> Option<Error> {
    let (known, new) = (hosts(recorded), hosts(app));
    let is_elsewhere = !known.is_empty() && !new.is_empty() && !new.iter().any(|host| known.contains(host));
    let what = if is_elsewhere {
        format!("serves {}, and this configuration is for {}", known.join(", "), new.join(", "))
    } else if !recorded.image.same_repository(&app.image) {
        format!(
            "runs {}, and this configuration is for {}",
            recorded.image.repository(),
            app.image.repository()
        )
    } else {
        return None;
    };
    Some(
        Error::new(Kind::Config, format!("the app {} of this host {what}", app.name))
            .hint("if this is another project, give it another name: app: NAME")
            .hint("if it is the same app, and it moves, say so once: --same-app"),
    )
}

/// The hosts for which an app is routed, as far as the configuration says so.
fn hosts(app: &App) -> Vec<String> {
    match &app.proxy {
        ProxyConfig::Nginx(nginx) => match &nginx.route {
            NginxRoute::Server(server) => server.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            NginxRoute::Upstream(_) => Vec::new(),
        },
        ProxyConfig::Traefik(traefik) => of_rule(&traefik.router.rule),
    }
}

/// The values of all `Host(…)` of a rule.
fn of_rule(rule: &str) -> Vec<String> {
    let is_whole = |before: &str| !before.ends_with(|c: char| c.is_ascii_alphanumeric());
    let matches = rule.match_indices("Host(").filter(|(at, _)| is_whole(&rule[..*at]));
    matches
        .flat_map(|(at, word)| {
            let inside = rule[at + word.len()..].split(')').next().unwrap_or_default();
            inside.split(',').map(|host| host.trim().trim_matches(['`', '"']).to_ascii_lowercase())
        })
        .filter(|host| !host.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(image: &str, proxy: &str) -> App {
        let text =
            format!("app: web\nimage: {image}\nport: 80\nnetwork: n\nhealth: none\nproxy: {{ {proxy} }}");
        let source = crate::config::Source { path: "/bgd.yaml".into(), text };
        crate::config::parse(&source, &|_| None, &|_| Err(std::io::Error::other("no files"))).unwrap()
    }

    #[test]
    fn another_host_or_another_repository_is_another_project() {
        let nginx = |host: &str| {
            format!("nginx: {{ container: edge, config_dir: /c, server: {{ host: {host}, listen: 80 }} }}")
        };
        let one = app("org/web", &nginx("a.example.com"));
        assert!(another_project(&one, &one).is_none());
        assert!(another_project(&one, &app("org/web:2", &nginx("[b.example.com, A.example.com]"))).is_none());
        let other = another_project(&one, &app("org/web", &nginx("b.example.com"))).unwrap();
        assert!(other.to_string().contains("a.example.com") && other.hints()[1].contains("--same-app"));
        assert!(another_project(&one, &app("org/shop", &nginx("a.example.com"))).is_some());
        assert_eq!(of_rule("Host(`a`, `B`) && PathPrefix(`/x`) || Host(\"c\")"), ["a", "b", "c"]);
        assert!(of_rule("HostRegexp(`.*`)").is_empty());
        // Where the server block is the user's own, its hosts are not known.
        let own = app("org/web", "nginx: { container: edge, config_dir: /c, upstream: web }");
        assert!(another_project(&one, &own).is_none());
    }
}
