use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::model::{AppName, ReleaseNumber, Slot, TraefikProxy, TraefikRouter};
use crate::proxy::{Live, Target};
use crate::template::{Templates, fingerprint};

use super::door::{self, Door};
use super::names;
use super::settings::{Settings, from_yaml};

const FILE: &str = include_str!("../../../templates/traefik/file.yml");

/// What stands in a text before its generation is known.
const NO_GENERATION: &str = "0000000000000000";
/// Begins the line by which a text that was put back differs from what it was.
const STAMP: &str = "# Put back in place of ";
/// Above the priorities that people give, below what Traefik keeps for itself on every platform.
const PRIORITY: u32 = 2_000_000_000;
/// After how long an idle connection to a release is closed.
pub const IDLE: &str = "1s";

/// What a template may use.
#[derive(Debug, Serialize)]
struct Context {
    app: String,
    slot: Slot,
    release: u32,
    generation: String,
    router: Router,
    marker: Marker,
    service: Service,
    transport: Transport,
}

#[derive(Debug, Serialize)]
struct Router {
    name: String,
    rule: String,
    entrypoints: Vec<String>,
    tls: Option<crate::model::TraefikTls>,
    middlewares: Vec<String>,
    priority: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Marker {
    name: String,
    /// Whether clients come by TLS.
    https: bool,
    router: Option<MarkerRouter>,
}

#[derive(Debug, Serialize)]
struct MarkerRouter {
    rule: String,
    entrypoint: String,
    /// Over TLS the marker takes it as the route does: Traefik gives routers of one host that differ the default options.
    tls: Option<crate::model::TraefikTls>,
    priority: u32,
}

#[derive(Debug, Serialize)]
struct Service {
    name: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct Transport {
    name: String,
    idle: &'static str,
    max_idle: Option<u32>,
    dial: Option<String>,
    response_header: Option<String>,
}

/// What a text of bgd's says about itself, in its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The slot and the release that get the requests.
    pub live: Live,
    /// The router that everybody's requests take.
    pub router: String,
    /// The middleware that tells the release.
    pub marker: String,
    /// The service of the release.
    pub service: String,
    /// The server of that service.
    pub url: String,
    /// Tells one text from another.
    pub generation: String,
    /// What a request has to say in `X-Bgd-Marker` to be answered by this route and by no other.
    pub asked: String,
}

/// The header of the marker's answer that is set behind all other middlewares: only what comes from the service has it.
pub const APP_HEADER: &str = "x-bgd-from";

/// The rule of the marker router. Only Traefik's own network namespace can ask it: whoever comes from elsewhere has
/// another address, so that neither the header nor an entry point without TLS opens a way around the user's own.
pub fn marker_rule(app: &AppName, rule: &str, door: &Door, settings: &Settings) -> String {
    format!("({rule}) && {}", asked_at(door, settings, app.as_str()))
}

/// What a request to the marker has: it comes from Traefik's own network namespace and says what it asks for.
pub fn asked_at(door: &Door, settings: &Settings, what: &str) -> String {
    let header = if settings.rule_syntax.as_deref() == Some("v2") { "Headers" } else { "Header" };
    format!("ClientIP(`{}`) && {header}(`X-Bgd-Marker`, `{what}`)", door.at.ip())
}

/// The priority of the marker router.
pub fn marker_priority(router: &TraefikRouter) -> u32 {
    router.priority.map_or(PRIORITY, |own| own.saturating_add(1).max(PRIORITY))
}

/// The server of a release: a name that Docker's DNS resolves at every dial, so that it survives a change of address.
pub fn url(target: &Target) -> String {
    format!("http://{}:{}", target.release_host, target.port)
}

/// The file that routes to a release.
///
/// # Errors
/// Of the kind `Config`, when the user's template does not render, or what it renders lacks what bgd needs.
pub fn render(
    app: &AppName,
    proxy: &TraefikProxy,
    target: &Target,
    settings: &Settings,
    door: Option<&Door>,
) -> Result<String> {
    let name = if proxy.template.is_some() { "proxy.traefik.template" } else { "file.yml" };
    let templates = Templates::new(&[(name, proxy.template.as_deref().unwrap_or(FILE))])?;
    let mut context = context(app, proxy, target, settings, door);
    context.generation = fingerprint(templates.render(name, &context)?.trim());
    let body = templates.render(name, &context)?;
    let body = body.trim();
    check(&context, body).map_err(|what| {
        Error::new(Kind::Config, format!("what the template {name} renders {what}"))
            .detail("it renders", body)
            .hint("begin with the built-in template and change that")
    })?;
    let Context { slot, release, service, generation, .. } = &context;
    Ok(format!(
        "# bgd app={app} live={slot} release={release} service={} url={} generation={generation}\n\
         # Written by bgd at every switch: what is changed here by hand is lost.\n{body}\n",
        service.name, service.url
    ))
}

fn context(
    app: &AppName,
    proxy: &TraefikProxy,
    target: &Target,
    settings: &Settings,
    door: Option<&Door>,
) -> Context {
    let router = &proxy.router;
    let option = |name: &str| settings.options.get(&format!("serverstransport.{name}")).cloned();
    Context {
        app: app.to_string(),
        slot: target.slot,
        release: target.release.0,
        generation: NO_GENERATION.to_owned(),
        router: Router {
            name: names::router(app),
            rule: router.rule.clone(),
            entrypoints: router.entrypoints.clone(),
            tls: router.tls.clone(),
            middlewares: router.middlewares.clone(),
            priority: router.priority,
        },
        marker: Marker {
            name: names::marker(app),
            https: router.tls.is_some() || door::own_entrypoints(settings, router).iter().any(|own| own.tls),
            router: door.map(|door| MarkerRouter {
                rule: marker_rule(app, &router.rule, door, settings),
                entrypoint: door.entrypoint.clone(),
                tls: router.tls.clone().filter(|_| door.tls),
                priority: marker_priority(router),
            }),
        },
        service: Service { name: names::service(app, target.release), url: url(target) },
        transport: Transport {
            name: names::transport(app),
            idle: IDLE,
            // A transport of its own does not take these over from the static configuration.
            max_idle: option("maxidleconnsperhost").and_then(|number| number.parse().ok()),
            dial: option("forwardingtimeouts.dialtimeout"),
            response_header: option("forwardingtimeouts.responseheadertimeout"),
        },
    }
}

/// Says what is wrong with a rendered text before Traefik sees it, which only logs what it does not take.
fn check(context: &Context, body: &str) -> Result<(), String> {
    let plain = body.replace("{{\"{{\"}}", "{ {");
    if plain.contains("{{") {
        // A Go template of the user's own: only Traefik knows what becomes of it.
        return Ok(());
    }
    let Some(pairs) = from_yaml(&plain) else { return Err("is not valid YAML".to_owned()) };
    let is = |key: String, value: &str| pairs.get(&key).is_some_and(|found| found == value);
    let service = &context.service.name;
    let mut routers = vec![&context.router.name];
    routers.extend(context.marker.router.is_some().then_some(&context.marker.name));
    for router in routers {
        if !is(format!("http.routers.{router}.service"), service) {
            return Err(format!("has no router {router} with the service {service}"));
        }
    }
    if !is(format!("http.services.{service}.loadbalancer.servers[0].url"), &context.service.url) {
        return Err(format!("has no service {service} with the server {}", context.service.url));
    }
    let header =
        format!("http.middlewares.{}.headers.customresponseheaders.x-bgd-generation", context.marker.name);
    if !is(header, &context.generation) {
        return Err(format!("has no middleware {} that tells the generation", context.marker.name));
    }
    Ok(())
}

/// Whether a text of bgd's is not as bgd wrote it: its generation is a fingerprint of what comes below its two first
/// lines.
pub fn is_edited(published: &Published, text: &str) -> bool {
    fingerprint(&body(text).replace(&published.generation, NO_GENERATION)) != published.generation
}

/// A former text with a generation that it has not had yet. Traefik may still be about to take what was written since, and
/// then the former generation, which it still serves, proves nothing; an answer with the new one comes after all that.
pub fn put_back(app: &AppName, former: &str, now: &str) -> String {
    let (Some(was), Some(replaced)) = (published(app, former), published(app, now)) else {
        return former.to_owned();
    };
    if is_edited(&was, former) {
        // Somebody's own change is theirs to be told of.
        return former.to_owned();
    }
    let plain = unstamped(&was, former);
    let stamped = format!("{}\n{STAMP}{}\n", plain.trim_end(), replaced.generation);
    let generation = fingerprint(body(&stamped));
    stamped.replace(NO_GENERATION, &generation)
}

/// Whether two texts are the same but for having been put back.
pub fn is_same(app: &AppName, one: &str, other: &str) -> bool {
    let plain = |text| published(app, text).map(|published| unstamped(&published, text));
    one == other || plain(one).is_some_and(|one| plain(other) == Some(one))
}

/// A text without its generation and without the line that tells that it was put back.
fn unstamped(published: &Published, text: &str) -> String {
    let text = text.replace(&published.generation, NO_GENERATION);
    text.lines().filter(|line| !line.starts_with(STAMP)).flat_map(|line| [line, "\n"]).collect()
}

/// What comes below the two first lines.
fn body(text: &str) -> &str {
    text.splitn(3, '\n').nth(2).unwrap_or_default().trim()
}

/// Reads the first line of a text; `None` when it is not one of bgd's for this app.
pub fn published(app: &AppName, text: &str) -> Option<Published> {
    let mut words =
        text.lines().next()?.strip_prefix("# bgd ")?.split(' ').filter_map(|word| word.split_once('='));
    let pairs: Vec<(&str, &str)> = words.by_ref().collect();
    let value = |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    if value("app") != Some(app.as_str()) {
        return None;
    }
    Some(Published {
        live: Live {
            slot: Slot::parse(value("live")?)?,
            release: value("release").and_then(|number| number.parse().ok()).map(ReleaseNumber),
        },
        router: names::router(app),
        marker: names::marker(app),
        service: value("service")?.to_owned(),
        url: value("url")?.to_owned(),
        generation: value("generation")?.to_owned(),
        asked: app.to_string(),
    })
}
