//! Checks of what Traefik has and routes, for both modes.

use std::time::Duration;

use serde_json::Value;

use crate::config::show_duration;
use crate::docker::Container;
use crate::model::TraefikRouter;
use crate::proxy::traefik::door::Door;
use crate::proxy::traefik::settings::Settings;
use crate::proxy::traefik::{names, rivals};
use crate::proxy::{Finding, Severity};

use super::{WAYS_TO_ASK, finding};

/// A throttle below this is not worth a word.
const SHORT: Duration = Duration::from_millis(500);

/// Traefik does not run.
pub fn stopped(container: &Container, complaints: &str) -> Finding {
    let name = &container.name;
    let reason = complaints.lines().last().map(|line| format!(": {}", line.trim())).unwrap_or_default();
    let message = format!(
        "Traefik in {name} is {}, exit code {}{reason}",
        container.state.status, container.state.exit_code
    );
    finding(Severity::Refusal, message, format!("start it with: docker start {name}"))
}

/// Whether Traefik is of a version whose rules and files are those that bgd writes.
pub fn version(settings: &Settings, container: &str) -> Option<Finding> {
    let version = settings.version.as_deref()?;
    let major: u32 = version.trim_start_matches('v').split('.').next()?.parse().ok()?;
    (major < 3).then(|| {
        finding(
            Severity::Refusal,
            format!("Traefik in {container} is {version}; bgd needs 3.0 or newer"),
            "https://doc.traefik.io/traefik/migrate/v2-to-v3/ tells how to move on",
        )
    })
}

/// Whether Traefik has the entry points of the route.
pub fn entrypoints(settings: &Settings, router: &TraefikRouter, container: &str) -> Vec<Finding> {
    // Where nothing is known of them, nothing can be missed.
    if settings.entrypoints.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = settings.entrypoints.iter().map(|point| point.name.as_str()).collect();
    let missing = router.entrypoints.iter().filter(|name| settings.entrypoint(name).is_none());
    missing
        .map(|name| {
            finding(
                Severity::Refusal,
                format!("Traefik in {container} has no entry point {name}"),
                format!("it has: {}; proxy.traefik.entrypoints names them", names.join(", ")),
            )
        })
        .collect()
}

/// Whether a switch can be slow.
pub fn throttle(settings: &Settings) -> Option<Finding> {
    (settings.throttle > SHORT).then(|| {
        let message = format!(
            "a switch can take up to {} when Traefik has just taken another change of the same provider",
            show_duration(settings.throttle)
        );
        finding(Severity::Note, message, "shorten it with --providers.providersThrottleDuration=100ms")
    })
}

/// By what a switch can be verified.
pub fn ways_to_ask(settings: &Settings, door: Result<&Door, &str>, container: &str) -> Option<Finding> {
    let [entrypoint, insecure] = WAYS_TO_ASK;
    match (door, &settings.api) {
        (Ok(door), api) if !door.middlewares.is_empty() => Some(finding(
            Severity::Warning,
            format!(
                "the entry point {} of Traefik in {container} has middlewares before every router ({}): what one of them answers by itself {}",
                door.entrypoint,
                door.middlewares.join(", "),
                match api {
                    Some(_) => "leaves the API alone to verify a switch",
                    None => "keeps bgd from verifying a switch, and a deploy from succeeding",
                }
            ),
            entrypoint,
        )),
        (Ok(_), _) => None,
        (Err(why), Some(_)) => Some(finding(
            Severity::Warning,
            format!(
                "a switch can be verified by the API of Traefik in {container} only, and not by requests through it: {why}"
            ),
            entrypoint,
        )),
        (Err(why), None) => Some(finding(
            Severity::Refusal,
            format!(
                "a switch of Traefik in {container} cannot be verified: {why}, and its API does not answer"
            ),
            format!("{entrypoint}; {insecure}"),
        )),
    }
}

/// Other routers of the same rule, which have to be outranked: who gets the requests depends on priorities and names.
pub fn same_rule(
    data: &Value,
    router: &TraefikRouter,
    priority: Option<u32>,
    own: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    rivals::of(data, &router.rule, own)
        .map(|(name, its)| {
            if let Some(app) = names::app_of_router(name) {
                let message = format!("the router {name} has the same rule: it is that of bgd's app {app}");
                let remedy = format!("one of the two would get all requests: give this one another rule, or remove the route of {app}");
                return finding(Severity::Refusal, message, remedy);
            }
            let remedy = match name.rsplit_once('@') {
                Some((_, "docker")) => "take over the container that carries its labels: bgd adopt CONTAINER",
                _ => "remove it when nobody needs it any more",
            };
            if priority.is_some_and(|priority| u64::from(priority) > its) {
                let message = format!(
                    "the router {name} has the same rule; bgd's gets the requests by a higher priority"
                );
                return finding(Severity::Note, message, remedy);
            }
            let message = format!(
                "the router {name} has the same rule and the priority {its}, so that it may get the requests"
            );
            finding(Severity::Warning, message, "give the route a higher one: proxy.traefik.priority")
        })
        .collect()
}

/// Middlewares that Traefik does not have: a router that names one is dropped.
pub fn missing_middlewares(data: &Value, middlewares: &[String], provider: &str) -> Vec<Finding> {
    let known = &data["middlewares"];
    let full = |name: &String| if name.contains('@') { name.clone() } else { format!("{name}@{provider}") };
    middlewares
        .iter()
        .map(full)
        .filter(|name| known[name].is_null())
        .map(|name| {
            finding(
                Severity::Refusal,
                format!("Traefik has no middleware {name}, and drops a router that names it"),
                "define it, or name the provider that does: NAME@file, NAME@docker",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::settings::from_arguments;
    use super::*;

    fn settings(arguments: &str) -> Settings {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        Settings::new(Some(from_arguments(&arguments)))
    }

    #[test]
    fn a_router_of_somebody_else_is_named() {
        let data = json!({"routers": {"api@docker": {"rule": " Host( `a` )", "priority": 40}}});
        let router = TraefikRouter {
            rule: "Host(`a`)".into(),
            entrypoints: Vec::new(),
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        };
        let found = same_rule(&data, &router, Some(41), |_| false);
        assert_eq!((found.len(), found[0].severity), (1, Severity::Note));
        assert!(found[0].message.contains("api@docker"), "{found:?}");
        assert!(found[0].remedy.as_ref().unwrap().contains("bgd adopt"));
        let other = json!({"routers": {"bgd-web@file": {"rule": "Host(\"A\")", "priority": 40}}});
        let found = same_rule(&other, &router, Some(41), |_| false);
        assert_eq!(found[0].severity, Severity::Refusal, "{found:?}");
        assert!(found[0].message.contains("app web"), "{found:?}");
        let found = same_rule(&data, &router, Some(40), |_| false);
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].remedy.as_ref().unwrap().contains("priority"));
    }

    #[test]
    fn entry_points_and_middlewares_have_to_be_there() {
        let router = TraefikRouter {
            rule: "Host(`a`)".into(),
            entrypoints: vec!["web".into(), "secure".into()],
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        };
        let found = entrypoints(&settings("--entrypoints.web.address=:80"), &router, "edge");
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("no entry point secure"));
        let data = json!({"middlewares": {"auth@file": {}}});
        let asked = ["auth".to_owned(), "auth@docker".to_owned()];
        let found = missing_middlewares(&data, &asked, "file");
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("auth@docker"));
    }

    #[test]
    fn version_throttle_and_ways_to_ask() {
        let mut settings = settings("--entrypoints.web.address=:80");
        assert_eq!(version(&settings, "edge"), None);
        settings.version = Some("2.11.2".into());
        assert_eq!(version(&settings, "edge").unwrap().severity, Severity::Refusal);
        settings.version = Some("3.7.15".into());
        assert_eq!(version(&settings, "edge"), None);
        assert!(throttle(&settings).unwrap().message.contains("2s"));
        settings.throttle = Duration::from_millis(100);
        assert_eq!(throttle(&settings), None);
        assert_eq!(ways_to_ask(&settings, Err("why"), "edge").unwrap().severity, Severity::Refusal);
        settings.api = Some(settings.api_candidate());
        assert_eq!(ways_to_ask(&settings, Err("why"), "edge").unwrap().severity, Severity::Warning);
    }
}
