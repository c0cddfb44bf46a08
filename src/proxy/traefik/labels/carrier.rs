use std::collections::BTreeMap;

use super::CarrierKind;
use crate::docker::Summary;
use crate::model::{AppName, ContainerSpec, ReleaseNumber, Restart, Slot, label};
use crate::probe::helper;
use crate::proxy::traefik::names;

/// Labels by which bgd reads a carrier back, beside [`label::CARRIER`] and [`label::RELEASE`]. A carrier has neither
/// `bgd.app` nor `bgd.slot`: it is none of the app's containers.
const SLOT: &str = "bgd.carrier.slot";
const SEQUENCE: &str = "bgd.carrier.sequence";
const PRIORITY: &str = "bgd.carrier.priority";
const BASE: &str = "bgd.carrier.base";
/// The label that is [`Carrier::generation`].
pub const GENERATION: &str = "bgd.carrier.generation";

/// A container whose labels hold the route to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// The container's name, such as `api-route-r4-7`.
    pub name: String,
    /// The release to which the route leads.
    pub release: ReleaseNumber,
    /// Its slot.
    pub slot: Slot,
    /// Counts the carriers of an app.
    pub sequence: u64,
    /// The priority of the user's router.
    pub priority: i64,
    /// The priority that the configuration asks for.
    pub base: i64,
    /// Tells one route from another: equal routes have the same, whatever their priorities.
    pub generation: String,
    /// All labels of the container.
    pub labels: BTreeMap<String, String>,
    /// Whether the container runs.
    pub running: bool,
}

impl Carrier {
    /// Reads a carrier back; `None` for a container that is none of bgd's making.
    pub(super) fn read(summary: &Summary) -> Option<Self> {
        Self::of(&summary.name, summary.labels.clone(), summary.status == "running")
    }

    pub(super) fn of(name: &str, labels: BTreeMap<String, String>, running: bool) -> Option<Self> {
        let text = |key: &str| labels.get(key).map(String::as_str);
        Some(Self {
            name: name.to_owned(),
            release: ReleaseNumber(text(label::RELEASE)?.parse().ok()?),
            slot: Slot::parse(text(SLOT)?)?,
            sequence: text(SEQUENCE)?.parse().ok()?,
            priority: text(PRIORITY)?.parse().ok()?,
            base: text(BASE)?.parse().ok()?,
            generation: text(GENERATION)?.to_owned(),
            running,
            labels,
        })
    }

    /// A carrier that is not made yet, with the labels of its route.
    pub(super) fn new(app: &AppName, made: Made, mut labels: BTreeMap<String, String>) -> Self {
        let Made { release, slot, sequence, priority, base, generation } = made;
        labels.extend([
            (label::CARRIER.to_owned(), app.to_string()),
            (label::RELEASE.to_owned(), release.to_string()),
            (SLOT.to_owned(), slot.to_string()),
            (SEQUENCE.to_owned(), sequence.to_string()),
            (PRIORITY.to_owned(), priority.to_string()),
            (BASE.to_owned(), base.to_string()),
            (GENERATION.to_owned(), generation.clone()),
        ]);
        let name = container_name(app, release, sequence);
        Self { name, release, slot, sequence, priority, base, generation, labels, running: false }
    }

    /// The name of its routers, its service and its middleware, and what the marker's header can say to reach it
    /// alone, live or not.
    pub fn id(&self, app: &AppName) -> String {
        id(app, self.release, self.sequence)
    }

    /// What a request says to be answered by the carrier that is live: one that an earlier bgd has made answers to its own
    /// id, and to the app's name, which a file answers to as well.
    pub fn asked(&self, app: &AppName) -> String {
        let (all, own) = (names::carriers(app), self.id(app));
        let rule = self.labels.get(&format!("traefik.http.routers.{own}_marker.rule"));
        if rule.is_some_and(|rule| rule.contains(&format!("`{all}`"))) { all } else { own }
    }

    /// The same route under another number and priority.
    pub(super) fn moved(&self, app: &AppName, sequence: u64, priority: i64) -> Self {
        let (from, to) = (self.id(app), id(app, self.release, sequence));
        let by = priority.saturating_sub(self.priority);
        let of_bgd = |key: &str| key.starts_with(label::CARRIER) || key == label::RELEASE;
        let labels = self.labels.iter().filter(|(key, _)| !of_bgd(key)).map(|(key, value)| {
            let is_priority = key.starts_with("traefik.") && key.ends_with(".priority");
            let value = match value.parse::<i64>() {
                Ok(old) if is_priority => old.saturating_add(by).to_string(),
                _ if key.starts_with("traefik.") => value.replace(&from, &to),
                _ => value.clone(),
            };
            (key.replace(&from, &to), value)
        });
        let Self { release, slot, base, generation, .. } = self.clone();
        Self::new(app, Made { release, slot, sequence, priority, base, generation }, labels.collect())
    }

    /// The container: in no network, with nothing to do.
    pub(super) fn spec(&self, image: &str, kind: CarrierKind) -> ContainerSpec {
        ContainerSpec {
            image: image.to_owned(),
            command: Some(vec![helper::ASLEEP.to_owned()]),
            network_mode: Some("none".to_owned()),
            labels: self.labels.clone(),
            restart: if kind.runs() { Restart::Always } else { Restart::No },
            read_only: true,
            cap_drop: vec!["ALL".to_owned()],
            ..ContainerSpec::default()
        }
    }

    /// Its labels, one a line.
    pub fn text(&self) -> String {
        self.labels.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
    }
}

/// What tells a carrier from others.
pub(super) struct Made {
    pub release: ReleaseNumber,
    pub slot: Slot,
    pub sequence: u64,
    pub priority: i64,
    pub base: i64,
    pub generation: String,
}

/// The name of a carrier's container.
pub(super) fn container_name(app: &AppName, release: ReleaseNumber, sequence: u64) -> String {
    format!("{app}-route-r{release}-{sequence}")
}

/// Ends in numbers, so that no app's is another's with something behind it.
pub(super) fn id(app: &AppName, release: ReleaseNumber, sequence: u64) -> String {
    format!("bgd-{app}-r{release}-{sequence}")
}
