//! A single file, resolved without compose.

use std::path::Path;

use super::dotenv;
use crate::config::context::Context;
use crate::config::node::{Key, Node, Span, Value};
use crate::model::Secret;

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
    let listed = match &files.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&files),
    };
    for file in listed {
        for (name, value) in read(cx, file) {
            let value = value.or_else(|| (cx.env)(&name));
            if let Some(value) = value {
                let mut node = Node::text_at(file.span, value);
                hide(&mut node, &name);
                set(&name, node);
            }
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

/// The variables of one file: a name, or compose's `{ path, required, format }`.
fn read(cx: &mut Context<'_>, node: &Node) -> dotenv::Variables {
    let (path, required, raw) = match &node.value {
        Value::Map(_) => {
            let flag = |name| node.get(name).and_then(Node::scalar).map(|scalar| scalar.text.clone());
            let raw = flag("format").is_some_and(|format| format == "raw");
            (node.get("path"), flag("required").as_deref() != Some("false"), raw)
        }
        _ => (Some(node), true, false),
    };
    let Some(path) = path.and_then(|node| cx.file(node)) else {
        cx.reject(node, "an environment file", "the name of a file, or { path: … }");
        return Vec::new();
    };
    if raw {
        cx.problems
            .add(node.span, "\"format: raw\" is resolved by compose, which does not answer here")
            .hint("install the Compose plugin of Docker");
        return Vec::new();
    }
    let text = (cx.read_file)(&path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8 text"))
    });
    match text {
        Ok(text) => parsed(cx, node, &path, &Secret::new(text)),
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            cx.problems.add(node.span, format!("cannot read this environment file: {why}"));
            Vec::new()
        }
    }
}

fn parsed(cx: &mut Context<'_>, node: &Node, path: &Path, text: &Secret) -> dotenv::Variables {
    dotenv::parse(text.expose(), cx.env).unwrap_or_else(|(line, why)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cx.problems.add(node.span, format!("line {line} of {name}: {why}"));
        Vec::new()
    })
}
