use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, NginxProxy, NginxRoute, Slot, slot_host_beside};
use crate::proxy::{Route, Target};
use crate::template::{Templates, fingerprint, forbidden_in_nginx};

use super::conf;
use super::marker::{self, MARKER, UNREADY};
use super::names::{adopted_of, authority, file_of, flag_of, undo_of, upstream_of};
use super::version::{Method, Version};

const RELOAD: &str = include_str!("../../../templates/nginx/reload.conf");
const FLAG: &str = include_str!("../../../templates/nginx/flag.conf");
const PARTS: [(&str, &str); 4] = [
    ("marker.conf", include_str!("../../../templates/nginx/marker.conf")),
    ("server.conf", include_str!("../../../templates/nginx/server.conf")),
    ("slot.conf", include_str!("../../../templates/nginx/slot.conf")),
    ("inner.conf", include_str!("../../../templates/nginx/inner.conf")),
];

/// What stands in a file before its generation is known.
pub(super) const NO_GENERATION: &str = "0000000000000000";

/// What a template of an app's file may use.
#[derive(Debug, Serialize)]
struct Context {
    app: String,
    upstream: String,
    reloads: bool,
    generation: String,
    failures: &'static str,
    servers: Vec<Server>,
    live: Option<Named>,
    idle: Option<Named>,
    slots: Vec<Flagged>,
    adopted: Option<Adopted>,
    undo: String,
    file: String,
    inner: String,
    marker: MarkerServer,
    server: Option<PublicServer>,
    layout: &'static str,
}

#[derive(Debug, Serialize)]
struct Server {
    address: String,
    resolve: bool,
    down: bool,
}

#[derive(Debug, Serialize)]
struct Named {
    slot: Slot,
    release: u32,
    host: String,
    port: u16,
}

#[derive(Debug, Serialize)]
struct Flagged {
    name: Slot,
    host: String,
    port: u16,
    flag: String,
    adopted: String,
}

/// Where the container that was adopted is found. It can be given no name of a slot's, so that the file for an older nginx
/// knows it beside the slots from the adoption on: whatever slot it stands in, the file stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// Its own name.
    pub host: String,
    /// Its port.
    pub port: u16,
}

#[derive(Debug, Serialize)]
pub(super) struct MarkerServer {
    pub(super) listen: String,
    pub(super) name: String,
}

#[derive(Debug, Serialize)]
struct PublicServer {
    hosts: Vec<String>,
    listen: u16,
    max_body: u64,
    read_timeout: u64,
    tls: Option<crate::model::TlsFiles>,
    http2: bool,
}

/// How the live release is written into the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveBy {
    /// By its name, which the running nginx has resolved already.
    Name,
    /// By its addresses, its name beside it: the step before `Name` where nginx has not resolved the name yet.
    Address,
}

/// How the file of an app for an older nginx is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As bgd wrote it at first: a server block of bgd's chooses the release when the headers of a request are there. Such a
    /// file is kept for as long as nothing else asks for a reload, which would break idle connections.
    First,
    /// An inner server chooses the release, where the connection to it is made.
    Inner,
}

/// Writes the files of one app for one nginx.
#[derive(Debug)]
pub struct Writer<'a> {
    /// The app's name.
    pub app: &'a AppName,
    /// What the configuration says about the proxy.
    pub proxy: &'a NginxProxy,
    /// How many containers a slot has.
    pub replicas: u32,
    /// The port of a slot that nobody has described.
    pub port: u16,
    /// The nginx that reads the files.
    pub version: Version,
    /// The loopback address of the app's inner server.
    pub inner: &'a str,
    /// The adopted container that the present file knows.
    pub adopted: Option<Adopted>,
}

impl<'a> Writer<'a> {
    /// Makes a writer for an app.
    pub fn new(app: &'a App, proxy: &'a NginxProxy, version: Version, inner: &'a str) -> Self {
        Self { app: &app.name, proxy, replicas: app.replicas, port: app.port, version, inner, adopted: None }
    }

    /// The name of the upstream.
    pub fn upstream(&self) -> String {
        upstream_of(self.proxy, self.app)
    }

    /// The app's file for a route.
    ///
    /// # Errors
    /// Of the kind `Config`, when the user's template does not render or lacks what bgd needs.
    pub fn app_file(&self, route: &Route, live_by: LiveBy) -> Result<String> {
        // A template of the user's that was copied before there was an inner server knows nothing of it.
        let knows_inner = self.proxy.template.as_ref().is_none_or(|text| text.contains("inner.conf"));
        self.app_file_in(if knows_inner { Layout::Inner } else { Layout::First }, route, live_by)
    }

    /// The same in one layout.
    ///
    /// # Errors
    /// As [`Writer::app_file`].
    pub fn app_file_in(&self, layout: Layout, route: &Route, live_by: LiveBy) -> Result<String> {
        let built_in = if self.reloads() { RELOAD } else { FLAG };
        let text = self.proxy.template.as_deref().unwrap_or(built_in);
        let name = if self.proxy.template.is_some() { "proxy.nginx.template" } else { "app.conf" };
        let mut all = PARTS.to_vec();
        all.push((name, text));
        let templates = Templates::new(&all)?;
        let mut context = self.context(layout, route, live_by)?;
        context.generation = fingerprint(&tidy(&templates.render(name, &context)?));
        let text = tidy(&templates.render(name, &context)?);
        if self.proxy.template.is_some() {
            self.check_own_template(&text)?;
        }
        Ok(text)
    }

    fn reloads(&self) -> bool {
        self.version.method() == Method::Reload
    }

    fn context(&self, layout: Layout, route: &Route, live_by: LiveBy) -> Result<Context> {
        let named = |target: &Target| Named {
            slot: target.slot,
            release: target.release.0,
            host: target.release_host.clone(),
            port: target.port,
        };
        let adopted = self.adopted(route);
        let context = Context {
            app: self.app.to_string(),
            upstream: self.upstream(),
            reloads: self.reloads(),
            generation: NO_GENERATION.to_owned(),
            // One server that failed is still better than none; of several, one that fails is left out for a second.
            failures: if self.replicas > 1 { "max_fails=3 fail_timeout=1s" } else { "max_fails=0" },
            servers: servers(route, live_by),
            live: route.live.as_ref().map(named),
            idle: route.idle.as_ref().map(named),
            slots: [Slot::Blue, Slot::Green].map(|slot| self.flagged(route, slot, adopted.is_some())).into(),
            adopted,
            undo: undo_of(self.proxy, self.app),
            file: file_of(self.proxy, self.app),
            inner: self.inner.to_owned(),
            marker: MarkerServer { listen: MARKER.to_string(), name: marker::name(self.app) },
            server: self.public_server(),
            layout: match layout {
                Layout::First => "first",
                Layout::Inner => "inner",
            },
        };
        check_words(&context)?;
        Ok(context)
    }

    /// The adopted container, when a release of the route is that, or the present file knows it. A template of the user's own
    /// may name the slots' hosts by itself.
    fn adopted(&self, route: &Route) -> Option<Adopted> {
        if self.reloads() || self.proxy.template.is_some() {
            return None;
        }
        let in_route = [&route.live, &route.idle].into_iter().flatten().find(|target| target.is_adopted());
        let in_route = in_route.map(|it| Adopted { host: it.release_host.clone(), port: it.port });
        in_route.or_else(|| self.adopted.clone())
    }

    fn flagged(&self, route: &Route, slot: Slot, knows_adopted: bool) -> Flagged {
        let named = |target: &&Target| !(knows_adopted && target.is_adopted());
        let known = || [&route.live, &route.idle].into_iter().flatten().filter(named);
        let target = known().find(|target| target.slot == slot);
        let other = known().find(|target| target.slot != slot).map(|target| target.slot_host.as_str());
        Flagged {
            name: slot,
            host: target.map_or_else(|| slot_host_beside(self.app, slot, other), |t| t.slot_host.clone()),
            port: target.map_or(self.port, |t| t.port),
            flag: flag_of(self.proxy, self.app, slot),
            adopted: adopted_of(self.proxy, self.app, slot),
        }
    }

    fn public_server(&self) -> Option<PublicServer> {
        match &self.proxy.route {
            NginxRoute::Upstream(_) => None,
            NginxRoute::Server(block) => Some(PublicServer {
                hosts: block.hosts.clone(),
                listen: block.listen,
                max_body: block.max_body,
                read_timeout: block.read_timeout.as_secs().max(1),
                tls: block.tls.clone(),
                http2: self.version.knows_http2_directive(),
            }),
        }
    }

    fn check_own_template(&self, text: &str) -> Result<()> {
        let directives = conf::parse(text);
        let has = |block: &conf::Directive, name: &str, arg: &str| {
            block.block.iter().any(|d| d.name == name && d.args.first().is_some_and(|a| a == arg))
        };
        let marker = directives.iter().any(|block| {
            block.name == "server"
                && has(block, "listen", &MARKER.to_string())
                && has(block, "server_name", &marker::name(self.app))
        });
        if !marker {
            return Err(Error::new(
                Kind::Config,
                "the nginx template lacks the server by which bgd verifies a switch",
            )
            .hint("add a line of its own, outside of every block:  {% include \"marker.conf\" %}"));
        }
        if self.reloads() || matches!(self.proxy.route, NginxRoute::Upstream(_)) {
            let upstream = self.upstream();
            let defined =
                directives.iter().any(|b| b.name == "upstream" && b.args.first() == Some(&upstream));
            if !defined {
                let message = format!("the nginx template defines no upstream {upstream}");
                return Err(Error::new(Kind::Config, message)
                    .hint("begin with the built-in template and change that"));
            }
        }
        Ok(())
    }
}

/// The adopted container that an app's file knows.
pub fn adopted_in(text: &str, proxy: &NginxProxy, app: &AppName) -> Option<Adopted> {
    let stands = format!("{})", adopted_of(proxy, app, Slot::Blue));
    let mut open = conf::parse(text);
    while let Some(directive) = open.pop() {
        if directive.name == "if" && directive.args.last() == Some(&stands) {
            let (host, port) = directive.block.first()?.args.last()?.rsplit_once(':')?;
            return Some(Adopted { host: host.to_owned(), port: port.parse().ok()? });
        }
        open.extend(directive.block);
    }
    None
}

fn servers(route: &Route, live_by: LiveBy) -> Vec<Server> {
    let mut servers = Vec::new();
    match &route.live {
        Some(live) => {
            let by_address = live_by == LiveBy::Address && !live.addresses.is_empty();
            if by_address {
                servers.extend(live.addresses.iter().map(|&address| Server {
                    address: authority(address, live.port),
                    resolve: false,
                    down: false,
                }));
            }
            let address = format!("{}:{}", live.release_host, live.port);
            servers.push(Server { address, resolve: true, down: by_address });
        }
        None => servers.push(Server { address: UNREADY.to_string(), resolve: false, down: false }),
    }
    if let Some(idle) = &route.idle {
        let address = format!("{}:{}", idle.release_host, idle.port);
        if !servers.iter().any(|server| server.address == address) {
            servers.push(Server { address, resolve: true, down: true });
        }
    }
    servers
}

/// Refuses every text of a context that nginx would take apart, whatever a template does with it.
fn check_words(context: &Context) -> Result<()> {
    let value =
        serde_json::to_value(context).map_err(|e| Error::new(Kind::Other, "template values").caused_by(e))?;
    let mut open = vec![("", &value)];
    while let Some((key, value)) = open.pop() {
        match value {
            serde_json::Value::Object(fields) => open.extend(fields.iter().map(|(key, v)| (key.as_str(), v))),
            serde_json::Value::Array(items) => open.extend(items.iter().map(|item| (key, item))),
            serde_json::Value::String(text) if key != "failures" => {
                if let Some(c) = forbidden_in_nginx(text) {
                    let message = format!("{key} {text:?} holds {c:?}, which has a meaning for nginx");
                    return Err(Error::new(Kind::Config, message));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Drops blank lines that conditions left behind.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut blank = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && blank) {
            out.push_str(line);
            out.push('\n');
        }
        blank = line.is_empty();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
