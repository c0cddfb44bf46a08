use std::time::Duration;

use super::context::Context;
use super::fields::Fields;
use super::host::{is_plain_path, is_server_name};
use super::node::Node;
use crate::model::{ContainerName, NginxProxy, NginxRoute, ProxyConfig, ServerBlock, TlsFiles, UpstreamName};

/// What nginx itself would take as the largest body is 1 MiB, which surprises everybody once.
const MAX_BODY: u64 = 10 << 20;
/// nginx's own default.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads `proxy`.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Option<ProxyConfig> {
    let node = fields.require(cx, "proxy", "nginx: { container, config_dir, upstream }")?;
    let mut fields = Fields::open(cx, node, "proxy")?;
    let remedy = "put nginx in front of the app, and write \"nginx:\" here";
    fields.refuse(cx, "traefik", "Traefik is not in this version yet", remedy);
    let traefik = fields.span_of("traefik").is_some();
    let node =
        if traefik { fields.take(cx, "nginx") } else { fields.require(cx, "nginx", "the proxy's settings") };
    let nginx = node.and_then(|node| nginx(cx, node));
    fields.close(cx);
    nginx.map(ProxyConfig::Nginx)
}

fn nginx(cx: &mut Context<'_>, node: &Node) -> Option<NginxProxy> {
    let mut fields = Fields::open(cx, node, "proxy.nginx")?;
    let container =
        fields.require(cx, "container", "the name of the container in which nginx runs").and_then(|node| {
            let expected = "letters, digits, '_', '.' and '-', beginning with a letter or digit";
            cx.parsed(node, "the name of a container", expected, |text| ContainerName::parse(text).ok())
        });
    let expected = "a folder inside that container, as in /etc/nginx/conf.d";
    let config_dir = fields.require(cx, "config_dir", expected).and_then(|node| {
        let expected = "an absolute path of letters, digits, '/', '.', '_' and '-', as in /etc/nginx/conf.d";
        cx.checked(node, "a folder", expected, |text| {
            is_plain_path(text) && !text.trim_end_matches('/').is_empty()
        })
    });
    let upstream = fields.take(cx, "upstream");
    let server = fields.take(cx, "server");
    let route = match (upstream, server) {
        (Some(node), None) => {
            let expected = "1 to 63 letters, digits, '_', '.' and '-', beginning with a letter";
            let name =
                cx.parsed(node, "the name of an upstream", expected, |text| UpstreamName::parse(text).ok());
            name.map(NginxRoute::Upstream)
        }
        (None, Some(node)) => server_block(cx, node).map(NginxRoute::Server),
        (Some(_), Some(node)) => {
            let span = fields.span_of("server").unwrap_or(node.span);
            cx.problems
                .add(span, "\"upstream\" and \"server\" exclude each other in proxy.nginx")
                .hint("keep upstream if you write the server block yourself, or server to let bgd write it");
            None
        }
        (None, None) => {
            let missing = fields.span();
            cx.problems
                .add(missing, "\"upstream\" or \"server\" is missing in proxy.nginx")
                .expected("upstream: NAME if you write the server block yourself, or server: { host: … }");
            None
        }
    };
    let template = fields.take(cx, "template").map(|node| read_template(cx, node));
    fields.close(cx);
    let template = match template {
        Some(read) => Some(read?),
        None => None,
    };
    let config_dir = config_dir?.trim_end_matches('/').to_owned();
    Some(NginxProxy { container: container?, config_dir, route: route?, template })
}

fn server_block(cx: &mut Context<'_>, node: &Node) -> Option<ServerBlock> {
    let mut fields = Fields::open(cx, node, "proxy.nginx.server")?;
    let expected = "a host name such as api.example.com or *.example.com, or a list of them";
    let mut hosts: Vec<String> = Vec::new();
    if let Some(node) = fields.require(cx, "host", expected) {
        let items = cx.one_or_list(node, "a host name", expected).unwrap_or_default();
        if items.is_empty() && matches!(&node.value, super::node::Value::List(_)) {
            cx.problems.add(node.span, "the list of hosts is empty").expected(expected);
        }
        for item in items {
            let Some(host) = cx.checked(item, "a host name", expected, is_server_name) else { continue };
            let host = host.to_ascii_lowercase();
            if hosts.contains(&host) {
                cx.problems.add(item.span, "this host stands here a second time");
            } else {
                hosts.push(host);
            }
        }
    }
    let tls = fields.take(cx, "tls").map(|node| tls_files(cx, node));
    let default = if tls.is_some() { 443 } else { 80 };
    let listen = fields.take(cx, "listen").map(|node| cx.number(node, "a port", 1, u16::MAX));
    let max_body =
        fields.take(cx, "max_body").map(|node| cx.bytes(node).and_then(|bytes| u64::try_from(bytes).ok()));
    let read_timeout = fields.take(cx, "read_timeout").map(|node| cx.positive_duration(node));
    fields.close(cx);
    Some(ServerBlock {
        hosts,
        listen: listen.unwrap_or(Some(default))?,
        max_body: max_body.unwrap_or(Some(MAX_BODY))?,
        read_timeout: read_timeout.unwrap_or(Some(READ_TIMEOUT))?,
        tls: match tls {
            Some(tls) => Some(tls?),
            None => None,
        },
    })
}

fn tls_files(cx: &mut Context<'_>, node: &Node) -> Option<TlsFiles> {
    let mut fields = Fields::open(cx, node, "proxy.nginx.server.tls")?;
    let mut file = |cx: &mut Context<'_>, name| {
        let node = fields.require(cx, name, "the path of a PEM file inside nginx's container")?;
        let expected = "an absolute path of letters, digits, '/', '.', '_' and '-'";
        cx.checked(node, "the path of a file", expected, is_plain_path).map(str::to_owned)
    };
    let (certificate, key) = (file(cx, "certificate"), file(cx, "key"));
    fields.close(cx);
    Some(TlsFiles { certificate: certificate?, key: key? })
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
