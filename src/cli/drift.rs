//! What is not as the records say although no deploy is unfinished, and how it is put right.

use jiff::Timestamp;

use super::diagnose;
use super::run::{Bench, agreed, confirm};
use super::trouble::Trouble;
use crate::error::{Error, Kind, Result};
use crate::model::{App, Outcome, ReleaseNumber};
use crate::plan::{self, Observation, Wish};
use crate::record::{AppState, Cause};

/// `written` is the configuration of today, if there is one. Puts an app right: the live release is deployed anew from its record, blue-green, so that no request is lost where it
/// still serves; and the records follow the proxy where it routes to another release than theirs.
pub(super) async fn repair(bench: &Bench<'_>, app: &App, written: Option<&App>, yes: bool) -> Result<()> {
    let (engine, records, report) = (&bench.engine, &bench.records, bench.session.report.as_ref());
    let name = records.name();
    let (_, diagnosis) = diagnose::one((engine, &bench.session.proxies(engine)), records, app).await?;
    let mut live = diagnosis.number;
    let mut what = Vec::new();
    for trouble in &diagnosis.troubles {
        match trouble {
            Trouble::OtherLive { live, .. } => what.push(format!("record release {live} as live")),
            Trouble::NoRoute { recorded } => live = Some(*recorded),
            Trouble::NotTaken { .. } => live = records.state()?.live(),
            // Without the proxy nothing can be proved.
            Trouble::ProxyUnasked { .. } => return bench.proxies.of(app)?.seen().await.map(|_| ()),
            _ => {}
        }
    }
    let wants_deploy = diagnosis.troubles.iter().any(Trouble::wants_deploy);
    for trouble in &diagnosis.troubles {
        report.note(trouble.what());
    }
    if let (true, Some(live)) = (wants_deploy, live) {
        what.push(format!("deploy release {live} anew from its record"));
    }
    if what.is_empty() {
        return match diagnosis.troubles.as_slice() {
            [] => {
                report.note(format!("nothing is unfinished for {name}, and all is as the records say"));
                Ok(())
            }
            // Each is told with what a person can do.
            left if left.iter().any(|trouble| matches!(trouble, Trouble::Refused { .. })) => {
                let error =
                    Error::new(Kind::Config, format!("{name} is not reached, which takes a change by hand"));
                Err(left.iter().fold(error, |error, trouble| error.hint(trouble.told(name))))
            }
            left => {
                left.iter().for_each(|trouble| report.warn(trouble.told(name), None));
                Ok(())
            }
        };
    }
    let what = what.join(" and ");
    report.note(format!("so: {what}"));
    if !agreed(yes, || confirm(&format!("{what}?"))) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    if diagnosis.troubles.iter().any(|trouble| matches!(trouble, Trouble::NotTaken { .. })) {
        bench.proxies.of(app)?.bring_up().await?;
    }
    if let Some(Trouble::OtherLive { live, .. }) =
        diagnosis.troubles.iter().find(|trouble| matches!(trouble, Trouble::OtherLive { .. }))
    {
        follow(bench, &mut records.state()?, *live)?;
    }
    if !wants_deploy {
        return Ok(());
    }
    let observation = plan::observe(engine.as_ref(), &bench.proxies, records, app).await?;
    anew(bench, &observation, written).await
}

fn follow(bench: &Bench<'_>, state: &mut AppState, live: ReleaseNumber) -> Result<()> {
    // A deploy whose journal was lost was taken for one that never began.
    if let Some(mut release) = bench.records.release(live)?
        && !matches!(release.outcome, Outcome::Deployed | Outcome::Adopted)
    {
        release.outcome = Outcome::Deployed;
        bench.records.put_release(&release)?;
    }
    state.activate(live, Cause::Recover, Timestamp::now());
    bench.records.put_state(state)
}

async fn anew(bench: &Bench<'_>, observation: &Observation, written: Option<&App>) -> Result<()> {
    let Some(release) = &observation.former else {
        let app = bench.records.name();
        return Err(match observation.live {
            Some(live) => plan::record_is_lost(app, live),
            None => Error::new(Kind::NothingToRollBack, format!("no release of {app} was live")),
        });
    };
    // What would keep the new containers from being reached is told first, with its remedy.
    let (engine, report) = (bench.engine.as_ref(), bench.session.report.as_ref());
    super::preflight::check(engine, bench.proxies.of(&release.app)?.as_ref(), &release.app, report).await?;
    let Some(image) = bench.engine.image(&release.image_id).await? else {
        return Err(plan::image_is_gone(release));
    };
    let mut app = release.app.clone();
    // What a move has left is ended as the user says today.
    app.keep_old = written.and_then(|written| written.keep_old).or(app.keep_old);
    let present = plan::present(bench.engine.as_ref(), release).await?;
    super::volumes::carry_over(&mut app, present.iter().map(|one| crate::docker::Container::clone(one)));
    let wish = Wish::Deploy { app: &app, asked: &release.image, image: &image, watch: false };
    let mut plan = plan::build(observation, &wish, Timestamp::now())?;
    // Nothing new is deployed, and what a migration did is there.
    plan.steps.retain(|step| !step.is_hook());
    bench.execute(&plan).await
}
