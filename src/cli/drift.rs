//! What is not as the records say although no deploy is unfinished, and how it is put right.

use jiff::Timestamp;

use super::run::{Bench, agreed, confirm};
use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::ReleaseNumber;
use crate::plan::{self, Observation, Wish};
use crate::proxy::Proxies;
use crate::record::{AppState, Cause};

/// What of the live release is not as its record says, a line each: containers that are gone, stopped or changed, files
/// of the proxy that were edited, a route that is gone.
pub(super) async fn look(
    engine: &dyn Engine,
    proxies: &Proxies,
    observation: &Observation,
) -> Result<Vec<String>> {
    let Some(release) = &observation.former else { return Ok(Vec::new()) };
    let present = plan::present(engine, release).await?;
    let mut found = plan::absent(release, &present);
    found.extend(plan::changed(release, &present)?);
    let proxy = release.app.proxy.container();
    let seen = proxies.of(&release.app)?.seen().await?;
    found.extend(seen.edited.iter().map(|path| format!("{path} in {proxy} was changed or removed by hand")));
    if seen.live.is_none() {
        found.push(format!("{proxy} has no route for {}", release.app.name));
    }
    Ok(found)
}

/// Puts an app right: the live release is deployed anew from its record, blue-green, so that nobody's request is lost
/// where it still serves; and the records follow the proxy where it routes to another release than theirs.
pub(super) async fn repair(bench: &Bench<'_>, yes: bool) -> Result<()> {
    let (engine, records, report) = (&bench.engine, &bench.records, bench.session.report.as_ref());
    let name = records.name();
    let mut state = records.state()?;
    let recorded = match state.live() {
        Some(number) => records.release(number)?,
        None => None,
    };
    let Some(recorded) = recorded else {
        report.note(format!("nothing is unfinished for {name}"));
        return Ok(());
    };
    let recorded = bench.proxies.locate(&recorded, &[]).await?;
    let observation = plan::observe(engine.as_ref(), &bench.proxies, records, &recorded.app).await?;
    let live = observation.former.as_ref().map_or(recorded.number, |former| former.number);
    let found = look(engine.as_ref(), &bench.proxies, &observation).await?;
    let mut what = Vec::new();
    if live != recorded.number {
        report.note(format!("the proxy routes to release {live}, the records say {}", recorded.number));
        what.push(format!("record release {live} as live"));
    }
    if !found.is_empty() {
        found.iter().for_each(|line| report.note(line.clone()));
        what.push(format!("deploy release {live} anew from its record"));
    }
    if what.is_empty() {
        report.note(format!("nothing is unfinished for {name}, and all is as the records say"));
        return Ok(());
    }
    let what = what.join(" and ");
    report.note(format!("so: {what}"));
    if !agreed(yes, || confirm(&format!("{what}?"))) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    if live != recorded.number {
        follow(bench, &mut state, live)?;
    }
    if found.is_empty() { Ok(()) } else { anew(bench, &observation).await }
}

fn follow(bench: &Bench<'_>, state: &mut AppState, live: ReleaseNumber) -> Result<()> {
    state.activate(live, Cause::Recover, Timestamp::now());
    bench.records.put_state(state)
}

async fn anew(bench: &Bench<'_>, observation: &Observation) -> Result<()> {
    // Only a release that is recorded is looked at, and what it lacks was found there.
    let Some(release) = &observation.former else { return Ok(()) };
    let Some(image) = bench.engine.image(&release.image_id).await? else {
        return Err(plan::image_is_gone(release));
    };
    let wish = Wish::Deploy { app: &release.app, asked: &release.image, image: &image, watch: false };
    let mut plan = plan::build(observation, &wish, Timestamp::now())?;
    // Nothing new is deployed, and what a migration did is there.
    plan.steps.retain(|step| !step.is_hook());
    bench.execute(&plan).await
}
