use super::context::Context;
use super::node::{Node, Span, Value};

/// A `KEY: value` of a mapping or a `KEY=value` of a list. Compose lets both stand for the same.
pub(super) struct Pair<'n> {
    pub key: String,
    /// Absent for `KEY:` and `KEY`.
    pub value: Option<&'n str>,
    /// Where to point at: the key, or the item of the list.
    pub span: Span,
}

/// Reads pairs in either form. What is `secret` is named in messages by its key only.
pub(super) fn read<'n>(cx: &mut Context<'_>, node: &'n Node, secret: bool) -> Vec<Pair<'n>> {
    if secret {
        cx.problems.secret(node);
    }
    let mut pairs: Vec<Pair<'n>> = Vec::new();
    match &node.value {
        Value::Map(entries) => {
            for (key, node) in entries {
                if !secret {
                    cx.problems.public(node);
                }
                let value = match &node.value {
                    Value::Null => None,
                    Value::Scalar(scalar) => Some(scalar.text.as_str()),
                    Value::List(_) | Value::Map(_) => {
                        cx.reject_secret(node, &format!("the value of {}", key.text), "a single value");
                        continue;
                    }
                };
                pairs.push(Pair { key: key.text.clone(), value, span: key.span });
            }
        }
        Value::List(items) => {
            for item in items {
                let Value::Scalar(scalar) = &item.value else {
                    cx.reject_secret(item, "KEY=value", "a text of the form KEY=value");
                    continue;
                };
                let (key, value) = match scalar.text.split_once('=') {
                    Some((key, value)) => (key, Some(value)),
                    None => (scalar.text.as_str(), None),
                };
                if let Some(first) = pairs.iter().find(|pair| pair.key == key) {
                    cx.problems.add(item.span, "a key stands here a second time").hint_at(
                        "it stands on",
                        first.span,
                        " already; keep one of them",
                    );
                    continue;
                }
                pairs.push(Pair { key: key.to_owned(), value, span: item.span });
            }
        }
        Value::Null => {}
        Value::Scalar(_) => {
            cx.reject_secret(node, "pairs", "lines of the form \"KEY: value\", or a list of \"KEY=value\"");
        }
    }
    pairs
}
