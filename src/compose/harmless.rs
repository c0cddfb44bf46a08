//! What of a service may be shown in messages.

use super::keys::{KEYS, fate};
use crate::config::node::{Node, Value};
use crate::config::problems::Problems;

/// Keys whose values may hold a secret: variables, texts and commands of the user's own. What is below `x-bgd` is shown by its
/// readers.
const SECRETIVE: [&str; 14] = [
    "annotations",
    "build",
    "command",
    "credential_spec",
    "develop",
    "entrypoint",
    "environment",
    "logging",
    "models",
    "post_start",
    "pre_start",
    "pre_stop",
    "provider",
    "storage_opt",
];

/// Keys below those of a service that are not told apart in [`KEYS`], and have values that are no secret.
const BENEATH: [&str; 30] = [
    "capabilities",
    "condition",
    "constraints",
    "count",
    "delay",
    "device_ids",
    "driver",
    "failure_action",
    "file",
    "format",
    "gid",
    "hard",
    "max_attempts",
    "max_failure_ratio",
    "max_replicas_per_node",
    "mode",
    "monitor",
    "order",
    "parallelism",
    "path",
    "preferences",
    "required",
    "service",
    "soft",
    "source",
    "spread",
    "target",
    "type",
    "uid",
    "window",
];

/// Allows the values of a service to be shown whose keys compose knows, and that hold no secret.
pub(super) fn show(problems: &mut Problems, service: &Node) {
    let Value::Map(entries) = &service.value else { return };
    for (key, value) in entries {
        let name = key.text.as_str();
        if fate(name).is_some() && !SECRETIVE.contains(&name) && name != "x-bgd" {
            beneath(problems, name, value);
        }
    }
}

/// Shows what stands below a key. What is not known there may have slipped out of its place, with its secret.
fn beneath(problems: &mut Problems, path: &str, node: &Node) {
    problems.public(node);
    match &node.value {
        Value::Null | Value::Scalar(_) => {}
        Value::List(items) => {
            let maps = items.iter().filter(|item| matches!(item.value, Value::Map(_)));
            maps.for_each(|item| beneath(problems, path, item));
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                let below = format!("{path}.{}", key.text);
                let is_part = KEYS.iter().any(|(known, _)| {
                    known.strip_prefix(&below).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                });
                // The names of networks and services are the user's own.
                let is_name =
                    matches!(path, "networks" | "depends_on") && matches!(value.value, Value::Map(_));
                if is_part || BENEATH.contains(&key.text.as_str()) {
                    beneath(problems, &below, value);
                } else if is_name {
                    beneath(problems, path, value);
                }
            }
        }
    }
}
