use serde_json::{Number, Value as Json};

use super::node::{Node, Value};

/// The JSON value that a node of YAML stands for, by the core schema of YAML 1.2: `5`, `true` and `null` are no texts
/// unless they stand in quotation marks.
pub(super) fn value(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(scalar) if scalar.plain => plain(&scalar.text),
        Value::Scalar(scalar) => Json::String(scalar.text.clone()),
        Value::List(items) => Json::Array(items.iter().map(value).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, node)| (key.text.clone(), value(node))).collect())
        }
    }
}

fn plain(text: &str) -> Json {
    match text {
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        "null" | "Null" | "NULL" | "~" | "" => return Json::Null,
        _ => {}
    }
    // Rust also reads "inf" and "nan" as numbers; YAML and JSON do not.
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let integer =
        || text.parse::<i64>().map(Number::from).ok().or_else(|| text.parse::<u64>().map(Number::from).ok());
    let float = || text.parse::<f64>().ok().and_then(Number::from_f64);
    match numeric.then(|| integer().or_else(float)).flatten() {
        Some(number) => Json::Number(number),
        None => Json::String(text.to_owned()),
    }
}
