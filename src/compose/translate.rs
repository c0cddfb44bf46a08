//! A service in the words of `bgd.yaml`.

use super::keys::{Fate, KEYS, fate};
use super::networks::{self, Named};
use super::notes::Notes;
use super::{beneath, deploy, extension, files, healthcheck, parts, volumes};
use crate::config::context::Context;
use crate::config::fields::near_miss;
use crate::config::node::{Key, Node, Span, Value};
use crate::model::{Condition, HealthCheck};

/// Keys that mean the same in both under another name.
pub(super) const RENAMED: [(&str, &str); 4] = [
    ("environment", "env"),
    ("mem_limit", "memory"),
    ("mem_reservation", "memory_reservation"),
    ("memswap_limit", "memory_swap"),
];
/// Keys that are read by functions of their own.
const APART: [&str; 15] = [
    "configs",
    "depends_on",
    "deploy",
    "devices",
    "env_file",
    "expose",
    "extends",
    "healthcheck",
    "label_file",
    "networks",
    "pull_policy",
    "scale",
    "secrets",
    "volumes",
    "x-bgd",
];
/// Keys of which an empty text means to compose what nothing means.
const EMPTY_IS_UNSET: [&str; 9] = [
    "cpuset",
    "hostname",
    "image",
    "platform",
    "pull_policy",
    "restart",
    "stop_signal",
    "user",
    "working_dir",
];
/// Keys of which 0 means to Docker what nothing means.
const ZERO_IS_UNSET: [&str; 6] =
    ["cpu_shares", "cpus", "mem_limit", "mem_reservation", "memswap_limit", "shm_size"];

/// What a service says.
pub(super) struct Translated {
    /// The tree of a `bgd.yaml`.
    pub root: Node,
    /// Ports that are declared, `3000/tcp`.
    pub expose: Vec<String>,
    /// The container's check, where bgd asks otherwise.
    pub check: Option<HealthCheck>,
    /// The services that it depends on: name, condition, whether it is required.
    pub depends_on: Vec<(String, Condition, bool)>,
    /// Real names of external networks and volumes.
    pub external: Vec<String>,
    /// Whether `up` would start it too.
    pub started_by_up: bool,
}

/// Puts a service into the words of `bgd.yaml`. `around` is where its name stands.
pub(super) fn translate(
    cx: &mut Context<'_>,
    root: &Node,
    project: &str,
    name: &str,
    node: &Node,
    around: Span,
) -> Translated {
    let mut entries: Vec<(Key, Node)> = Vec::new();
    let own_span = node.entry("x-bgd").map_or(around, |(span, _)| span);
    let own = extension::read(cx, node, &mut entries);
    let own_of = |key: &str| own.and_then(|own| own.get(key));
    let Value::Map(settings) = &node.value else {
        cx.reject_secret(node, "a service", "lines of the form \"key: value\"");
        return empty(around);
    };
    let mut notes = Notes::default();
    for (key, value) in settings {
        one(cx, key, value, &mut entries, &mut notes);
    }
    let mut external = Vec::new();
    let named = |what| Named { what, root, project };
    let joined = networks::read(cx, &named("networks"), (name, node, around), own_of("network"));
    external.extend(joined.external);
    put(&mut entries, "networks", around, Some(joined.all));
    // Where none could be chosen, that has been said, and a stand-in keeps it from being said once more.
    let main = joined.main.unwrap_or_else(|| Node::text_at(around, "unknown"));
    put(&mut entries, "network", around, Some(main));
    if let Some(node) = node.get("volumes").filter(|node| !node.is_empty()) {
        let read = volumes::read(cx, &named("volumes"), node, &mut external);
        put(&mut entries, "volumes", around, read);
    }
    put(&mut entries, "mounts", around, files::read(cx, root, node, &mut notes));
    let checks = healthcheck::read(cx, node, own_of("health"), own_span);
    put(&mut entries, "health", around, checks.health);
    let scaled = deploy::replicas(cx, node, own_of("replicas").is_some(), &mut entries);
    deploy::read(cx, node, &mut entries);
    beneath::look(cx, node, &mut notes);
    notes.tell(cx, name);
    if node.get("image").is_none_or(|node| is_unset("image", node)) {
        let problem = cx.problems.add(around, format!("\"image\" is missing in {name}"));
        problem.expected("an image, as in image: myorg/api");
        if node.get("build").is_some() {
            problem.hint("with \"image\" beside \"build\", what compose builds has a name");
        }
        put(&mut entries, "image", around, Some(Node::text_at(around, "unknown")));
    }
    let profiled = node.get("profiles").is_some_and(|node| !node.is_empty());
    Translated {
        root: Node { span: own_span, value: Value::Map(entries) },
        expose: parts::expose(cx, node),
        check: checks.container,
        depends_on: parts::depends_on(cx, node),
        external,
        started_by_up: !profiled && !scaled,
    }
}

fn empty(span: Span) -> Translated {
    Translated {
        root: Node { span, value: Value::Map(Vec::new()) },
        expose: Vec::new(),
        check: None,
        depends_on: Vec::new(),
        external: Vec::new(),
        started_by_up: true,
    }
}

pub(super) fn is_text(node: &Node) -> bool {
    node.scalar().is_some()
}

/// Whether a value means to compose that the key is not written.
pub(super) fn is_unset(name: &str, value: &Node) -> bool {
    let text = value.scalar().map(|scalar| scalar.text.as_str());
    let is_zero = |text: &str| {
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        number.parse::<f64>().is_ok_and(|number| number == 0.0)
    };
    match text {
        Some("") => EMPTY_IS_UNSET.contains(&name),
        Some(text) => ZERO_IS_UNSET.contains(&name) && is_zero(text),
        None => matches!(value.value, Value::Null),
    }
}

/// One key of a service. An empty list is one to compose: it is not the same as none.
fn one(cx: &mut Context<'_>, key: &Key, value: &Node, entries: &mut Vec<(Key, Node)>, notes: &mut Notes) {
    let name = key.text.as_str();
    let renamed = RENAMED.iter().find(|(composes, _)| *composes == name).map_or(name, |(_, bgds)| *bgds);
    match fate(name) {
        // An empty value asks for nothing, so that nothing is dropped.
        Some(Fate::Refused(..) | Fate::Noted(_)) if value.is_empty() => {}
        Some(Fate::Refused(why, remedy)) => {
            cx.problems.add(key.span, format!("{name:?} is refused: {why}")).hint(remedy);
        }
        Some(Fate::Noted(why)) => notes.add(key.span, name, why),
        Some(Fate::Composes(_)) => {}
        Some(Fate::Mapped(_)) if is_unset(name, value) => {}
        Some(Fate::Mapped(_)) => match name {
            "devices" => put(entries, "devices", key.span, parts::devices(cx, value)),
            "pull_policy" => put(entries, "pull", key.span, parts::pull(cx, value)),
            "labels" => {
                parts::check_labels(cx, value);
                put(entries, name, key.span, Some(value.clone()));
            }
            _ if APART.contains(&name) => {}
            _ => put(entries, renamed, key.span, Some(value.clone())),
        },
        None if name.starts_with("x-") => {}
        None => {
            let known: Vec<&str> =
                KEYS.iter().map(|(known, _)| *known).filter(|k| !k.contains('.')).collect();
            let near = near_miss(name, &known);
            let problem = cx
                .problems
                .add(key.span, format!("{name:?} is not among the keys that bgd knows of a service"));
            match near {
                Some(near) => problem.hint(format!("did you mean {near:?}?")),
                None => {
                    problem.hint("it may be newer than this bgd: remove it, or leave the service to compose")
                }
            };
        }
    }
}

/// Puts a key beside the others.
pub(super) fn put(entries: &mut Vec<(Key, Node)>, name: &str, span: Span, node: Option<Node>) {
    if let Some(node) = node {
        entries.push((Key { text: name.to_owned(), span }, node));
    }
}

/// Adds a single value to the tree.
pub(super) fn put_text(root: &mut Node, name: &str, span: Span, text: &str) {
    if let Value::Map(entries) = &mut root.value {
        put(entries, name, span, Some(Node::text_at(span, text)));
    }
}
