//! What of a service may be shown in messages.

use super::keys::fate;
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

/// Allows the values of a service to be shown whose keys compose knows, and that hold no secret.
pub(super) fn show(problems: &mut Problems, service: &Node) {
    let Value::Map(entries) = &service.value else { return };
    for (key, value) in entries {
        let name = key.text.as_str();
        if fate(name).is_some() && !SECRETIVE.contains(&name) && name != "x-bgd" {
            problems.public_deep(value);
        }
    }
}
