//! The one place that decides what is wrong with an app. `status` tells it, `plan` warns of it, `recover` acts on it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::for_clients;
use super::recorded::{Recorded, told};
use super::trouble::Trouble;
use crate::docker::{Container, Engine, Summary};
use crate::error::{Kind, Result};
use crate::model::{
    App, ContainerName, Outcome, ProxyIdentity, Release, ReleaseNumber, Slot, label, shown_path,
};
use crate::own;
use crate::plan::{self, Present};
use crate::probe::Asked;
use crate::proxy::{Live, Proxies, Proxy, Seen, Severity, Through};
use crate::record::{AppStore, JournalState};

/// How long the live release may take to answer.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// What is known of an app.
pub(super) struct Evidence<'a> {
    pub recorded: &'a Recorded,
    /// What its proxy says; `None` where no record tells the proxy.
    pub seen: Option<Result<Seen>>,
    /// The containers that carry its label and are not another state folder's.
    pub containers: &'a [&'a Summary],
    /// All that carry its label.
    pub labelled: &'a [Summary],
}

/// An app as it is.
pub(super) struct Diagnosis {
    pub live: Option<Live>,
    /// The release that the proxy routes to.
    pub number: Option<ReleaseNumber>,
    /// Whether the record of that number is another release's, which another state folder has deployed.
    pub is_anothers: bool,
    /// Its containers and how they are.
    pub states: BTreeMap<String, String>,
    pub troubles: Vec<Trouble>,
}

/// Decides what is wrong, from what is known. Asks nobody.
pub(super) fn diagnose(evidence: Evidence<'_>) -> Diagnosis {
    let Evidence { recorded, seen, containers, labelled } = evidence;
    let mut troubles = of_records(recorded);
    let was_asked = matches!(seen, Some(Ok(_)));
    if seen.is_none() && recorded.is_quiet() && (recorded.live().is_some() || !recorded.releases.is_empty()) {
        troubles.push(Trouble::NoConfiguration);
    }
    let proxy = recorded.app().map_or("the proxy", |app| app.proxy.container().as_str());
    let seen = match seen {
        None => Seen::default(),
        Some(Ok(seen)) => seen,
        Some(Err(error)) => {
            let mut text = format!("the proxy could not be asked: {}", told(&error));
            if let Some(service) = recorded.app().and_then(|app| app.compose.as_ref()) {
                let up = service.command_line("up -d");
                text.push_str(&format!("; if the proxy is a service of the project: {up}"));
            }
            troubles.push(Trouble::ProxyUnasked { told: text });
            Seen::default()
        }
    };
    let live = seen.live;
    let number = live.and_then(|live| {
        live.release
            .or_else(|| still_in(live.slot, recorded, containers))
            .or_else(|| running_in(live.slot, containers))
            .or_else(|| in_slot(live.slot, recorded))
    });
    let record = number.and_then(|number| recorded.release(number));
    let is_anothers = record.is_some_and(|release| !own::is_of_record(labelled, release));
    // Where no release of these records is live, the file belongs to another state folder.
    let is_live = recorded.state.as_ref().ok().is_none_or(|state| state.live().is_some());
    if is_live || (live.is_some() && !is_anothers) {
        let edited = |path: &String| Trouble::Edited { path: path.clone(), proxy: proxy.to_owned() };
        troubles.extend(seen.edited.iter().map(edited));
    }
    if recorded.is_quiet() {
        troubles.extend(of_route(recorded, was_asked, live, number, containers));
    }
    if is_anothers && let Some(number) = number {
        troubles.retain(|trouble| !matches!(trouble, Trouble::StateGone | Trouble::OtherLive { .. }));
        // The record of what never served hides what does, and can be made again.
        let never_served = record
            .is_some_and(|one| matches!(one.outcome, Outcome::Failed { .. } | Outcome::RolledBack { .. }));
        troubles.push(match never_served {
            true => Trouble::RecordGone { what: format!("release {number}") },
            false => Trouble::AnotherFolders { release: number },
        });
    }
    let mut states = BTreeMap::new();
    for summary in containers.iter().filter(|summary| number.is_some() && release_of(summary) == number) {
        states.insert(summary.name.clone(), summary.status_text.clone());
        if summary.status != "running" || summary.status_text.contains("unhealthy") {
            troubles.push(Trouble::Unwell { name: summary.name.clone(), state: summary.status_text.clone() });
        }
    }
    if let Some(release) = record.filter(|_| !is_anothers)
        && !plan::is_foreign(release)
        && states.len() < release.containers.len()
    {
        let of = release.containers.len();
        troubles.push(Trouble::Missing { missing: of - states.len(), of });
    }
    Diagnosis { live, number, is_anothers, states, troubles }
}

/// What cannot be read, and what is under way.
fn of_records(recorded: &Recorded) -> Vec<Trouble> {
    // What a newer bgd wrote is not damaged: nothing of it is made anew.
    let unreadable = |error: &crate::error::Error| Trouble::Unreadable {
        told: told(error),
        recoverable: error.kind() == Kind::NeedsRecovery,
    };
    let mut troubles: Vec<Trouble> = recorded.folder.iter().map(unreadable).collect();
    troubles.extend(recorded.state.as_ref().err().map(unreadable));
    troubles.extend(recorded.releases.values().filter_map(|read| read.as_ref().err()).map(unreadable));
    match (&recorded.journal, &recorded.holder) {
        (_, Some(holder)) => troubles.push(Trouble::Busy(holder.clone())),
        (Ok(JournalState::Open(replay)), None) => troubles
            .push(Trouble::Unfinished { release: replay.release, has_former: replay.former.is_some() }),
        (Err(error), None) => {
            troubles.push(Trouble::Unreadable { told: told(error), recoverable: false });
        }
        _ => {}
    }
    troubles
}

/// How what the proxy routes to fits the records, while no deploy is open.
fn of_route(
    recorded: &Recorded,
    was_asked: bool,
    live: Option<Live>,
    number: Option<ReleaseNumber>,
    containers: &[&Summary],
) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let state = recorded.state.as_ref().ok().map(|state| state.live());
    let was_live = |release: &Release| matches!(release.outcome, Outcome::Deployed | Outcome::Adopted);
    // What is live without any record was never live here.
    let is_known = number.is_some_and(|number| recorded.releases.contains_key(&number));
    if state == Some(None) && ((live.is_some() && is_known) || recorded.readable().any(was_live)) {
        troubles.push(Trouble::StateGone);
    }
    match (live, number) {
        (Some(_), Some(number)) => {
            if !recorded.releases.contains_key(&number) {
                troubles.push(Trouble::RecordGone { what: format!("release {number}") });
            }
            if let Some(Some(recorded)) = state
                && recorded != number
            {
                troubles.push(Trouble::OtherLive { live: number, recorded });
            }
        }
        (Some(live), None) => {
            troubles.push(Trouble::RecordGone { what: format!("the slot {}", live.slot) });
        }
        // A proxy that could not be asked may well have its route.
        (None, _) => {
            if let (true, Some(Some(recorded))) = (was_asked, state) {
                troubles.push(Trouble::NoRoute { recorded });
            }
        }
    }
    if let Some(newest) = recorded.readable().next_back()
        && newest.outcome == Outcome::Unfinished
        && number != Some(newest.number)
        && containers.iter().any(|summary| release_of(summary) == Some(newest.number))
    {
        troubles.push(Trouble::LeftOver { release: newest.number });
    }
    troubles
}

/// What takes questions of its own: the settings of the live release's containers, and whether it answers.
pub(super) async fn closely(
    (engine, proxies): (&Rc<dyn Engine>, &Proxies),
    recorded: &Recorded,
    diagnosis: &mut Diagnosis,
) -> Result<()> {
    let is_no_route = |trouble: &Trouble| matches!(trouble, Trouble::NoRoute { .. });
    if let Some(app) = recorded.app().filter(|_| diagnosis.troubles.iter().any(is_no_route)) {
        let proxy = app.proxy.container();
        let found = engine.container(proxy.as_str()).await?;
        if let Some(found) = found.filter(|found| !found.state.running || found.state.restarting) {
            // It has its route again when it runs.
            diagnosis.troubles.retain(|trouble| !is_no_route(trouble));
            diagnosis.troubles.push(down(proxies, app, &found).await);
        }
    }
    let more = more((engine, proxies), recorded, diagnosis).await?;
    diagnosis.troubles.extend(more);
    Ok(())
}

/// Why a proxy does not run, and what helps.
async fn down(proxies: &Proxies, app: &App, found: &Container) -> Trouble {
    let (proxy, status) = (app.proxy.container(), &found.state.status);
    let refused = async { proxies.of(app)?.refused_file().await };
    match refused.await {
        Ok(Some((of, why))) if of == app.name => Trouble::NotTaken {
            what: format!("the proxy {proxy} is {status}: it does not take a file of bgd's ({why})"),
        },
        Ok(Some((of, why))) => Trouble::Refused {
            what: format!("the proxy {proxy} is {status}: it does not take the file of the app {of} ({why})"),
            remedy: Some(format!("bgd recover {of}")),
        },
        _ => Trouble::Refused {
            what: format!("the proxy {proxy} is {status}"),
            remedy: Some(format!("docker start {proxy}")),
        },
    }
}

async fn more(
    (engine, proxies): (&Rc<dyn Engine>, &Proxies),
    recorded: &Recorded,
    diagnosis: &Diagnosis,
) -> Result<Vec<Trouble>> {
    if diagnosis.troubles.iter().any(|trouble| matches!(trouble, Trouble::ProxyUnasked { .. }))
        && let Some(app) = recorded.app()
    {
        let known = recorded.live().and_then(|number| recorded.release(number)?.proxy.as_ref());
        return Ok(renamed((engine, proxies), app, known).await?.into_iter().collect());
    }
    let number = diagnosis.number.filter(|_| !diagnosis.is_anothers);
    let Some(release) = number.and_then(|number| recorded.release(number)) else {
        return Ok(Vec::new());
    };
    let present = plan::present(engine.as_ref(), release).await?;
    let mut troubles = adopted(release, &present);
    troubles.extend(plan::changed(release, &present)?.into_iter().map(|what| Trouble::Changed { what }));
    // While a deploy is open its own steps ask; and where a container is missing that is the cause.
    if recorded.is_quiet() && present.all_running() {
        let proxy = proxies.of(&release.app)?;
        let unanswered = unanswered(proxy.as_ref(), release, &present).await;
        if unanswered.iter().any(|trouble| matches!(trouble, Trouble::Refused { .. })) {
            // Nothing can be deployed before that is put right by hand: the rest is told without a remedy.
            let later = troubles.iter().map(|one| Trouble::Refused { what: one.what(), remedy: None });
            return Ok(unanswered.into_iter().chain(later).collect());
        }
        troubles.extend(unanswered);
    }
    Ok(troubles)
}

/// Looks for the proxy under another name: a container on the app's network that routes to the app. Where the record tells
/// the proxy's id it is that one, or another one with its folder: a copy that serves elsewhere answers as it does.
async fn renamed(
    (engine, proxies): (&Rc<dyn Engine>, &Proxies),
    app: &App,
    recorded: Option<&ProxyIdentity>,
) -> Result<Option<Trouble>> {
    let known = app.proxy.container();
    if engine.container(known.as_str()).await?.is_some() {
        return Ok(None);
    }
    let is_candidate = |summary: &Summary| {
        summary.status == "running"
            && summary.addresses.contains_key(app.network.as_str())
            && !summary.labels.contains_key(label::APP)
    };
    for summary in engine.containers(&[]).await?.into_iter().filter(is_candidate) {
        let Ok(name) = ContainerName::parse(&summary.name) else { continue };
        if let Some(recorded) = recorded.filter(|recorded| recorded.id != summary.id) {
            let container = engine.container(&summary.id).await?;
            let mounts = container.map(|container| container.mounts).unwrap_or_default();
            if !mounts.iter().any(|mount| Some(&mount.source) == recorded.folder.as_ref()) {
                continue;
            }
        }
        let there = App { proxy: app.proxy.in_container(name), ..app.clone() };
        let live = async { proxies.of(&there)?.live().await };
        if matches!(live.await, Ok(Some(_))) {
            let remedy = format!("docker rename {} {known}", summary.name);
            let what = format!("the proxy {known} of its records is named {} by now", summary.name);
            return Ok(Some(Trouble::Refused { what, remedy: Some(remedy) }));
        }
    }
    Ok(None)
}

fn adopted(release: &Release, present: &Present) -> Vec<Trouble> {
    if !plan::is_foreign(release) {
        return Vec::new();
    }
    let state = |container: &Option<own::Owned>| match container {
        None => Some("gone: it was removed, or replaced by another of its name".to_owned()),
        Some(container) if !container.state.running => Some(container.state.status.clone()),
        Some(_) => None,
    };
    let pairs = release.containers.iter().zip(&present.containers);
    pairs
        .filter_map(|((recorded, _), container)| {
            // Somebody may have renamed it since.
            let name = container.as_ref().map_or(recorded, |container| &container.name);
            Some(Trouble::Adopted { name: name.clone(), state: state(container)? })
        })
        .collect()
}

/// Asks the live release through the proxy, as a client would. Where that fails, what preflight would refuse is told too.
async fn unanswered(proxy: &dyn Proxy, release: &Release, present: &Present) -> Vec<Trouble> {
    let Asked { path, host, headers, is_named } = Asked::of_watch(&release.app);
    let what =
        |end: String| format!("GET {} through {}: {end}", shown_path(path), release.app.proxy.container());
    let through = Through { method: "GET", path, host, headers: &headers, limit: LIMIT };
    let mut troubles = match proxy.through(through).await {
        // These are the proxy's own answers for an app that it cannot reach.
        Ok(answer) if matches!(answer.status, 502..=504) => {
            vec![Trouble::Unreached { what: what(format!("answered {}", answer.status)) }]
        }
        Ok(answer) if answer.status >= 500 && is_named => {
            let container = present.iter().next().map(|container| container.name.clone()).unwrap_or_default();
            return vec![Trouble::Failing { what: what(format!("answered {}", answer.status)), container }];
        }
        Err(failure) if failure.kind.has_connected() => {
            vec![Trouble::Unreached { what: what(failure.to_string()) }]
        }
        _ => return for_clients::look(proxy, release).await.into_iter().collect(),
    };
    let findings = proxy.preflight().await.unwrap_or_default();
    let refused = findings.into_iter().filter(|finding| finding.severity == Severity::Refusal);
    let refused: Vec<_> =
        refused.map(|one| Trouble::Refused { what: one.message, remedy: one.remedy }).collect();
    if !refused.is_empty() {
        // That is the cause, and a release that is deployed anew would not be reached either.
        let unreached = troubles.iter().map(|one| Trouble::Refused { what: one.what(), remedy: None });
        troubles = unreached.chain(refused).collect();
    }
    troubles
}

/// Looks at one app, by this configuration of its proxy.
pub(super) async fn one(
    (engine, proxies): (&Rc<dyn Engine>, &Proxies),
    records: &AppStore,
    app: &App,
) -> Result<(Recorded, Diagnosis)> {
    let recorded = Recorded::read(records.clone());
    let seen = proxies.seen_many(&[app]).await.pop();
    let labelled = own::labelled(engine.as_ref(), &own::app_label(&app.name)).await?;
    let of_app = own::of_app(&labelled, |number| Ok(recorded.release(number).cloned()))?;
    let is_stranger = |summary: &&Summary| of_app.strangers().any(|one| one.id == summary.id);
    let containers: Vec<&Summary> = labelled.iter().filter(|summary| !is_stranger(summary)).collect();
    let evidence = Evidence { recorded: &recorded, seen, containers: &containers, labelled: &labelled };
    let mut diagnosis = diagnose(evidence);
    closely((engine, proxies), &recorded, &mut diagnosis).await?;
    Ok((recorded, diagnosis))
}

/// The release of a container, by its label.
pub(super) fn release_of(summary: &Summary) -> Option<ReleaseNumber> {
    summary.labels.get(label::RELEASE)?.parse().ok().map(ReleaseNumber)
}

/// The release that the records call live, where it stands in this slot and runs: another container may run there too, such
/// as one that is kept warm while the adopted one, which carries no label, serves from its slot.
fn still_in(slot: Slot, recorded: &Recorded, containers: &[&Summary]) -> Option<ReleaseNumber> {
    let release = recorded.release(recorded.live()?).filter(|release| release.slot == slot)?;
    let runs =
        |summary: &&&Summary| summary.status == "running" && release_of(summary) == Some(release.number);
    (plan::is_foreign(release) || containers.iter().any(|one| runs(&one))).then_some(release.number)
}

fn running_in(slot: Slot, containers: &[&Summary]) -> Option<ReleaseNumber> {
    let here = |summary: &&&Summary| {
        summary.status == "running" && summary.labels.get(label::SLOT).is_some_and(|s| s == slot.as_str())
    };
    release_of(containers.iter().find(here)?)
}

/// The release that was live last in a slot, by the records.
fn in_slot(slot: Slot, recorded: &Recorded) -> Option<ReleaseNumber> {
    let state = recorded.state.as_ref().ok()?;
    let number = state.activations.iter().rev().map(|one| one.release);
    number.into_iter().find(|number| recorded.release(*number).is_some_and(|release| release.slot == slot))
}
