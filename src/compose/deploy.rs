use super::translate::{is_unset, put};
use crate::config::context::Context;
use crate::config::node::{Key, Node};

/// Parts of `deploy`: where they stand, what they are in `bgd.yaml`, and the key of the service that says the same.
const PARTS: [(&[&str], &str, &str); 4] = [
    (&["resources", "limits", "cpus"], "cpus", "cpus"),
    (&["resources", "limits", "memory"], "memory", "mem_limit"),
    (&["resources", "limits", "pids"], "pids_limit", "pids_limit"),
    (&["resources", "reservations", "memory"], "memory_reservation", "mem_reservation"),
];

/// Takes the limits out of `deploy`.
pub(super) fn read(cx: &mut Context<'_>, service: &Node, entries: &mut Vec<(Key, Node)>) {
    let Some(deploy) = service.get("deploy") else { return };
    for (path, name, twin) in PARTS {
        let Some(node) = path.iter().try_fold(deploy, |node, key| node.get(key)) else { continue };
        if is_unset(twin, node) {
            continue;
        }
        let text = |node: &Node| node.scalar().map(|scalar| scalar.text.clone());
        match service.get(twin) {
            None => put(entries, name, node.span, Some(node.clone())),
            Some(other) if text(other) == text(node) => {}
            Some(_) => {
                cx.problems
                    .add(node.span, format!("{twin:?} of the service says otherwise"))
                    .hint("keep one of them");
            }
        }
    }
}

/// How many containers a slot has. `true` when compose is told to run none.
pub(super) fn replicas(
    cx: &mut Context<'_>,
    service: &Node,
    has_own: bool,
    entries: &mut Vec<(Key, Node)>,
) -> bool {
    let of_deploy = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
    let scale = of_deploy.or_else(|| service.get("scale")).filter(|node| !node.is_empty());
    let Some(node) = scale else { return false };
    cx.problems.public(node);
    let none = node.scalar().is_some_and(|scalar| scalar.text == "0");
    if !none && !has_own {
        put(entries, "replicas", node.span, Some(node.clone()));
    }
    none
}
