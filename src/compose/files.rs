//! Secrets and configs of a service: compose mounts their files, and so does bgd.

use super::notes::Notes;
use crate::config::context::Context;
use crate::config::node::{Key, Node, Span, Value};

/// One kind of file.
struct Kind {
    /// The key of the service, and of the project.
    key: &'static str,
    /// What one of them is called.
    one: &'static str,
    /// The folder that a target is relative to.
    folder: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind { key: "secrets", one: "secret", folder: "/run/secrets/" },
    Kind { key: "configs", one: "config", folder: "/" },
];

/// What a mounted file has of its own, and compose leaves alone too.
const OF_THE_FILE: [&str; 3] = ["uid", "gid", "mode"];

/// The files of a service as `mounts` of `bgd.yaml`; `None` when it has none.
pub(super) fn read(cx: &mut Context<'_>, root: &Node, service: &Node, notes: &mut Notes) -> Option<Node> {
    let mut mounts = Vec::new();
    let mut span = None;
    for kind in &KINDS {
        let Some(node) = service.get(kind.key).filter(|node| !node.is_empty()) else { continue };
        span = span.or(Some(node.span));
        cx.problems.public(node);
        let expected = "a list of names, or of { source, target }";
        for item in cx.list(node, &format!("a list of {}", kind.key), expected).unwrap_or_default() {
            mounts.extend(one(cx, root, kind, item, notes));
        }
    }
    Some(Node { span: span?, value: Value::List(mounts) })
}

fn one(cx: &mut Context<'_>, root: &Node, kind: &Kind, item: &Node, notes: &mut Notes) -> Option<Node> {
    if let Value::Map(entries) = &item.value {
        for (key, node) in entries {
            cx.problems.public(node);
            if OF_THE_FILE.contains(&key.text.as_str()) {
                notes.add(
                    key.span,
                    format!("{}.{}", kind.key, key.text),
                    "a file that is mounted keeps its own",
                );
            } else if !["source", "target"].contains(&key.text.as_str()) {
                cx.problems
                    .add(key.span, format!("unknown key {:?} in {}", key.text, kind.key))
                    .expected("source, target, uid, gid or mode");
            }
        }
    }
    let source = item.get("source").unwrap_or(item);
    let name = cx.text(source, &format!("the name of a {}", kind.one))?;
    let file = file(cx, root, kind, name, item.span)?;
    let target = match item.get("target").filter(|node| !node.is_empty()) {
        Some(node) => cx.text(node, "a path in the container")?,
        None => name,
    };
    let target = if target.starts_with('/') { target.to_owned() } else { format!("{}{target}", kind.folder) };
    let parts = [("type", "bind"), ("source", &file), ("target", &target), ("read_only", "true")];
    let entries = parts
        .map(|(key, text)| (Key { text: key.to_owned(), span: item.span }, Node::text_at(item.span, text)));
    Some(Node { span: item.span, value: Value::Map(entries.into()) })
}

/// The file of a secret or config; one that has none is refused by name.
fn file(cx: &mut Context<'_>, root: &Node, kind: &Kind, name: &str, span: Span) -> Option<String> {
    let Kind { key, one, .. } = kind;
    let by_file = format!("give it a file: {key}: {{ {name}: {{ file: ./{name} }} }}");
    let Some(declared) = root.get(key).and_then(|all| all.get(name)) else {
        cx.problems
            .add(span, format!("the {one} {name:?} is not among the {key} of the project"))
            .hint(format!("declare it at the top level: {key}: {{ {name}: {{ file: ./{name} }} }}"));
        return None;
    };
    let Some(node) = declared.get("file").filter(|node| !node.is_empty()) else {
        let why = match declared {
            node if node.get("external").is_some() => "it is external, and only Swarm keeps such ones",
            node if node.get("environment").is_some() => {
                "its text comes from a variable, and only a file can be mounted"
            }
            node if node.get("content").is_some() => {
                "its text stands in the compose file, and only a file of its own can be mounted"
            }
            _ => "it has no file",
        };
        cx.problems.add(span, format!("the {one} {name:?} is refused: {why}")).hint(by_file);
        return None;
    };
    cx.problems.public(node);
    let path = cx.file(node)?;
    let is_missing = (cx.read_file)(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if is_missing {
        // Docker would make a folder of that name in its place.
        cx.problems
            .add(span, format!("the file of the {one} {name:?} is not there: {}", path.display()))
            .hint("make the file, or correct its path, which is relative to the folder of the compose file");
        return None;
    }
    path.into_os_string().into_string().ok()
}
