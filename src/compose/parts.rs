//! Single keys of a service that are written otherwise in `bgd.yaml`, or not at all.

use super::beneath;
use crate::config::context::Context;
use crate::config::node::{Node, Span, Value};
use crate::model::Condition;

/// Compose's own labels would make compose take bgd's containers for its own.
pub(super) fn check_labels(cx: &mut Context<'_>, node: &Node) {
    let texts: Vec<(Span, &str)> = match &node.value {
        Value::Map(entries) => entries.iter().map(|(key, _)| (key.span, key.text.as_str())).collect(),
        Value::List(items) => {
            items.iter().filter_map(|item| Some((item.span, item.scalar()?.text.as_str()))).collect()
        }
        _ => Vec::new(),
    };
    for (span, _) in texts.iter().filter(|(_, text)| text.starts_with("com.docker.compose.")) {
        cx.problems
            .add(*span, "labels that begin with \"com.docker.compose.\" are refused")
            .hint("compose would stop and remove bgd's containers as its own");
    }
}

/// `{ source, target, permissions }` as `source:target:permissions`.
pub(super) fn devices(cx: &mut Context<'_>, node: &Node) -> Option<Node> {
    let items = cx.list(node, "a list of devices", "a list")?;
    let one = |item: &Node| {
        let part = |name| item.get(name).and_then(Node::scalar).map(|scalar| scalar.text.as_str());
        let Some(source) = part("source") else { return item.clone() };
        let target = part("target").unwrap_or(source);
        let permissions = part("permissions").filter(|p| !p.is_empty()).unwrap_or("rwm");
        Node::text_at(item.span, format!("{source}:{target}:{permissions}"))
    };
    Some(Node { span: node.span, value: Value::List(items.iter().map(one).collect()) })
}

/// `pull_policy` in bgd's words.
pub(super) fn pull(cx: &mut Context<'_>, node: &Node) -> Option<Node> {
    let words =
        [("always", "always"), ("never", "never"), ("missing", "missing"), ("if_not_present", "missing")];
    cx.problems.public(node);
    let word = cx.choice(node, "a pull policy that bgd knows", &words)?;
    Some(Node::text_at(node.span, word))
}

/// `expose` as the API writes it, `3000/tcp`.
pub(super) fn expose(cx: &mut Context<'_>, service: &Node) -> Vec<String> {
    let Some(node) = service.get("expose").filter(|node| !node.is_empty()) else { return Vec::new() };
    cx.problems.public(node);
    let items = cx.list(node, "a list of ports", "a list, as in [\"3000\"]").unwrap_or_default();
    let port = |text: &str| {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let fine =
            number.parse::<u16>().is_ok_and(|port| port > 0) && ["tcp", "udp", "sctp"].contains(&protocol);
        fine.then(|| format!("{number}/{protocol}"))
    };
    items
        .iter()
        .filter_map(|item| cx.parsed(item, "a port", "a port, as in 3000 or 3000/tcp", port))
        .collect()
}

/// The services that have to be up: their names, how, and whether it is required.
pub(super) fn depends_on(cx: &mut Context<'_>, service: &Node) -> Vec<(String, Condition, bool)> {
    let Some(node) = service.get("depends_on").filter(|node| !node.is_empty()) else { return Vec::new() };
    cx.problems.public(node);
    let Value::Map(entries) = &node.value else {
        let items =
            cx.list(node, "a list of services", "a list or a mapping of services").unwrap_or_default();
        let names = items.iter().filter_map(|item| Some(item.scalar()?.text.clone()));
        return names.map(|name| (name, Condition::Started, true)).collect();
    };
    let words = [
        ("service_started", Condition::Started),
        ("service_healthy", Condition::Healthy),
        ("service_completed_successfully", Condition::Completed),
    ];
    let mut found = Vec::new();
    for (key, node) in entries {
        let condition = node.get("condition").filter(|node| !node.is_empty());
        let condition = condition.map(|node| cx.choice(node, "a condition", &words));
        let is = |name: &str, text: &str| {
            node.get(name).and_then(Node::scalar).is_some_and(|scalar| scalar.text == text)
        };
        if is("restart", "true")
            && let Some((span, _)) = node.entry("restart")
        {
            beneath::refuse(cx, span, "depends_on.restart");
        }
        if let Some(condition) = condition.unwrap_or(Some(Condition::Started)) {
            found.push((key.text.clone(), condition, !is("required", "false")));
        }
    }
    found
}
