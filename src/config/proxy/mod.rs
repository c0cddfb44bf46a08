//! `proxy`: which one stands in front of the app, and what all of them have in common.

mod nginx;
mod rule;
mod traefik;

use std::collections::BTreeMap;

use super::context::{Context, quoted};
use super::fields::Fields;
use super::host::is_plain_path;
use super::node::{Node, Span, Value};
use crate::model::{ContainerName, ProxyConfig};

/// Reads `proxy`.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Option<ProxyConfig> {
    let node = fields.require(cx, "proxy", "nginx: { … } or traefik: { … }")?;
    let mut fields = Fields::open(cx, node, "proxy")?;
    let nginx = one(cx, &mut fields, "nginx");
    let traefik = one(cx, &mut fields, "traefik");
    let there = fields.span_of("nginx").is_some() || fields.span_of("traefik").is_some();
    if !there && !fields.resembles("nginx") && !fields.resembles("traefik") {
        cx.problems
            .add(fields.span(), "\"nginx\" or \"traefik\" is missing in proxy")
            .expected("nginx: { container, config_dir, … } or traefik: { container, mode, rule, … }");
    }
    if let (Some(_), Some(span)) = (fields.span_of("nginx"), fields.span_of("traefik")) {
        cx.problems
            .add(span, "\"nginx\" and \"traefik\" exclude each other in proxy")
            .hint("keep the one that requests to the app come through");
    }
    fields.close(cx);
    let nginx = nginx.and_then(|node| nginx::read(cx, node)).map(ProxyConfig::Nginx);
    let traefik = traefik.and_then(|node| traefik::read(cx, node)).map(ProxyConfig::Traefik);
    nginx.or(traefik)
}

/// Refuses labels of the app by which the proxy itself would route to its containers.
pub(super) fn check_labels(
    cx: &mut Context<'_>,
    proxy: Option<&ProxyConfig>,
    labels: &BTreeMap<String, String>,
    span: Span,
) {
    if let Some(ProxyConfig::Traefik(_)) = proxy {
        traefik::check_labels(cx, labels, span);
    }
}

/// The settings of one proxy. Its key may be absent, but must not be empty.
fn one<'n>(cx: &mut Context<'_>, fields: &mut Fields<'n>, name: &'static str) -> Option<&'n Node> {
    match fields.span_of(name) {
        Some(_) => fields.require(cx, name, "the proxy's settings"),
        None => fields.take(cx, name),
    }
}

/// Reads `container`, in which the proxy named runs.
fn container(cx: &mut Context<'_>, fields: &mut Fields<'_>, proxy: &str) -> Option<ContainerName> {
    let node =
        fields.require(cx, "container", &format!("the name of the container in which {proxy} runs"))?;
    let expected = "letters, digits, '_', '.' and '-', beginning with a letter or digit";
    cx.parsed(node, "the name of a container", expected, |text| ContainerName::parse(text).ok())
}

/// The path of a folder inside the proxy's container, without a slash at its end.
fn folder(cx: &mut Context<'_>, node: &Node, example: &str) -> Option<String> {
    let expected = format!("an absolute path of letters, digits, '/', '.', '_' and '-', as in {example}");
    let path = cx.checked(node, "a folder", &expected, |text| {
        is_plain_path(text) && !text.trim_end_matches('/').is_empty()
    })?;
    Some(path.trim_end_matches('/').to_owned())
}

/// Reads one value or a list of them, none of them twice.
fn several(
    cx: &mut Context<'_>,
    node: &Node,
    (noun, plural): (&str, &str),
    expected: &str,
    parse: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let items = cx.one_or_list(node, noun, expected).unwrap_or_default();
    if items.is_empty() && matches!(&node.value, Value::List(_)) {
        cx.problems.add(node.span, format!("the list of {plural} is empty")).expected(expected);
    }
    let mut read: Vec<String> = Vec::new();
    for item in items {
        let Some(value) = cx.parsed(item, noun, expected, &parse) else { continue };
        if read.contains(&value) {
            cx.problems.add(item.span, format!("{} stands here a second time", quoted(&value)));
        } else {
            read.push(value);
        }
    }
    read
}

/// Reads `template`. The outer `None` says that something was wrong with it.
fn template(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Option<Option<String>> {
    match fields.take(cx, "template") {
        Some(node) => read_template(cx, node).map(Some),
        None => Some(None),
    }
}

fn read_template(cx: &mut Context<'_>, node: &Node) -> Option<String> {
    let path = cx.file(node)?;
    let text = (cx.read_file)(&path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8 text"))
    });
    match text {
        Ok(text) if text.trim().is_empty() => {
            cx.problems.add(node.span, "the template is empty");
            None
        }
        Ok(text) => Some(text),
        Err(error) => {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            cx.problems
                .add(node.span, format!("cannot read the template: {why}"))
                .hint("paths are relative to the folder of the configuration");
            None
        }
    }
}
