use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::env_file::parse_env_file;
use super::fields::Fields;
use super::node::{Node, Span, Value};
use super::pairs;
use crate::model::Secret;

/// Reads `env` and `env_file`. A later file wins over an earlier one, `env` wins over all files.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> BTreeMap<String, Secret> {
    let mut env = BTreeMap::new();
    if let Some(node) = fields.take(cx, "env_file") {
        let expected = "the name of a file, or a list of names";
        for item in cx.one_or_list(node, "a file", expected).unwrap_or_default() {
            if let Some((path, required)) = entry(cx, item) {
                file(cx, item, &path, required, &mut env);
            }
        }
    }
    let Some(node) = fields.take_secret("env") else { return env };
    for pair in pairs::read(cx, node, true) {
        if pair.key.is_empty() || pair.key.contains(|c: char| c.is_whitespace() || c == '=' || c == '\0') {
            cx.problems
                .add(pair.node.span, "the name of a variable is empty or holds white space")
                .expected("\"KEY: value\" or \"KEY=value\"");
            continue;
        }
        assign(cx, &mut env, pair.key, pair.value.map(str::to_owned));
    }
    env
}

/// Sets a variable; without a value it comes from bgd's environment, and is left out when it is not set there, as in compose.
fn assign(cx: &Context<'_>, env: &mut BTreeMap<String, Secret>, name: String, value: Option<String>) {
    match value.or_else(|| (cx.env)(&name)) {
        Some(value) => env.insert(name, Secret::new(value)),
        None => env.remove(&name),
    };
}

/// The path of one entry: a text, or compose's `{ path, required }`.
fn entry(cx: &mut Context<'_>, node: &Node) -> Option<(PathBuf, bool)> {
    let (node, required) = match &node.value {
        Value::Map(_) => {
            let mut fields = Fields::open(cx, node, "env_file")?;
            let path = fields.require(cx, "path", "the name of a file");
            let required = fields.take(cx, "required").and_then(|node| cx.boolean(node)).unwrap_or(true);
            fields.close(cx);
            (path?, required)
        }
        _ => (node, true),
    };
    Some((cx.file(node)?, required))
}

fn file(cx: &mut Context<'_>, node: &Node, path: &Path, required: bool, env: &mut BTreeMap<String, Secret>) {
    let bytes = match (cx.read_file)(path) {
        Ok(bytes) => bytes,
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            let why = if error.kind() == std::io::ErrorKind::NotFound {
                "there is no such file".to_owned()
            } else {
                error.to_string()
            };
            cx.problems
                .add(node.span, format!("cannot read the env_file {}: {why}", shown(node, path)))
                .hint("paths are relative to the folder of the configuration");
            return;
        }
    };
    for (line, assignment) in parse_env_file(&bytes) {
        match assignment {
            Ok((name, value)) => assign(cx, env, name, value),
            Err(why) => {
                let span = Span { line, column: 1, end_line: line, end_column: 2 };
                cx.problems
                    .add(span, why.to_string())
                    .expected("KEY=VALUE, KEY, or a comment that begins with \"#\"")
                    // The line may be a secret, so it is not shown.
                    .elsewhere(path.to_owned(), String::new());
            }
        }
    }
}

/// The path as it may be shown: as it is written where it came from a variable.
fn shown(node: &Node, path: &Path) -> String {
    match node.scalar().and_then(|scalar| scalar.written.as_deref()) {
        Some(written) => written.to_owned(),
        None => path.display().to_string(),
    }
}
