//! Records that were lost are made anew from what is there.

use jiff::Timestamp;

use super::run::{Bench, confirm};
use crate::error::{Error, Kind, Result};
use crate::model::{App, label};
use crate::plan::{self, Rebuilt};

/// Shows what the records would be, and writes them when that was agreed to. Touches no container and no proxy.
pub(super) async fn run(bench: &Bench<'_>, app: &App, yes: bool) -> Result<()> {
    let report = bench.session.report.as_ref();
    let live = bench.proxies.of(app)?.live().await?;
    let labelled = bench.engine.containers(&[format!("{}={}", label::APP, app.name)]).await?;
    let containers = futures_util::future::try_join_all(
        labelled.iter().map(|summary| bench.engine.container(&summary.id)),
    )
    .await?;
    let containers: Vec<_> = containers.into_iter().flatten().collect();
    if live.is_none() && containers.is_empty() {
        report.note(format!("nothing of {} has been deployed on this host yet: bgd deploy IMAGE", app.name));
        return Ok(());
    }
    let Rebuilt { releases, state, unknown } = plan::rebuild(app, &containers, live, Timestamp::now())?;
    report.note(format!("the records of {} are lost; what is there tells of:", app.name));
    for release in &releases {
        let names: Vec<_> = release.containers.iter().map(|(name, _)| name.as_str()).collect();
        let is_live = state.live() == Some(release.number);
        let live = if is_live { ", to which the proxy routes" } else { "" };
        report.note(format!("release {} of {} in {}{live}", release.number, release.image, names.join(", ")));
    }
    for what in unknown {
        report.note(format!("it could not be known: {what}"));
    }
    if !super::run::agreed(yes, || confirm("Make the records anew from this?")) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    for release in &releases {
        bench.records.put_release(release)?;
    }
    // It comes last: a crash before it leaves records that are made anew once more.
    bench.records.put_state(&state)?;
    report.note(format!("the records of {} are back: see bgd history {}", app.name, app.name));
    Ok(())
}
