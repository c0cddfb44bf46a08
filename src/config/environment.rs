use std::collections::BTreeMap;

use super::context::Context;
use super::env_file;
use super::fields::Fields;
use super::pairs;
use crate::model::Secret;

/// Reads `env` and `env_file`. A later file wins over an earlier one, `env` wins over all files.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> BTreeMap<String, Secret> {
    let mut env = BTreeMap::new();
    if let Some(node) = fields.take(cx, "env_file") {
        for (name, value) in env_file::read(cx, node) {
            assign(&mut env, name, value);
        }
    }
    let Some(node) = fields.take_secret("env") else { return env };
    for pair in pairs::read(cx, node, true) {
        if pair.key.is_empty() || pair.key.contains(|c: char| c.is_whitespace() || c == '=' || c == '\0') {
            cx.problems
                .add(pair.span, "the name of a variable is empty or holds white space")
                .expected("\"KEY: value\" or \"KEY=value\"");
            continue;
        }
        let value = pair.value.map(str::to_owned).or_else(|| (cx.env)(&pair.key));
        assign(&mut env, pair.key, value.map(Secret::new));
    }
    env
}

/// Sets a variable. One without a value is not set in the environment of bgd either: it is left out, as in compose.
fn assign(env: &mut BTreeMap<String, Secret>, name: String, value: Option<Secret>) {
    match value {
        Some(value) => env.insert(name, value),
        None => env.remove(&name),
    };
}
