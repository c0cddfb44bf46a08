//! A single file, resolved without compose.

use crate::config::context::Context;
use crate::config::env_file;
use crate::config::node::{Key, Node, Span, Value};

/// What is done by compose only: the key, and where it stands.
const BEYOND: [&str; 2] = ["extends", "label_file"];

/// Replaces the variables of the tree, and puts what the environment files say into `environment`.
pub(super) fn resolve(cx: &mut Context<'_>, root: &mut Node, service: &str) {
    if let Some((span, _)) = root.entry("include") {
        beyond(cx, span, "include");
    }
    let Some(node) = root.get("services").and_then(|services| services.get(service)) else { return };
    for key in BEYOND {
        if let Some((span, _)) = node.entry(key) {
            beyond(cx, span, key);
        }
    }
    cx.interpolate_as_compose(root);
    let Value::Map(entries) = &mut root.value else { return };
    let services = entries.iter_mut().find(|(key, _)| key.text == "services").map(|(_, node)| node);
    let Some(Node { value: Value::Map(services), .. }) = services else { return };
    if let Some((_, node)) = services.iter_mut().find(|(key, _)| key.text == service) {
        environment(cx, node);
    }
}

fn beyond(cx: &mut Context<'_>, span: Span, key: &str) {
    cx.problems
        .add(span, format!("{key:?} is resolved by compose, which does not answer here"))
        .hint("install the Compose plugin of Docker, or docker-compose");
}

/// Turns `env_file` and `environment` into one mapping, the latter winning.
fn environment(cx: &mut Context<'_>, service: &mut Node) {
    let Value::Map(entries) = &mut service.value else { return };
    let Some(at) = entries.iter().position(|(key, _)| key.text == "env_file") else { return };
    let (key, files) = entries.remove(at);
    let mut merged: Vec<(Key, Node)> = Vec::new();
    let mut set = |name: &str, node: Node| {
        merged.retain(|(known, _)| known.text != name);
        merged.push((Key { text: name.to_owned(), span: key.span }, node));
    };
    cx.problems.public(&files);
    for (name, value) in env_file::read(cx, &files) {
        if let Some(value) = value {
            // Its place is the key: the name of the file may be shown, and a value may not.
            let mut node = Node::text_at(key.span, value.expose());
            hide(&mut node, &name);
            set(&name, node);
        }
    }
    let own = entries.iter().position(|(key, _)| key.text == "environment").map(|at| entries.remove(at));
    match own.map(|(_, node)| node.value) {
        Some(Value::Map(pairs)) => {
            pairs.into_iter().for_each(|(key, node)| set(&key.text, node));
        }
        Some(Value::List(items)) => items.into_iter().for_each(|item| {
            let Some(scalar) = item.scalar() else { return };
            match scalar.text.split_once('=') {
                Some((name, value)) => {
                    let mut node = Node::text_at(item.span, value);
                    hide(&mut node, name);
                    set(name, node);
                }
                None => set(&scalar.text.clone(), Node { span: item.span, value: Value::Null }),
            }
        }),
        _ => {}
    }
    let span = files.span;
    entries.push((
        Key { text: "environment".to_owned(), span: key.span },
        Node { span, value: Value::Map(merged) },
    ));
}

/// Lets messages name the variable in place of its value.
fn hide(node: &mut Node, name: &str) {
    if let Value::Scalar(scalar) = &mut node.value {
        scalar.written = Some(name.to_owned());
    }
}
