use super::beneath::is_settled;
use crate::config::context::Context;
use crate::config::fields::Fields;
use crate::config::health;
use crate::config::node::{Key, Node, Span, Value};
use crate::model::{Health, HealthCheck};

/// What Docker takes where compose says nothing (moby, `daemon/health.go`).
const DEFAULTS: [(&str, &str); 4] =
    [("interval", "30s"), ("timeout", "30s"), ("retries", "3"), ("start_period", "0s")];

/// What `healthcheck` of a service comes to, beside `health` of `x-bgd`.
#[derive(Default)]
pub(super) struct Checks {
    /// `health` of `bgd.yaml`.
    pub health: Option<Node>,
    /// The container's own check where it is not the one by which bgd knows that it is ready.
    pub container: Option<HealthCheck>,
}

/// Reads `healthcheck` of a service, and `health` of its `x-bgd`, which adds what compose has no word for.
pub(super) fn read(cx: &mut Context<'_>, service: &Node, own: Option<&Node>, around: Span) -> Checks {
    let own = own.filter(|node| !matches!(node.value, Value::Null));
    let Some((span, check)) = service.entry("healthcheck").filter(|(_, node)| !node.is_empty()) else {
        return Checks { health: own.cloned(), container: None };
    };
    cx.problems.public(check);
    let Value::Map(entries) = &check.value else {
        cx.reject(check, "a health check", "lines of the form \"key: value\"");
        return Checks::default();
    };
    if is_disabled(check) {
        if own.is_none() {
            cx.problems
                .add(span, "the check is disabled, so nothing tells when a release is ready")
                .hint("write  health: { http: /health }  into x-bgd, or  health: none");
        }
        let test = vec!["NONE".to_owned()];
        let container = Some(HealthCheck { test, ..HealthCheck::default() });
        return Checks { health: own.cloned(), container };
    }
    let has_test = check.get("test").is_some_and(|test| !is_default(test));
    let mut written: Vec<(Key, Node)> = entries
        .iter()
        .filter(|(key, node)| !is_default(node) && key.text != "disable" && !key.text.starts_with("x-"))
        .filter(|(key, _)| !is_settled(&format!("healthcheck.{}", key.text)))
        .map(|(key, node)| {
            let name = if key.text == "test" { "cmd" } else { key.text.as_str() };
            (Key { text: name.to_owned(), span: key.span }, node.clone())
        })
        .collect();
    if !has_test {
        return of_the_image(cx, span, written, own);
    }
    for (name, default) in DEFAULTS {
        if !written.iter().any(|(key, _)| key.text == name) {
            written.push((Key { text: name.to_owned(), span }, Node::text_at(span, default)));
        }
    }
    match own.map(|node| (&node.value, node)) {
        None => Checks { health: Some(map(span, written)), container: None },
        Some((Value::Map(extra), node)) if node.get("http").is_none() => {
            for (key, node) in extra {
                if entries.iter().any(|(known, _)| known.text == key.text) || key.text == "cmd" {
                    cx.problems
                        .add(key.span, format!("{:?} stands in \"healthcheck\" of the service too", key.text))
                        .hint("keep the one in healthcheck");
                } else {
                    written.retain(|(known, _)| known.text != key.text);
                    written.push((key.clone(), node.clone()));
                }
            }
            Checks { health: Some(map(around, written)), container: None }
        }
        Some((_, node)) => {
            Checks { health: Some(node.clone()), container: container_check(cx, span, written) }
        }
    }
}

/// The image's own check with other intervals: Docker takes from the image what the container does not say.
fn of_the_image(
    cx: &mut Context<'_>,
    span: Span,
    mut written: Vec<(Key, Node)>,
    own: Option<&Node>,
) -> Checks {
    written.retain(|(key, _)| key.text != "cmd");
    let names: Vec<String> = written.iter().map(|(key, _)| key.text.clone()).collect();
    let is_written = |name: &str| names.iter().any(|written| written == name);
    let health = own.cloned();
    if written.is_empty() {
        return Checks { health, container: None };
    }
    written.push((Key { text: "cmd".to_owned(), span }, Node::text_at(span, "the test of the image")));
    let container = container_check(cx, span, written).map(|check| HealthCheck {
        test: Vec::new(),
        interval: check.interval.filter(|_| is_written("interval")),
        timeout: check.timeout.filter(|_| is_written("timeout")),
        retries: check.retries.filter(|_| is_written("retries")),
        start_period: check.start_period.filter(|_| is_written("start_period")),
    });
    Checks { health, container }
}

/// Whether Docker takes its default: nothing is written, or 0.
fn is_default(node: &Node) -> bool {
    node.is_empty() || node.scalar().is_some_and(|scalar| ["0", "0s", ""].contains(&scalar.text.as_str()))
}

fn is_disabled(check: &Node) -> bool {
    let is = |node: Option<&Node>, text: &str| {
        node.and_then(Node::scalar).is_some_and(|scalar| scalar.text == text)
    };
    let first = check.get("test").and_then(|test| match &test.value {
        Value::List(items) => items.first(),
        _ => Some(test),
    });
    is(check.get("disable"), "true") || is(first, "NONE")
}

/// The check in Docker's own terms, where `x-bgd` has another way to know that a release is ready.
fn container_check(cx: &mut Context<'_>, span: Span, mut written: Vec<(Key, Node)>) -> Option<HealthCheck> {
    // No deadline goes with it, so the start period is held against none.
    let longest = Node::text_at(span, "8760h");
    written.push((Key { text: "deadline".to_owned(), span }, longest));
    let root = map(span, vec![(Key { text: "health".to_owned(), span }, map(span, written))]);
    let mut fields = Fields::open(cx, &root, "healthcheck")?;
    match health::read(cx, &mut fields)? {
        Health::Command { test, timing } => Some(HealthCheck {
            test,
            interval: Some(timing.interval),
            timeout: Some(timing.timeout),
            retries: Some(timing.retries.into()),
            start_period: Some(timing.start_period),
        }),
        _ => None,
    }
}

fn map(span: Span, entries: Vec<(Key, Node)>) -> Node {
    Node { span, value: Value::Map(entries) }
}
