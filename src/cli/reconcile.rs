//! Records that were lost are made anew from what is there. Those that can be read stay as they are.

use jiff::Timestamp;

use super::recorded::Recorded;
use super::run::{Bench, confirm};
use crate::error::{Error, Kind, Result};
use crate::model::{App, Outcome, Release, ReleaseNumber, label};
use crate::own;
use crate::plan::{self, Known, Rebuilt};
use crate::proxy::Live;
use crate::record::AppState;

/// Where the configuration of records that are made anew comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The configuration file.
    File,
    /// The record of a release.
    Release(ReleaseNumber),
}

/// Shows what the records would be, and writes them when that was agreed to. Touches no container and no proxy.
pub(super) async fn run(bench: &Bench<'_>, app: &App, origin: Origin, yes: bool) -> Result<()> {
    let report = bench.session.report.as_ref();
    let recorded = Recorded::read((*bench.records).clone());
    let live = bench.proxies.of(app)?.live().await?;
    let labelled = own::labelled(bench.engine.as_ref(), &own::app_label(&app.name)).await?;
    let containers = futures_util::future::try_join_all(
        labelled.iter().map(|summary| bench.engine.container(&summary.id)),
    )
    .await?;
    let mut containers: Vec<_> = containers.into_iter().flatten().collect();
    for container in &mut containers {
        // A container's own settings lack what its image says as well, as one does that was committed from a release.
        if let Some(summary) = labelled.iter().find(|summary| summary.id == container.id) {
            container.spec.labels.extend(label::of_bgd(&summary.labels));
        }
    }
    if live.is_none() && containers.is_empty() && recorded.releases.is_empty() {
        report.note(format!("nothing of {} has been deployed on this host yet: bgd deploy IMAGE", app.name));
        return Ok(());
    }
    let state = recorded.state.as_ref().ok().filter(|state| state.live().is_some());
    // A record of what never served does not hide another release that has its number.
    let never_served =
        |one: &Release| matches!(one.outcome, Outcome::Failed { .. } | Outcome::RolledBack { .. });
    let is_its = |one: &&Release| !never_served(one) || own::is_of_record(&labelled, one);
    let known =
        Known { releases: recorded.readable().filter(is_its).cloned().collect(), state: state.cloned() };
    let damaged: Vec<ReleaseNumber> = damaged_in(&recorded).collect();
    let was_live = |one: &Release| matches!(one.outcome, Outcome::Deployed | Outcome::Adopted);
    let is_empty = live.is_none() && known.state.is_none() && !known.releases.iter().any(was_live);
    if is_empty && (!damaged.is_empty() || recorded.state.is_err()) {
        let why = format!("nothing of {} is live, so its damaged records cannot be made again", app.name);
        put_aside(bench, &recorded, &damaged, yes, &why)?;
        report.note(format!("deploy {} as usual: bgd deploy IMAGE", app.name));
        return Ok(());
    }
    let rebuilt = plan::rebuild(app, &known, &containers, live, Timestamp::now());
    let Rebuilt { releases, state, unknown } = match rebuilt {
        Ok(rebuilt) => rebuilt,
        Err(error) => {
            let error = name_adopted(bench, app, live, error).await;
            if damaged.is_empty() && recorded.state.is_ok() {
                return Err(error);
            }
            // They would be in the way of what the error says helps.
            let why = "the damaged records cannot be made again from what is there";
            return put_aside(bench, &recorded, &damaged, yes, why).and(Err(error));
        }
    };
    let which = if known.releases.is_empty() { "the records" } else { "records" };
    report.note(format!("{which} of {} are lost; what is there tells of:", app.name));
    let is_live = |number| state.live().filter(|_| live.is_some()) == Some(number);
    for release in known.releases.iter().filter(|release| is_live(release.number)) {
        report.note(format!("release {} of {}, to which the proxy routes", release.number, release.image));
    }
    for release in &releases {
        let names: Vec<_> = release.containers.iter().map(|(name, _)| name.as_str()).collect();
        let live = if is_live(release.number) { ", to which the proxy routes" } else { "" };
        report.note(format!("release {} of {} in {}{live}", release.number, release.image, names.join(", ")));
    }
    for what in unknown {
        report.note(format!("it could not be known: {what}"));
    }
    if !releases.is_empty() {
        let from = match origin {
            Origin::File => "the present one".to_owned(),
            Origin::Release(number) => format!("that of release {number}"),
        };
        report.note(format!("the configuration that is recorded instead is {from}"));
    }
    for number in damaged.iter().filter(|number| releases.iter().all(|one| one.number != **number)) {
        report.note(format!("no container of release {number} is left: it cannot be gone back to"));
    }
    if !super::run::agreed(yes, || confirm("Make the records anew from this?")) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    set_aside(bench, &recorded, &damaged)?;
    for release in &releases {
        if recorded.release(release.number).is_some() {
            let kept = bench.records.set_aside(Some(release.number))?;
            let (number, kept) = (release.number, kept.display());
            report.note(format!(
                "the record of another release {number}, which never served, is kept as {kept}"
            ));
        }
        bench.records.put_release(release)?;
    }
    // It comes last: a crash before it leaves records that are made anew once more.
    bench.records.put_state(&state)?;
    report.note(format!("{which} of {} are back: see bgd history {}", app.name, app.name));
    Ok(())
}

/// Moves the damaged records out of the way.
fn set_aside(bench: &Bench<'_>, recorded: &Recorded, damaged: &[ReleaseNumber]) -> Result<()> {
    let report = bench.session.report.as_ref();
    for number in damaged {
        let kept = bench.records.set_aside(Some(*number))?;
        report.note(format!("the damaged record of release {number} is kept as {}", kept.display()));
    }
    if recorded.state.is_err() {
        let kept = bench.records.set_aside(None)?;
        report.note(format!("the damaged record of what was live is kept as {}", kept.display()));
    }
    Ok(())
}

/// Moves damaged records away for which there is nothing to make them from: they must not keep the app from being deployed,
/// or adopted. `why` is told first.
fn put_aside(
    bench: &Bench<'_>,
    recorded: &Recorded,
    damaged: &[ReleaseNumber],
    yes: bool,
    why: &str,
) -> Result<()> {
    bench.session.report.note(why.to_owned());
    if !super::run::agreed(yes, || confirm("Move them out of the way?")) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    // Their numbers are not given again.
    let highest = recorded.releases.keys().next_back().copied();
    set_aside(bench, recorded, damaged)?;
    let known = bench.records.state()?;
    bench.records.put_state(&AppState { highest: known.highest.max(highest), ..known })
}

/// What was adopted has no label that tells of it, and the proxy's files name it.
async fn name_adopted(bench: &Bench<'_>, app: &App, live: Option<Live>, error: Error) -> Error {
    if live.is_none_or(|live| live.release.is_some_and(|number| number != ReleaseNumber(0))) {
        return error;
    }
    match super::adopt::serving(bench, app).await.as_deref() {
        Ok([name]) => {
            let what = error.to_string();
            Error::new(error.kind(), what).hint(format!(
                "its route leads to {name}, which carries no label of bgd's; make it release 0 once more: bgd adopt {name}"
            ))
        }
        _ => error,
    }
}

/// The releases whose record is damaged, rather than of a newer bgd.
fn damaged_in(recorded: &Recorded) -> impl Iterator<Item = ReleaseNumber> {
    let is_damaged = |read: &Result<_>| matches!(read, Err(error) if error.kind() == Kind::NeedsRecovery);
    recorded.releases.iter().filter(move |(_, read)| is_damaged(read)).map(|(number, _)| *number)
}
