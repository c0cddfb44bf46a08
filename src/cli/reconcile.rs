//! Records that were lost are made anew from what is there. Those that can be read stay as they are.

use jiff::Timestamp;

use super::recorded::Recorded;
use super::run::{Bench, confirm};
use crate::error::{Error, Kind, Result};
use crate::model::{App, ReleaseNumber, label};
use crate::own;
use crate::plan::{self, Known, Rebuilt};

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
    let known = Known { releases: recorded.readable().cloned().collect(), state: state.cloned() };
    let Rebuilt { releases, state, unknown } =
        plan::rebuild(app, &known, &containers, live, Timestamp::now())?;
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
    let damaged: Vec<ReleaseNumber> = damaged(&recorded).collect();
    for number in damaged.iter().filter(|number| releases.iter().all(|one| one.number != **number)) {
        report.note(format!("no container of release {number} is left: it cannot be gone back to"));
    }
    if !super::run::agreed(yes, || confirm("Make the records anew from this?")) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    for number in damaged {
        let kept = bench.records.set_aside(Some(number))?;
        report.note(format!("the damaged record of release {number} is kept as {}", kept.display()));
    }
    if recorded.state.is_err() {
        let kept = bench.records.set_aside(None)?;
        report.note(format!("the damaged record of what was live is kept as {}", kept.display()));
    }
    for release in &releases {
        bench.records.put_release(release)?;
    }
    // It comes last: a crash before it leaves records that are made anew once more.
    bench.records.put_state(&state)?;
    report.note(format!("{which} of {} are back: see bgd history {}", app.name, app.name));
    Ok(())
}

/// The releases whose record is damaged, rather than of a newer bgd.
fn damaged(recorded: &Recorded) -> impl Iterator<Item = ReleaseNumber> {
    let is_damaged = |read: &Result<_>| matches!(read, Err(error) if error.kind() == Kind::NeedsRecovery);
    recorded.releases.iter().filter(move |(_, read)| is_damaged(read)).map(|(number, _)| *number)
}
