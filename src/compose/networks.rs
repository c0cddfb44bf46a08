use super::beneath::is_settled;
use crate::config::context::{Context, one_of};
use crate::config::node::{Key, Node, Span, Value};

/// What the project's files say at their top of networks or of volumes.
pub(super) struct Named<'n> {
    /// `networks` or `volumes`.
    pub what: &'static str,
    /// The tree of the whole project.
    pub root: &'n Node,
    /// The project's name.
    pub project: &'n str,
}

impl Named<'_> {
    /// The name by which Docker knows it, as compose makes it: its `name`, or else its key, which has the project in
    /// front unless it is `external`. `None` when the files do not have it.
    pub fn real(&self, key: &str) -> Option<String> {
        let declared = self.root.get(self.what).and_then(|all| all.get(key));
        let named = |node: &Node| node.get("name")?.scalar().map(|scalar| scalar.text.clone());
        match declared {
            Some(node) => Some(named(node).or_else(|| named(node.get("external")?)).unwrap_or_else(|| {
                if self.is_external(key) { key.to_owned() } else { format!("{}_{key}", self.project) }
            })),
            // The one network that need not be declared.
            None if self.what == "networks" && key == "default" => Some(format!("{}_default", self.project)),
            None => None,
        }
    }

    /// Whether somebody else has to create it.
    pub fn is_external(&self, key: &str) -> bool {
        let external = self.root.get(self.what).and_then(|all| all.get(key)?.get("external"));
        external.is_some_and(|node| match &node.value {
            Value::Scalar(scalar) => scalar.text == "true",
            value => matches!(value, Value::Map(_)),
        })
    }
}

/// What becomes of a service's networks.
pub(super) struct Networks {
    /// `network` of `bgd.yaml`: the one that the proxy is on.
    pub main: Option<Node>,
    /// `networks` of `bgd.yaml`, with the service's name among the aliases.
    pub all: Node,
    /// The real names of those that are external.
    pub external: Vec<String>,
}

/// Reads `networks` of a service, and which of them `x-bgd` takes for the proxy's.
pub(super) fn read(
    cx: &mut Context<'_>,
    named: &Named<'_>,
    service: (&str, &Node, Span),
    wanted: Option<&Node>,
) -> Networks {
    let (name, node, around) = service;
    let span = node.get("networks").map_or(around, |node| node.span);
    let mut joined: Vec<(String, Key, Node)> = Vec::new();
    for (key, span, settings) in listed(cx, node.get("networks"), span) {
        let Some(real) = named.real(&key) else {
            cx.problems
                .add(span, format!("the network {key:?} is not among the project's networks"))
                .hint(format!("declare it at the top level: networks: {{ {key}: {{}} }}"));
            continue;
        };
        let settings = with_alias(settings, span, name);
        joined.push((key, Key { text: real, span }, settings));
    }
    let keys: Vec<&str> = joined.iter().map(|(key, ..)| key.as_str()).collect();
    let chosen = match (wanted, keys.as_slice()) {
        (Some(node), _) => {
            let known = |text: &str| keys.iter().position(|key| *key == text);
            let expected = format!("one of the networks of {name}: {}", one_of(&keys));
            cx.problems.public(node);
            cx.parsed(node, "a network of this service", &expected, known).map(|at| (at, node.span))
        }
        (None, [_]) => Some((0, around)),
        (None, []) => None,
        (None, _) => {
            cx.problems
                .add(around, format!("{name} has several networks, and \"network\" is missing in x-bgd"))
                .expected(format!("the one that the proxy reaches it on: {}", one_of(&keys)));
            None
        }
    };
    let main = chosen.and_then(|(at, span)| Some(Node::text_at(span, joined.get(at)?.1.text.clone())));
    let external = joined.iter().filter(|(key, ..)| named.is_external(key));
    let external = external.map(|(_, real, _)| real.text.clone()).collect();
    let all = joined.into_iter().map(|(_, key, settings)| (key, settings)).collect();
    Networks { main, all: Node { span, value: Value::Map(all) }, external }
}

/// Each network with its place and its settings. Without any it is `default`.
fn listed(cx: &mut Context<'_>, node: Option<&Node>, around: Span) -> Vec<(String, Span, Option<Node>)> {
    let is_none = |node: &Node| match &node.value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Scalar(_) => false,
    };
    let Some(node) = node.filter(|node| !is_none(node)) else {
        return vec![("default".to_owned(), around, None)];
    };
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .map(|(key, node)| {
                let settings = (!matches!(node.value, Value::Null)).then(|| node.clone());
                (key.text.clone(), key.span, settings)
            })
            .collect(),
        _ => {
            cx.problems.public(node);
            let items = cx.list(node, "a list of networks", "a list or a mapping of networks");
            let names = items.unwrap_or_default().iter().filter_map(|item| {
                let name = item.scalar()?.text.clone();
                Some((name, item.span, None))
            });
            names.collect()
        }
    }
}

/// Adds the service's own name to the aliases: compose gives it to every container of a service.
fn with_alias(settings: Option<Node>, span: Span, service: &str) -> Node {
    let mut entries = match settings.map(|node| node.value) {
        Some(Value::Map(entries)) => entries,
        Some(value) => return Node { span, value },
        None => Vec::new(),
    };
    let settled = |key: &Key| is_settled(&format!("networks.{}", key.text));
    entries.retain(|(key, node)| !node.is_empty() && !settled(key));
    let mut aliases = match entries.iter().position(|(key, _)| key.text == "aliases") {
        Some(at) => match entries.remove(at).1.value {
            Value::List(items) => items,
            value => vec![Node { span, value }],
        },
        None => Vec::new(),
    };
    if !aliases.iter().any(|alias| alias.scalar().is_some_and(|scalar| scalar.text == service)) {
        aliases.push(Node::text_at(span, service));
    }
    let key = Key { text: "aliases".to_owned(), span };
    entries.push((key, Node { span, value: Value::List(aliases) }));
    Node { span, value: Value::Map(entries) }
}
