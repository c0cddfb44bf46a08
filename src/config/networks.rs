use super::context::Context;
use super::fields::Fields;
use super::node::{Node, Value};
use crate::model::{NetworkAttachment, NetworkName};

/// Reads `networks`: a list of names, or names with aliases.
///
/// The proxy's network may be among them, for its aliases; it then stands first.
pub(super) fn read(
    cx: &mut Context<'_>,
    fields: &mut Fields<'_>,
    main: Option<&NetworkName>,
) -> Vec<NetworkAttachment> {
    let Some(node) = fields.take(cx, "networks") else { return Vec::new() };
    let mut networks: Vec<NetworkAttachment> = Vec::new();
    match &node.value {
        Value::List(items) => {
            for item in items {
                let Some(name) = name(cx, item) else { continue };
                if networks.iter().any(|network| network.name == name) {
                    cx.problems.add(item.span, format!("the network {name:?} stands here a second time"));
                    continue;
                }
                networks.push(NetworkAttachment { name, aliases: Vec::new(), ipv4: None });
            }
        }
        Value::Map(entries) => {
            for (key, node) in entries {
                if let Err(invalid) = NetworkName::parse(&key.text) {
                    cx.problems
                        .add(key.span, format!("{:?} is not the name of a network", key.text))
                        .expected(invalid.rule);
                    continue;
                }
                let aliases = match &node.value {
                    Value::Null => Vec::new(),
                    _ => settings(cx, node),
                };
                networks.push(NetworkAttachment { name: key.text.clone(), aliases, ipv4: None });
            }
        }
        _ => {
            cx.reject(node, "a list of networks", "a list of names, or \"NAME: { aliases: [...] }\"");
        }
    }
    networks.sort_by_key(|network| main.is_none_or(|main| main.as_str() != network.name));
    networks
}

/// The name of a network.
pub(super) fn name(cx: &mut Context<'_>, node: &Node) -> Option<String> {
    let expected = "letters, digits, '_', '.' and '-', beginning with a letter or digit";
    let name =
        cx.checked(node, "the name of a network", expected, |text| NetworkName::parse(text).is_ok())?;
    Some(name.to_owned())
}

fn settings(cx: &mut Context<'_>, node: &Node) -> Vec<String> {
    let Some(mut fields) = Fields::open(cx, node, "networks") else { return Vec::new() };
    let mut aliases = Vec::new();
    if let Some(node) = fields.take(cx, "aliases") {
        for item in cx.one_or_list(node, "an alias", "a list of host names").unwrap_or_default() {
            let alias = cx.checked(
                item,
                "a host name",
                "letters, digits, '-', '_' and '.'",
                super::host::is_host_name,
            );
            aliases.extend(alias.map(str::to_owned));
        }
    }
    for key in ["ipv4_address", "ipv6_address", "mac_address"] {
        fields.refuse(
            cx,
            key,
            "blue and green run side by side and cannot share one address",
            "let Docker choose the address, and reach the app by its name",
        );
    }
    fields.close(cx);
    aliases
}
