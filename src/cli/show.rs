use serde_json::Value;

use super::Session;
use crate::error::{Context, Error, Kind, Result};
use crate::model::{AppName, ReleaseNumber, shown_path};

/// Show one release in full, secrets hidden.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The app
    #[arg(value_parser = AppName::parse)]
    pub app: AppName,

    /// The release's number
    pub release: u32,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<()> {
    let name = session.known_app(Some(&args.app))?;
    let records = session.store()?.app(&name);
    let release = records.release(ReleaseNumber(args.release))?.ok_or_else(|| {
        Error::new(Kind::Usage, format!("{name} has no release {}", args.release))
            .hint(format!("see which there are with: bgd history {name}"))
    })?;
    let mut value =
        serde_json::to_value(&release).or_error(Kind::Other, || "cannot write JSON".to_owned())?;
    hide(&mut value);
    session.print_json(&value)
}

/// Hides every value of an environment, of request headers and of log options, the bodies and queries of requests; drops
/// what says nothing.
fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let is_request = map.contains_key("method");
            for (key, value) in map.iter_mut() {
                match value {
                    Value::Object(inner) if matches!(key.as_str(), "env" | "headers" | "options") => {
                        inner.values_mut().for_each(|value| *value = Value::from("***"));
                    }
                    Value::String(body) if key == "body" && is_request => "***".clone_into(body),
                    Value::String(path) if key == "path" => *path = shown_path(path),
                    _ => hide(value),
                }
            }
            map.retain(|_, value| !is_empty(value));
        }
        Value::Array(list) => list.iter_mut().for_each(hide),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mut value = serde_json::json!({
            "containers": [["api-blue", {"env": {"TOKEN": "hunter2"}, "log": {"options": {"token": "hunter2"}}}]],
            "app": {"ports": [], "smoke": [{
                "method": "POST", "path": "/login?key=hunter2", "headers": {"Authorization": "hunter2"},
                "body": "{\"password\": \"hunter2\"}", "expect": {"body": "welcome"},
            }]},
        });
        hide(&mut value);
        let text = value.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("/login?***") && text.contains("welcome"), "{text}");
        assert!(text.contains("TOKEN") && !text.contains("ports"), "{text}");
    }
}
