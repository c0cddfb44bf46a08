use std::collections::BTreeMap;

use super::node::{Node, Value};
use super::problems::Problems;
use super::yaml;

/// Reads a YAML text of another program as pairs of a dotted path and a text: `a.b` for mappings, `a.b[0]` for lists.
/// What is null is left out; `None` when the text is no YAML, or empty.
pub(crate) fn flatten(text: &str) -> Option<BTreeMap<String, String>> {
    let mut problems = Problems::default();
    let root = yaml::parse(text, &mut problems)?;
    let mut pairs = BTreeMap::new();
    add(&mut pairs, String::new(), &root);
    problems.is_empty().then_some(pairs)
}

fn add(pairs: &mut BTreeMap<String, String>, path: String, node: &Node) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            pairs.insert(path, scalar.text.clone());
        }
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                add(pairs, format!("{path}[{at}]"), item);
            }
        }
        Value::Map(entries) => {
            for (key, node) in entries {
                let inner = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
                // What is there and empty, such as `tls: {}`, says something too.
                if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
                    pairs.insert(inner.clone(), String::new());
                }
                add(pairs, inner, node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_and_lists_become_paths() {
        let pairs = flatten("a:\n  b: 1\n  tls: {}\n  c: [x, y]\n  d:\n    - e: z\n  f:\n").unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected = [("a.b", "1"), ("a.c[0]", "x"), ("a.c[1]", "y"), ("a.d[0].e", "z"), ("a.tls", "")];
        assert_eq!(pairs, expected);
        assert_eq!(flatten("a: ["), None);
        assert_eq!(flatten("a: 1\na: 2\n"), None);
    }
}
