//! Keys below others that bgd would drop, or that have no effect.

use super::keys::{Fate, KEYS, fate};
use super::notes::Notes;
use super::translate::is_text;
use crate::config::context::Context;
use crate::config::node::{Node, Span, Value};

/// Refuses what bgd would drop of `deploy` and of other keys that have parts, and notes what has no effect.
pub(super) fn look(cx: &mut Context<'_>, service: &Node, notes: &mut Notes) {
    for key in ["deploy", "healthcheck"] {
        if let Some(node) = service.get(key) {
            beneath(cx, key, node, notes);
        }
    }
    if let Some(Value::Map(networks)) = service.get("networks").map(|node| &node.value) {
        networks.iter().for_each(|(_, node)| beneath(cx, "networks", node, notes));
    }
    if let Some(Value::List(volumes)) = service.get("volumes").map(|node| &node.value) {
        volumes.iter().for_each(|node| beneath(cx, "volumes", node, notes));
    }
}

fn beneath(cx: &mut Context<'_>, path: &str, node: &Node, notes: &mut Notes) {
    let Value::Map(entries) = &node.value else { return };
    for (key, node) in entries.iter().filter(|(_, node)| !node.is_empty() || is_text(node)) {
        let path = format!("{path}.{}", key.text);
        match fate(&path) {
            Some(Fate::Refused(..)) => refuse(cx, key.span, &path),
            Some(Fate::Noted(why)) => notes.add(key.span, path, why),
            Some(_) => {}
            None if KEYS.iter().any(|(known, _)| known.starts_with(&format!("{path}."))) => {
                beneath(cx, &path, node, notes);
            }
            // The readers of the other keys refuse what they do not know.
            None if path.starts_with("deploy.") && !key.text.starts_with("x-") => {
                cx.problems
                    .add(key.span, format!("{path:?} is not among the keys that bgd knows of a service"));
            }
            None => {}
        }
    }
}

/// Refuses one key, which has a dot in it.
pub(super) fn refuse(cx: &mut Context<'_>, span: Span, path: &str) {
    if let Some(Fate::Refused(why, remedy)) = fate(path) {
        cx.problems.add(span, format!("{path:?} is refused: {why}")).hint(remedy);
    }
}

/// Whether a key is refused or noted, so that nothing else need be said of it.
pub(super) fn is_settled(path: &str) -> bool {
    matches!(fate(path), Some(Fate::Refused(..) | Fate::Noted(_)))
}
