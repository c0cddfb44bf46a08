//! Reading the engine's JSON by key, where a missing value, `null` and an empty one mean the same.

use std::collections::BTreeMap;

use serde_json::Value;

/// The text under a key, or an empty one.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The text under a key, `None` when it is empty.
pub(super) fn some_text(value: &Value, key: &str) -> Option<String> {
    Some(text(value, key)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The number under a key, or 0.
pub(super) fn int(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_default()
}

/// The number under a key, `None` when it is 0.
pub(super) fn some_int(value: &Value, key: &str) -> Option<i64> {
    Some(int(value, key)).filter(|number| *number != 0)
}

/// The truth under a key, or `false`.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value[key].as_bool().unwrap_or_default()
}

/// The elements under a key.
pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts under a key.
pub(super) fn texts(value: &Value, key: &str) -> Vec<String> {
    items(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The pairs of keys and values under a key, in the order of the keys.
pub(super) fn entries<'a>(value: &'a Value, key: &str) -> BTreeMap<&'a str, &'a Value> {
    value[key].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect()
}

/// The pairs of keys and texts under a key.
pub(super) fn text_map(value: &Value, key: &str) -> BTreeMap<String, String> {
    entries(value, key)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// Whether a value says nothing: `null`, `false`, 0, an empty text, list or object.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(pairs) => pairs.is_empty(),
    }
}
