//! Records and ended journals are bounded after every deploy. Containers and images are for `bgd prune`.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use super::run::Bench;
use crate::docker::Engine;
use crate::error::Result;
use crate::model::{Release, ReleaseNumber, Retention, label};
use crate::own;
use crate::plan::{self, Plan, prune};
use crate::record::retention::{self, Recorded};
use crate::record::{Deployed, JournalState, Survey};
use crate::turn::Claim;

/// Removes what is beyond the bounds once a deploy has ended, however it ended. It has ended: nothing here fails it.
pub(super) async fn after(bench: &Bench<'_>, plan: &Plan) {
    let app = &plan.target.app.name;
    match tidy(bench, plan).await {
        Ok(0) => {}
        Ok(records) => {
            let what = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
            bench.session.report.note(format!("{what} of {app} went by its retention; see bgd prune --help"));
        }
        Err(error) => {
            let why = error.one_line();
            bench
                .session
                .report
                .note(format!("old records of {app} were not removed, which harms nothing: {why}"));
        }
    }
}

/// How many records went.
async fn tidy(bench: &Bench<'_>, plan: &Plan) -> Result<usize> {
    if bench.records.journal()? != JournalState::None {
        // It did not end: everything may be needed.
        return Ok(0);
    }
    sweep(bench, plan).await?;
    let (survey, mut state) = (bench.records.survey()?, bench.records.state()?);
    let (bounds, now) = (bounds(&survey), Timestamp::now());
    let numbers = survey.numbers();
    let mut needed = BTreeSet::new();
    for release in std::iter::once(&plan.target).chain(&plan.former) {
        needed.insert(release.number);
        needed.extend(retention::needed(&state, Some(release.number), &numbers));
    }
    let recorded: Vec<Recorded> = survey.releases.iter().map(Recorded::from).collect();
    let mut going = retention::surplus(&recorded, &state, &needed, &bounds, now);
    let journals = retention::surplus_journals(&survey.journals, &bounds, now);
    if !going.is_empty() {
        // A container without a record is an orphan, and containers are not removed here.
        let labelled = bench.engine.containers(&[format!("{}={}", label::APP, plan.target.app.name)]).await?;
        let there: Vec<ReleaseNumber> = labelled.iter().filter_map(prune::release_of).collect();
        going.retain(|number, _| !there.contains(number));
    }
    let going: Vec<&Release> =
        survey.releases.iter().filter(|release| going.contains_key(&release.number)).collect();
    if !going.is_empty() {
        let gone: BTreeSet<ReleaseNumber> = going.iter().map(|release| release.number).collect();
        state = retention::without(&state, &gone, &(&numbers - &gone), images(&going));
        let there = bench.engine.image_ids().await?;
        state.images.retain(|image| there.contains(&image.id));
        bench.records.put_state(&state)?;
    }
    give_up_claims(bench.engine.as_ref(), &going, bench.store.root()).await?;
    let numbers: Vec<ReleaseNumber> = going.iter().map(|release| release.number).collect();
    bench.records.remove(&numbers, &journals.into_keys().collect::<Vec<_>>())?;
    Ok(numbers.len())
}

/// Removes what is left of hooks that have ended: bgd was killed before it could.
async fn sweep(bench: &Bench<'_>, plan: &Plan) -> Result<()> {
    let has_hooks = std::iter::once(&plan.target).chain(&plan.former).any(|one| !one.app.hooks.is_empty());
    if !has_hooks {
        return Ok(());
    }
    let engine = bench.engine.as_ref();
    let hooks = own::all(engine, &[format!("{}={}", label::HOOK, plan.target.app.name)]).await?;
    for left in hooks.iter().filter(|one| one.state.status != "running") {
        left.discard(engine).await?;
    }
    Ok(())
}

/// The bounds of the newest release: a rollback does not bring back those of long ago.
pub(super) fn bounds(survey: &Survey) -> Retention {
    let newest = survey.read().max_by_key(|release| release.number);
    newest.map_or_else(Retention::default, |release| release.app.retention)
}

/// Removes the marks of containers that were adopted as these releases, so that they can be adopted again.
pub(super) async fn give_up_claims(engine: &dyn Engine, going: &[&Release], state: &Path) -> Result<()> {
    for release in going.iter().filter(|release| plan::is_foreign(release)) {
        for id in release.ids.values() {
            Claim::give_up(engine, id, &release.app.name, state).await?;
        }
    }
    Ok(())
}

/// The images of releases that go. What was there before bgd came is none that bgd deployed.
pub(super) fn images(going: &[&Release]) -> Vec<Deployed> {
    let own = going.iter().filter(|release| !plan::is_foreign(release));
    own.map(|release| Deployed { id: release.image_id.clone(), name: release.image.clone() }).collect()
}
