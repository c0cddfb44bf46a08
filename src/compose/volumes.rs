use super::beneath::is_settled;
use super::networks::Named;
use crate::config::context::Context;
use crate::config::node::{Key, Node, Scalar, Value};

/// Puts `volumes` of a service into the form of `bgd.yaml`: named volumes by their real names. Adds the real names of
/// external ones to `external`.
pub(super) fn read(
    cx: &mut Context<'_>,
    named: &Named<'_>,
    node: &Node,
    external: &mut Vec<String>,
) -> Option<Node> {
    let items = cx.list(node, "a list of volumes", "a list, one volume per line")?;
    let mut read = Vec::new();
    for item in items {
        match &item.value {
            Value::Map(entries) => read.push(long(cx, named, item, entries, external)),
            Value::Scalar(scalar) => read.push(short(cx, named, item, scalar, external)),
            _ => read.push(item.clone()),
        }
    }
    Some(Node { span: node.span, value: Value::List(read) })
}

fn short(
    cx: &mut Context<'_>,
    named: &Named<'_>,
    node: &Node,
    scalar: &Scalar,
    external: &mut Vec<String>,
) -> Node {
    let Some((source, rest)) = scalar.text.split_once(':') else { return node.clone() };
    if source.is_empty() || source.starts_with(['/', '.', '~']) {
        return node.clone();
    }
    let Some(real) = real(cx, named, node, source, external) else { return node.clone() };
    let written = scalar.written.clone().unwrap_or_else(|| scalar.text.clone());
    let text = format!("{real}:{rest}");
    Node { span: node.span, value: Value::Scalar(Scalar { text, written: Some(written), plain: false }) }
}

fn long(
    cx: &mut Context<'_>,
    named: &Named<'_>,
    node: &Node,
    entries: &[(Key, Node)],
    external: &mut Vec<String>,
) -> Node {
    let text_of = |name: &str| node.get(name).and_then(Node::scalar).map(|scalar| scalar.text.as_str());
    let is_named = text_of("type") == Some("volume");
    let mut read = Vec::new();
    for (key, value) in entries {
        match key.text.as_str() {
            "source" if is_named => {
                let real = text_of("source").and_then(|source| real(cx, named, value, source, external));
                read.push((
                    key.clone(),
                    real.map_or_else(|| value.clone(), |real| Node::text_at(value.span, real)),
                ));
            }
            part @ ("bind" | "volume") => {
                // A folder that is missing is made, for every bind: Docker's own way of old. What is refused has been told.
                let left = |entry: &&(Key, Node)| {
                    let (key, node) = *entry;
                    let yes = node.scalar().is_some_and(|scalar| scalar.text == "true");
                    let made = key.text == "create_host_path" && yes;
                    !made && !is_settled(&format!("volumes.{part}.{}", key.text))
                };
                let Value::Map(inner) = &value.value else { continue };
                let left: Vec<_> = inner.iter().filter(left).cloned().collect();
                if !left.is_empty() {
                    read.push((key.clone(), Node { span: value.span, value: Value::Map(left) }));
                }
            }
            name if value.is_empty() || is_settled(&format!("volumes.{name}")) => {}
            _ => read.push((key.clone(), value.clone())),
        }
    }
    Node { span: node.span, value: Value::Map(read) }
}

/// The real name of a volume; one that the files do not declare is refused, as compose does.
fn real(
    cx: &mut Context<'_>,
    named: &Named<'_>,
    node: &Node,
    source: &str,
    external: &mut Vec<String>,
) -> Option<String> {
    let real = named.real(source);
    match &real {
        Some(real) if named.is_external(source) => external.push(real.clone()),
        Some(_) => {}
        None => {
            cx.problems
                .add(node.span, "this volume is not among the project's volumes")
                .hint("declare it at the top level: volumes: { NAME: {} }; a path begins with \"./\"");
        }
    }
    real
}
