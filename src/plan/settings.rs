use serde_json::Value;

use crate::error::{Context, Kind, Result};
use crate::model::ContainerSpec;

/// A specification, a setting per line (`key: value`), with what is not set left out and secrets hidden.
///
/// # Errors
/// None that is known: every specification can be written as JSON.
pub fn settings(spec: &ContainerSpec) -> Result<String> {
    let value = serde_json::to_value(spec).or_error(Kind::Other, || "cannot write JSON".to_owned())?;
    let mut lines = String::new();
    if let Value::Object(map) = &value {
        for (key, value) in map {
            flatten(key, value, key == "env" || key == "log", &mut lines);
        }
    }
    Ok(lines)
}

fn flatten(path: &str, value: &Value, secret: bool, lines: &mut String) {
    match value {
        Value::Null | Value::Bool(false) => {}
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, secret, lines));
        }
        Value::Array(list) if list.is_empty() => {}
        // The daemon's own driver.
        Value::String(text) if text.is_empty() && path == "log.driver" => {}
        Value::Array(list) if list.iter().any(Value::is_object) => {
            let each = list.iter().enumerate();
            each.for_each(|(at, value)| flatten(&format!("{path}[{at}]"), value, secret, lines));
        }
        value if secret && path != "log.driver" => {
            // A changed secret shows as a change, without its value.
            let mark = fingerprint(&value.to_string());
            lines.push_str(&format!("{path}: *** ({mark:04x})\n"));
        }
        value => lines.push_str(&format!("{path}: {value}\n")),
    }
}

/// Tells two values of one run apart; salted, so that nothing can be guessed from it afterwards.
fn fingerprint(text: &str) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::OnceLock;
    static SALT: OnceLock<RandomState> = OnceLock::new();
    SALT.get_or_init(RandomState::new).hash_one(text) & 0xffff
}
