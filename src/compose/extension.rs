use super::keys::fate;
use super::translate::RENAMED;
use crate::config::context::Context;
use crate::config::node::{Key, Node, Value};

/// What `x-bgd` can hold: what compose has no word for.
const OWN: [&str; 14] = [
    "app",
    "port",
    "network",
    "replicas",
    "health",
    "smoke",
    "proxy",
    "watch",
    "drain",
    "move",
    "retire",
    "rename",
    "retention",
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

/// Puts the `x-bgd` of the files back where compose has dropped it: version 1 does so when it puts a service together from
/// several files, or from one that it extends. `files` has what each says of the service, the last one first.
pub(super) fn restore(cx: &mut Context<'_>, service: &mut Node, files: &[&Node]) {
    if service.get("x-bgd").is_some() {
        return;
    }
    let found = files.iter().filter_map(|node| node.get("x-bgd")).cloned();
    let Some(mut own) = found.reduce(over) else { return };
    cx.interpolate_as_compose(&mut own);
    if let Value::Map(entries) = &mut service.value {
        entries.push((Key { text: "x-bgd".to_owned(), span: own.span }, own));
    }
}

/// One value over another: mappings are put together, of all else the first one counts.
fn over(first: Node, second: Node) -> Node {
    let Node { span, value } = first;
    let (mut entries, second) = match (value, second.value) {
        (Value::Map(entries), Value::Map(second)) => (entries, second),
        (value, _) => return Node { span, value },
    };
    for (key, node) in second {
        match entries.iter().position(|(known, _)| known.text == key.text) {
            Some(at) => {
                let (known, own) = entries.swap_remove(at);
                entries.push((known, over(own, node)));
            }
            None => entries.push((key, node)),
        }
    }
    Node { span, value: Value::Map(entries) }
}
