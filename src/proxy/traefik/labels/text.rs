use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use serde::Serialize;

use super::CarrierKind;
use super::carrier::{Carrier, Made, id};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, TraefikProxy, TraefikRouter};
use crate::proxy::Target;
use crate::proxy::traefik::names;
use crate::template::Templates;

/// The request header that leads to the marker's router: `APP@docker` for the live carrier, [`Carrier::id`] for one of
/// its own.
pub const MARKER_HEADER: &str = "X-Bgd-Marker";
/// The header of the marker's answer that names the release.
pub const RELEASE_HEADER: &str = "X-Bgd-Release";
/// The header of the marker's answer that names the slot.
pub const SLOT_HEADER: &str = "X-Bgd-Slot";
/// The header of the marker's answer that is [`Carrier::generation`].
pub const GENERATION_HEADER: &str = "X-Bgd-Generation";

/// Stands for what [`MARKER_HEADER`] has to say.
pub(super) const ASKED: &str = "\u{0}";

const TEMPLATE: &str = include_str!("../../../../templates/traefik/labels.txt");
const NAME: &str = "labels.txt";
/// So far above the user's own router is the marker's. Traefik takes priorities up to 2^31-1001 on 32 bits.
const MARKER_ABOVE: i64 = 1_000_000_000;

/// Where the marker is asked.
pub(super) struct MarkerDoor {
    /// The name of the entry point.
    pub entrypoint: String,
    /// The rule that a request meets there, with [`ASKED`] for the word that it asks by.
    pub asked_by: String,
    /// Whether the entry point takes TLS.
    pub tls: bool,
}

/// Renders and checks the labels of carriers.
pub(super) struct Writer {
    app: AppName,
    router: TraefikRouter,
    template: Templates,
    door: Option<MarkerDoor>,
    /// Labels that every carrier has beside those of the template.
    own: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Values<'a> {
    id: &'a str,
    app: &'a str,
    release: u32,
    slot: &'a str,
    generation: &'a str,
    rule: &'a str,
    marker_rule: &'a str,
    entrypoints: String,
    middlewares: String,
    tls: Option<Tls<'a>>,
    marker_entrypoints: String,
    marker_tls: Option<Tls<'a>>,
    priority: i64,
    marker_priority: i64,
    url: &'a str,
    host: &'a str,
    port: u16,
}

#[derive(Clone, Copy, Serialize)]
struct Tls<'a> {
    resolver: Option<&'a str>,
    options: Option<&'a str>,
}

impl Writer {
    pub(super) fn new(app: &App, proxy: &TraefikProxy, kind: CarrierKind) -> Result<Self> {
        let template = Templates::new(&[(NAME, proxy.template.as_deref().unwrap_or(TEMPLATE))])?;
        let router = proxy.router.clone();
        let tls = router.tls.iter().flat_map(|tls| [&tls.resolver, &tls.options]).flatten();
        let lists = router.entrypoints.iter().chain(&router.middlewares);
        for text in std::iter::once(&router.rule).chain(lists).chain(tls) {
            if text.trim().is_empty() || text.contains(char::is_control) {
                let message = format!("{text:?} of the router of {} cannot stand in a label", app.name);
                return Err(Error::new(Kind::Config, message)
                    .hint("write it in one line, without control characters"));
            }
        }
        if let Some(name) =
            router.entrypoints.iter().chain(&router.middlewares).find(|name| name.contains(','))
        {
            return Err(Error::new(
                Kind::Config,
                format!("{name:?} is no name of Traefik's: it holds a comma"),
            ));
        }
        let mut own = app.container.labels.clone();
        if kind.stays() {
            own.insert("traefik.docker.allownonrunning".to_owned(), "true".to_owned());
        }
        Ok(Self { app: app.name.clone(), router, template, door: None, own })
    }

    /// Has the marker's router at this entry point only, in plain or over TLS, and by a rule that asks for what is in
    /// [`MARKER_HEADER`] of a request from Traefik's own network namespace.
    pub(super) fn set_door(&mut self, door: MarkerDoor) {
        self.door = Some(door);
    }

    /// The priority that the user asks for, or what Traefik makes of the rule.
    pub(super) fn base(&self) -> i64 {
        self.router
            .priority
            .map_or_else(|| i64::try_from(self.router.rule.len()).unwrap_or(i64::MAX), i64::from)
    }

    /// What a carrier to this target is recognised by, whatever its number and priority.
    pub(super) fn generation(&self, target: &Target) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        for (key, value) in self.labels(target, 0, 0, "")? {
            hasher.write(format!("{key}={value}\n").as_bytes());
        }
        // A change of the priority alone is a change, too.
        hasher.write(&self.base().to_le_bytes());
        Ok(format!("{:016x}", hasher.finish()))
    }

    /// The carrier to a target, not made yet.
    pub(super) fn write(&self, target: &Target, sequence: u64, priority: i64) -> Result<Carrier> {
        let generation = self.generation(target)?;
        let labels = self.labels(target, sequence, priority, &generation)?;
        let Target { slot, release, .. } = *target;
        let made = Made { release, slot, sequence, priority, base: self.base(), generation };
        Ok(Carrier::new(&self.app, made, labels))
    }

    fn labels(
        &self,
        target: &Target,
        sequence: u64,
        priority: i64,
        generation: &str,
    ) -> Result<BTreeMap<String, String>> {
        let Self { app, router, .. } = self;
        let id = id(app, target.release, sequence);
        let url = format!("http://{}:{}", target.release_host, target.port);
        let asked = |what: &str| match &self.door {
            Some(door) => door.asked_by.replace(ASKED, what),
            None => format!("Header(`{MARKER_HEADER}`, `{what}`)"),
        };
        let marker_rule =
            format!("({}) && ({} || {})", router.rule, asked(&names::carriers(app)), asked(&id));
        let tls = router
            .tls
            .as_ref()
            .map(|tls| Tls { resolver: tls.resolver.as_deref(), options: tls.options.as_deref() });
        let entrypoints = router.entrypoints.join(",");
        let text = self.template.render(
            NAME,
            &Values {
                id: &id,
                app: app.as_str(),
                release: target.release.0,
                slot: target.slot.as_str(),
                generation,
                rule: &router.rule,
                marker_rule: &marker_rule,
                marker_entrypoints: match &self.door {
                    Some(door) => door.entrypoint.clone(),
                    None => entrypoints.clone(),
                },
                entrypoints,
                middlewares: router.middlewares.join(","),
                marker_tls: tls.filter(|_| self.door.as_ref().is_none_or(|door| door.tls)),
                tls,
                priority,
                marker_priority: priority.saturating_add(MARKER_ABOVE),
                url: &url,
                host: &target.release_host,
                port: target.port,
            },
        )?;
        let mut labels = parse(&text)?;
        let needed = Needed { id: &id, rule: &router.rule, marker_rule: &marker_rule, priority, url: &url };
        needed.check(&labels)?;
        let header = |name: &str, value: &str| {
            let key = format!("traefik.http.middlewares.{id}_marker.headers.customresponseheaders.{name}");
            has(&labels, &key, value)
        };
        header(RELEASE_HEADER, &target.release.to_string())?;
        header(SLOT_HEADER, target.slot.as_str())?;
        header(GENERATION_HEADER, generation)?;
        labels.extend(self.own.clone());
        Ok(labels)
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((key, value)) = line.split_once('=') else {
            return Err(wrong(format!("{line:?} is no key=value")));
        };
        let (key, value) = (key.trim(), value.trim());
        if !key.starts_with("traefik.") {
            return Err(wrong(format!("{key:?} does not begin with \"traefik.\""))
                .hint("labels of other kinds belong under  labels:  of the configuration"));
        }
        if labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(wrong(format!("{key} stands there twice")));
        }
    }
    Ok(labels)
}

/// What a user's template has to keep, or a switch would go wrong without a word of Traefik's.
struct Needed<'a> {
    id: &'a str,
    rule: &'a str,
    marker_rule: &'a str,
    priority: i64,
    url: &'a str,
}

impl Needed<'_> {
    fn check(&self, labels: &BTreeMap<String, String>) -> Result<()> {
        let Self { id, .. } = self;
        has(labels, "traefik.enable", "true")?;
        has(labels, &format!("traefik.http.services.{id}.loadbalancer.server.url"), self.url)?;
        let marker = format!("{id}_marker");
        let above = self.priority.saturating_add(MARKER_ABOVE);
        for (name, rule, priority) in [(*id, self.rule, self.priority), (&marker, self.marker_rule, above)] {
            let router = format!("traefik.http.routers.{name}");
            has(labels, &format!("{router}.rule"), rule)?;
            has(labels, &format!("{router}.priority"), &priority.to_string())?;
            has(labels, &format!("{router}.service"), id)?;
        }
        let chain = format!("traefik.http.routers.{marker}.middlewares");
        let first = labels.get(&chain).and_then(|chain| chain.split(',').next()).map(str::trim);
        if first != Some(&marker) {
            return Err(wrong(format!("{chain} does not begin with {marker}")));
        }
        // What two carriers define under one name is dropped, or mixed.
        for key in labels.keys() {
            let mut parts = key.split('.').skip(1);
            let (Some(_), Some("routers" | "services" | "middlewares" | "serverstransports"), Some(name)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            if name != *id && !name.starts_with(&format!("{id}_")) {
                return Err(wrong(format!("{key}: the name {name:?} is the same for every carrier"))
                    .hint("name what the template defines {{ id }}, or {{ id }}_ and a word"));
            }
            if parts.next() == Some("priority") && !key.contains(&format!(".{id}.")) && name != marker {
                let fits = labels[key].parse::<i64>().is_ok_and(|own| own >= self.priority);
                if !fits {
                    return Err(wrong(format!("{key} does not rise with each carrier"))
                        .hint("write {{ priority }} there, or {{ priority + 1 }}"));
                }
            }
        }
        Ok(())
    }
}

fn has(labels: &BTreeMap<String, String>, key: &str, value: &str) -> Result<()> {
    match labels.get(key) {
        Some(found) if found == value => Ok(()),
        Some(found) => Err(wrong(format!("{key} is {found:?} and has to be {value:?}"))),
        None => Err(wrong(format!("{key}={value} is missing"))),
    }
}

fn wrong(what: String) -> Error {
    Error::new(Kind::Config, format!("the template of the labels: {what}"))
        .hint("proxy.traefik.template has to keep what bgd needs: begin with a copy of templates/traefik/labels.txt")
}
