use std::time::Duration;

use super::queue::Queue;
use super::run::{Bench, agreed, confirm, told_of};
use super::source::{Configured, Source};
use super::summary::Summary;
use super::{Session, drift, reconcile};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName};
use crate::record::{AppStore, JournalState};
use crate::saga::Direction;

/// Finish or undo a deploy that was interrupted, and put right what was changed by hand.
///
/// What is served is read from the proxy, not from the journal. The decision and its reasons are shown first. Where a
/// container of the live release is gone or was changed, or a file that bgd wrote for the proxy, the release is deployed
/// anew from its record. When the records themselves are lost, they are made anew from the containers and from what the
/// proxy routes to.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The app
    #[arg(value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Where the configuration is, for an app whose records were lost
    #[command(flatten)]
    pub source: Source,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Whether it waits for its turn
    #[command(flatten)]
    pub queue: Queue,

    /// Where it is told how it went
    #[command(flatten)]
    pub summary: Summary,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    if let Some(app) = lost(&args, session)? {
        let bench = Bench::set_up(session, &app.name, args.queue.limit(Duration::from_secs(1))).await?;
        return reconcile::run(&bench, &app, args.yes).await;
    }
    let name = session.known_app(args.app.as_ref())?;
    let records = session.store()?.app(&name);
    match records.journal()? {
        // Without its record nothing can be brought to an end, and no lock is worth waiting for.
        JournalState::Open(replay) => told_of(&records, replay.release)?,
        JournalState::None | JournalState::Ended(_) => return put_right(records, session, &args).await,
    };
    let bench = Bench::set_up(session, &name, args.queue.limit(Duration::from_secs(1))).await?;
    let Some(replay) = bench.unfinished()? else {
        return drift::repair(&bench, args.yes).await;
    };
    let number = replay.release;
    let decision = bench.decide(&replay).await?;
    for reason in &decision.reasons {
        session.report.note(reason.clone());
    }
    let what = match decision.direction {
        Direction::Forward => format!("finish the deploy of release {number}"),
        Direction::Back => format!("undo the deploy of release {number}"),
    };
    session.report.note(format!("so: {what}"));
    if !agreed(args.yes, || confirm(&format!("{what}?"))) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    bench.resume(&replay, decision.direction, "interrupted").await
}

/// The app of the configuration, when there are no records of it: neither releases nor which of them was live.
fn lost(args: &Args, session: &Session) -> Result<Option<App>> {
    let configured = match args.source.read(session) {
        // A configuration that was not asked for must not stand in the way.
        Err(_) if args.source.files.is_empty() => None,
        other => other?,
    };
    let is_wanted = |name: &AppName| args.app.as_ref().is_none_or(|wanted| wanted == name);
    let is_lost = |name: &AppName| -> Result<bool> {
        let records = session.store()?.app(name);
        Ok(records.state()?.live().is_none() && records.journal()? == JournalState::None)
    };
    match configured {
        None => Ok(None),
        Some(Configured::File(_, app)) => Ok((is_wanted(&app.name) && is_lost(&app.name)?).then_some(*app)),
        Some(Configured::Project(project)) => {
            let mut lost = Vec::new();
            for one in project.managed() {
                if let Some(name) = one.app.filter(is_wanted)
                    && is_lost(&name)?
                {
                    lost.push((one.service, name));
                }
            }
            match lost.as_slice() {
                [(service, _)] => project.app(service).map(Some),
                // Those of which nothing is lost may be what is meant.
                _ => Ok(None),
            }
        }
    }
}

/// Nothing is unfinished. What was recorded and never begun is noted as such, a journal that only was not moved away is,
/// and what was changed by hand is put right.
async fn put_right(records: AppStore, session: &Session, args: &Args) -> Result<()> {
    let name = records.name().clone();
    let wait = args.queue.limit(Duration::from_secs(1));
    let is_left = records.never_begun()?.is_some() || matches!(records.journal()?, JournalState::Ended(_));
    if is_left {
        let records = records.clone().lock(wait).await?;
        // Whoever had the lock may have begun another deploy since.
        if let JournalState::Ended(_) = records.journal()? {
            records.archive()?;
        }
        if let Some(number) = records.settle()? {
            session
                .report
                .note(format!("the deploy of release {number} was interrupted before its first step"));
        }
    }
    let live = records.state()?.live().map(|live| records.release(live)).transpose()?.flatten();
    let Some(live) = live else {
        session.report.note(format!("nothing is unfinished for {name}"));
        return Ok(());
    };
    let bench = Bench::set_up(session, &live.app.name, wait).await?;
    drift::repair(&bench, args.yes).await
}
