use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::docker::Container;
use crate::error::{Error, Kind, Result};
use crate::model::{App, ContainerSpec, Outcome, Release, ReleaseNumber, Slot, label};
use crate::proxy::Live;
use crate::record::{AppState, Cause};

/// What is still recorded: it stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The releases whose record can be read.
    pub releases: Vec<Release>,
    /// Which releases were live, when that is still known.
    pub state: Option<AppState>,
}

/// Records made anew from what is there.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// The releases that had no record and have containers, oldest first.
    pub releases: Vec<Release>,
    /// Which of all releases are taken to have been live, the one that the proxy routes to last.
    pub state: AppState,
    /// What could not be known, for people.
    pub unknown: Vec<String>,
}

/// Makes the records of an app that are lost anew, from its containers and from what the proxy routes to. What is known
/// is not made anew. `app` is the configuration that the new records get. Pure but for `now`.
///
/// # Errors
/// Of kind `NeedsRecovery` when there is nothing to make them from, or what is live has no container.
pub fn rebuild(
    app: &App,
    known: &Known,
    containers: &[Container],
    live: Option<Live>,
    now: Timestamp,
) -> Result<Rebuilt> {
    let mut by_release: BTreeMap<ReleaseNumber, Vec<&Container>> = BTreeMap::new();
    for container in containers {
        if let Some(number) = number_of(container) {
            by_release.entry(number).or_default().push(container);
        }
    }
    let mut copies = Vec::new();
    for containers in by_release.values_mut() {
        copies.extend(without_copies(containers));
    }
    let is_known = |number: &ReleaseNumber| known.releases.iter().any(|release| release.number == *number);
    let number = match live {
        Some(live) => {
            let number = live.release.or_else(|| running_in(&by_release, live.slot));
            let number = number.or_else(|| last_in(known, live.slot));
            number
                .filter(|number| by_release.contains_key(number) || is_known(number))
                .ok_or_else(|| no_container(app, live))?
        }
        None => {
            let recorded = known.state.as_ref().and_then(AppState::live);
            let newest = known.releases.iter().rev().find(|release| was_live(release));
            recorded
                .or(newest.map(|release| release.number))
                .ok_or_else(|| nothing_live(app, by_release.keys()))?
        }
    };
    let lost = by_release.iter().filter(|(at, _)| !is_known(at));
    let releases: Vec<Release> = lost
        .map(|(&at, containers)| release(app, at, containers, at <= number, now))
        .collect::<Result<_>>()?;
    let mut state = known.state.clone().unwrap_or_default();
    if state.live().is_none() {
        let mut before: Vec<_> = known.releases.iter().chain(&releases).filter(|one| was_live(one)).collect();
        before.sort_by_key(|release| release.number);
        for release in before.iter().filter(|release| release.number != number) {
            state.activate(release.number, Cause::Recover, now);
        }
    }
    state.activate(number, Cause::Recover, now);
    let mut unknown = unknown(known, &releases, number);
    let copies = copies.iter().filter(|one| number_of(one).is_some_and(|number| !is_known(&number)));
    unknown.extend(copies.map(|one| format!("whose {} is: it says what an older container says", one.name)));
    Ok(Rebuilt { releases, state, unknown })
}

/// Leaves one container for each replica, the oldest: one that somebody made with the same labels came later, and is not
/// bgd's to stop. Of two releases with one number, which two state folders have deployed, it is the one that runs. Returns
/// what was left out.
fn without_copies<'c>(containers: &mut Vec<&'c Container>) -> Vec<&'c Container> {
    let deployed = |one: &Container| label_of(one, label::CREATED).map(str::to_owned);
    let run: Vec<_> = containers.iter().filter(|one| one.state.running).map(|one| deployed(one)).collect();
    containers.sort_by_key(|one| (!run.contains(&deployed(one)), one.created.is_none(), one.created));
    let release = containers.first().map(|one| deployed(one));
    let mut seen = Vec::new();
    let (first, copies) = containers.iter().partition(|one| {
        let replica = label_of(one, label::REPLICA).map(str::to_owned);
        let is_first = release == Some(deployed(one)) && (replica.is_none() || !seen.contains(&replica));
        seen.push(replica);
        is_first
    });
    *containers = first;
    copies
}

fn deployed_at(container: &Container) -> Option<Timestamp> {
    let told = label_of(container, label::CREATED).and_then(|text| text.parse().ok());
    told.or(container.state.started)
}

fn was_live(release: &Release) -> bool {
    matches!(release.outcome, Outcome::Deployed | Outcome::Adopted)
}

fn last_in(known: &Known, slot: Slot) -> Option<ReleaseNumber> {
    let newest = known.releases.iter().rev().find(|release| was_live(release) && release.slot == slot);
    newest.map(|release| release.number)
}

fn release(
    app: &App,
    number: ReleaseNumber,
    containers: &[&Container],
    was_live: bool,
    now: Timestamp,
) -> Result<Release> {
    let mut replicas: Vec<&&Container> = containers.iter().collect();
    replicas.sort_by_key(|container| label_of(container, label::REPLICA).and_then(|n| n.parse::<u32>().ok()));
    let slot = containers.iter().find_map(|container| slot_of(container)).ok_or_else(|| {
        Error::new(Kind::NeedsRecovery, format!("the containers of release {number} do not tell their slot"))
            .hint("somebody changed their labels; remove them if they do not serve, and try again")
    })?;
    let first = replicas.first().copied().copied();
    let image_id = first.as_ref().map(|container| container.image_id.clone()).unwrap_or_default();
    let image = first.as_ref().and_then(|container| label_of(container, label::IMAGE)).unwrap_or(&image_id);
    let lost = "its records were lost, and it is newer than what is live".to_owned();
    Ok(Release {
        number,
        slot,
        image: image.to_owned(),
        image_id: image_id.clone(),
        repo_digest: None,
        app: deployed_behind(app, first),
        proxy: None,
        containers: replicas.iter().map(|one| (one.name.clone(), by_id(one))).collect(),
        ids: ids(containers),
        created: first.and_then(deployed_at).unwrap_or(now),
        outcome: if was_live { Outcome::Deployed } else { Outcome::Failed { reason: lost } },
    })
}

/// The configuration, with the proxy that the container was deployed behind, which may be another than today's.
fn deployed_behind(app: &App, container: Option<&Container>) -> App {
    let told = container.and_then(|container| label_of(container, label::PROXY));
    let proxy = told.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| app.proxy.clone());
    App { proxy, ..app.clone() }
}

fn ids(containers: &[&Container]) -> BTreeMap<usize, String> {
    let replica =
        |one: &&Container| label_of(one, label::REPLICA).and_then(|text| text.parse::<usize>().ok());
    let mut replicas: Vec<&&Container> = containers.iter().collect();
    replicas.sort_by_key(|one| replica(one));
    replicas.iter().enumerate().map(|(at, one)| (at + 1, one.id.clone())).collect()
}

/// The specification of a container. Its image is named by its id, whatever a tag means by now.
fn by_id(container: &Container) -> ContainerSpec {
    ContainerSpec { image: container.image_id.clone(), ..container.spec.clone() }
}

fn unknown(known: &Known, releases: &[Release], live: ReleaseNumber) -> Vec<String> {
    let mut unknown = Vec::new();
    if known.state.as_ref().is_none_or(|state| state.live().is_none()) {
        unknown.push("when each release became live, and by what".to_owned());
    }
    if !releases.is_empty() {
        let numbers: Vec<_> = releases.iter().map(|release| release.number.to_string()).collect();
        let numbers = numbers.join(", ");
        unknown.push(format!("the configuration that release {numbers} was deployed with"));
    }
    if known.releases.is_empty() {
        unknown.push("releases of which no container is left: they cannot be gone back to".to_owned());
    }
    let newer = releases.iter().filter(|release| release.number > live);
    unknown.extend(newer.map(|release| {
        format!(
            "how far the deploy of release {} got: it is taken to have failed, and the next deploy frees its slot",
            release.number
        )
    }));
    unknown
}

fn label_of<'a>(container: &'a Container, name: &str) -> Option<&'a str> {
    container.spec.labels.get(name).map(String::as_str)
}

fn number_of(container: &Container) -> Option<ReleaseNumber> {
    label_of(container, label::RELEASE)?.parse().ok().map(ReleaseNumber)
}

fn slot_of(container: &Container) -> Option<Slot> {
    [Slot::Blue, Slot::Green].into_iter().find(|slot| label_of(container, label::SLOT) == Some(slot.as_str()))
}

fn running_in(releases: &BTreeMap<ReleaseNumber, Vec<&Container>>, slot: Slot) -> Option<ReleaseNumber> {
    let runs = |containers: &&Vec<&Container>| {
        containers.iter().any(|container| container.state.running && slot_of(container) == Some(slot))
    };
    releases.iter().rev().find(|(_, containers)| runs(containers)).map(|(number, _)| *number)
}

fn nothing_live<'a>(app: &App, known: impl Iterator<Item = &'a ReleaseNumber>) -> Error {
    let name = &app.name;
    let known: Vec<String> = known.map(ToString::to_string).collect();
    let error = Error::new(
        Kind::NeedsRecovery,
        format!("the proxy has no route for {name}, so nothing of it is live"),
    );
    if known.is_empty() {
        error.hint(format!("there is no container of it either: deploy it with  bgd deploy {}", app.image))
    } else {
        error
            .hint(format!("there are containers of release {}; they were left as they are", known.join(", ")))
            .hint(format!("deploy it anew: bgd deploy {}", app.image))
    }
}

fn no_container(app: &App, live: Live) -> Error {
    let what =
        live.release.map_or_else(|| format!("the slot {}", live.slot), |number| format!("release {number}"));
    Error::new(
        Kind::NeedsRecovery,
        format!("the proxy routes to {what} of {}, of which there is no container", app.name),
    )
    .hint("if it was adopted, its container carries no label of bgd's: bgd adopt CONTAINER")
    .hint(format!(
        "else remove its route from the proxy, and deploy it as the first release: bgd deploy {} --app {}",
        app.image, app.name
    ))
}
