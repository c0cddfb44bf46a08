use super::keys::fate;
use super::translate::RENAMED;
use crate::config::context::Context;
use crate::config::node::{Key, Node, Value};

/// What `x-bgd` can hold: what compose has no word for.
const OWN: [&str; 12] = [
    "app", "port", "network", "replicas", "health", "smoke", "proxy", "watch", "drain", "retire", "rename",
    "hooks",
];

/// Takes what `x-bgd` holds, but for what is compose's to say, and what is worked out with compose's own keys.
pub(super) fn read<'n>(
    cx: &mut Context<'_>,
    service: &'n Node,
    entries: &mut Vec<(Key, Node)>,
) -> Option<&'n Node> {
    let node = service.get("x-bgd").filter(|node| !matches!(node.value, Value::Null))?;
    let Value::Map(own) = &node.value else {
        cx.reject_secret(node, "x-bgd", "lines of the form \"key: value\", as in bgd.yaml");
        return None;
    };
    for (key, value) in own {
        let renamed = RENAMED.iter().find(|(_, bgds)| *bgds == key.text).map(|(composes, _)| *composes);
        let composes = match key.text.as_str() {
            "pull" => Some("pull_policy"),
            text if OWN.contains(&text) => None,
            text => renamed.or_else(|| fate(text).map(|_| text)),
        };
        match composes {
            Some(composes) => {
                cx.problems
                    .add(key.span, format!("{:?} is compose's own to say, and not x-bgd's", key.text))
                    .hint(format!("write it as \"{composes}\" of the service"));
            }
            None if matches!(key.text.as_str(), "health" | "network") => {}
            None => entries.push((key.clone(), value.clone())),
        }
    }
    Some(node)
}
