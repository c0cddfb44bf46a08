use std::collections::BTreeMap;

use super::rule;
use super::{container, folder, several, template};
use crate::config::context::{Context, quoted};
use crate::config::fields::Fields;
use crate::config::node::{Node, Span, Value};
use crate::model::{TraefikMode, TraefikProxy, TraefikRouter, TraefikTls};

/// Far above what Traefik itself takes, which is the length of the rule.
const HIGHEST_PRIORITY: u32 = 1_000_000;

/// What `mode` says.
#[derive(Clone, Copy)]
enum Mode {
    File,
    Labels,
}

/// Reads `proxy.traefik`.
pub(super) fn read(cx: &mut Context<'_>, node: &Node) -> Option<TraefikProxy> {
    let mut fields = Fields::open(cx, node, "proxy.traefik")?;
    let container = container(cx, &mut fields, "Traefik");
    let mode = mode(cx, &mut fields);
    let router = router(cx, &mut fields);
    let template = template(cx, &mut fields);
    fields.close(cx);
    Some(TraefikProxy { container: container?, mode: mode?, router: router?, template: template? })
}

/// Reads `mode`, and `dynamic_dir` which belongs to one of them.
fn mode(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Option<TraefikMode> {
    let modes = [("file", Mode::File), ("labels", Mode::Labels)];
    let expected =
        "file if Traefik reads a folder of files (the better choice), labels if it has only Docker's labels";
    let mode = fields.require(cx, "mode", expected);
    let mode = mode.and_then(|node| cx.choice(node, "a mode", &modes));
    if let Some(Mode::Labels) = mode {
        let why = "in the mode \"labels\" Traefik reads the route from Docker, and no file is written";
        fields.refuse(cx, "dynamic_dir", why, "remove it, or write \"mode: file\"");
        return Some(TraefikMode::Labels);
    }
    let expected =
        "the folder inside that container which providers.file.directory names, as in /etc/traefik/dynamic";
    let dynamic_dir = match mode {
        Some(Mode::File) => fields.require(cx, "dynamic_dir", expected),
        // Not known to be missing while the mode is not known.
        _ => fields.take(cx, "dynamic_dir"),
    };
    let dynamic_dir = dynamic_dir.and_then(|node| folder(cx, node, "/etc/traefik/dynamic"));
    mode.and(dynamic_dir).map(|dynamic_dir| TraefikMode::File { dynamic_dir })
}

fn router(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Option<TraefikRouter> {
    let rule = fields.require(cx, "rule", "a rule of Traefik's, as in Host(`api.example.com`)");
    let rule = rule.and_then(|node| read_rule(cx, node));
    let expected = "letters, digits, '-', '_' and '.', as in web; one or a list";
    let entrypoints = fields.take(cx, "entrypoints").map(|node| {
        several(cx, node, ("the name of an entry point", "entry points"), expected, |text| {
            is_name(text).then(|| text.to_owned())
        })
    });
    let expected = "letters, digits, '-', '_' and '.', with '@' and the provider behind it, as in auth@file; one or a list";
    let middlewares = fields.take(cx, "middlewares").map(|node| {
        several(cx, node, ("the name of a middleware", "middlewares"), expected, |text| {
            is_reference(text).then(|| text.to_owned())
        })
    });
    let tls = fields.take(cx, "tls").map(|node| tls(cx, node));
    let priority = fields.take(cx, "priority").map(|node| cx.number(node, "a priority", 1, HIGHEST_PRIORITY));
    Some(TraefikRouter {
        rule: rule?,
        entrypoints: entrypoints.unwrap_or_default(),
        tls: tls.unwrap_or(Some(None))?,
        middlewares: middlewares.unwrap_or_default(),
        priority: match priority {
            Some(priority) => Some(priority?),
            None => None,
        },
    })
}

fn read_rule(cx: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = cx.text(node, "a rule")?;
    match rule::check(text) {
        Ok(()) => Some(text.trim().to_owned()),
        Err(invalid) => {
            cx.reject(
                node,
                "a rule of Traefik's",
                "matchers and values between backticks, as in Host(`api.example.com`)",
            )
            .hint(invalid.to_string());
            None
        }
    }
}

/// `true`, `false`, or a mapping. The outer `None` says that something was wrong with it.
fn tls(cx: &mut Context<'_>, node: &Node) -> Option<Option<TraefikTls>> {
    if matches!(&node.value, Value::Scalar(_)) {
        let wanted = cx.boolean(node)?;
        return Some(wanted.then(TraefikTls::default));
    }
    let mut fields = Fields::open(cx, node, "proxy.traefik.tls")?;
    let mut name = |cx: &mut Context<'_>, key, noun, expected, accepts: fn(&str) -> bool| {
        let node = fields.take(cx, key)?;
        Some(cx.checked(node, noun, expected, accepts).map(str::to_owned))
    };
    let expected = "letters, digits, '-', '_' and '.', as in letsencrypt";
    let resolver = name(cx, "resolver", "the name of a certificate resolver", expected, is_name);
    let expected =
        "letters, digits, '-', '_' and '.', with '@' and the provider behind it, as in modern@file";
    let options = name(cx, "options", "the name of TLS options", expected, is_reference);
    fields.close(cx);
    Some(Some(TraefikTls {
        resolver: match resolver {
            Some(resolver) => Some(resolver?),
            None => None,
        },
        options: match options {
            Some(options) => Some(options?),
            None => None,
        },
    }))
}

/// Refuses labels that make a route of the app's own containers: Traefik would send requests to blue and green at once.
///
/// Labels for middlewares are fine, and so is `traefik.enable=false`. Traefik reads the names of labels without a look at
/// upper and lower case.
pub(super) fn check_labels(cx: &mut Context<'_>, labels: &BTreeMap<String, String>, span: Span) {
    for (name, value) in labels {
        let lower = name.to_ascii_lowercase();
        let mut parts = lower.split('.').skip(1);
        let routes = match (parts.next(), parts.next()) {
            (Some("enable"), None) => !value.eq_ignore_ascii_case("false"),
            (Some("http" | "tcp" | "udp"), Some("routers" | "services")) => true,
            _ => false,
        };
        if routes && lower.starts_with("traefik.") {
            cx.problems
                .add(
                    span,
                    format!(
                        "the label {} is refused: with it Traefik would route to blue and green at once",
                        quoted(name)
                    ),
                )
                .hint("remove it; bgd makes the route from proxy.traefik");
        }
    }
}

/// Whether a text can name something of Traefik's in a file, in a label and in a list of names with commas.
fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether a text is a name, or a name with its provider as in `auth@file`.
fn is_reference(text: &str) -> bool {
    match text.split_once('@') {
        Some((name, provider)) => is_name(name) && is_name(provider),
        None => is_name(text),
    }
}
