use std::time::Duration;

use super::{container, folder, several, template};
use crate::config::context::Context;
use crate::config::fields::Fields;
use crate::config::host::{is_plain_path, is_server_name};
use crate::config::node::Node;
use crate::model::{NginxProxy, NginxRoute, ServerBlock, TlsFiles, UpstreamName};

/// What nginx itself would take as the largest body is 1 MiB, which surprises everybody once.
const MAX_BODY: u64 = 10 << 20;
/// nginx's own default.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads `proxy.nginx`.
pub(super) fn read(cx: &mut Context<'_>, node: &Node) -> Option<NginxProxy> {
    let mut fields = Fields::open(cx, node, "proxy.nginx")?;
    let container = container(cx, &mut fields, "nginx");
    let expected = "a folder inside that container, as in /etc/nginx/conf.d";
    let config_dir =
        fields.require(cx, "config_dir", expected).and_then(|node| folder(cx, node, "/etc/nginx/conf.d"));
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
            let mistyped = fields.resembles("upstream") || fields.resembles("server");
            let missing = fields.span();
            if !mistyped {
                cx.problems.add(missing, "\"upstream\" or \"server\" is missing in proxy.nginx").expected(
                    "upstream: NAME if you write the server block yourself, or server: { host: … }",
                );
            }
            None
        }
    };
    let template = template(cx, &mut fields);
    fields.close(cx);
    Some(NginxProxy { container: container?, config_dir: config_dir?, route: route?, template: template? })
}

fn server_block(cx: &mut Context<'_>, node: &Node) -> Option<ServerBlock> {
    let mut fields = Fields::open(cx, node, "proxy.nginx.server")?;
    let expected = "a host name such as api.example.com or *.example.com, or a list of them";
    let hosts = fields.require(cx, "host", expected).map(|node| {
        several(cx, node, ("a host name", "hosts"), expected, |text| {
            is_server_name(text).then(|| text.to_ascii_lowercase())
        })
    });
    let tls = fields.take(cx, "tls").map(|node| tls_files(cx, node));
    let default = if tls.is_some() { 443 } else { 80 };
    let listen = fields.take(cx, "listen").map(|node| cx.number(node, "a port", 1, u16::MAX));
    let max_body =
        fields.take(cx, "max_body").map(|node| cx.bytes(node).and_then(|bytes| u64::try_from(bytes).ok()));
    let read_timeout = fields.take(cx, "read_timeout").map(|node| cx.positive_duration(node));
    fields.close(cx);
    Some(ServerBlock {
        hosts: hosts?,
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
