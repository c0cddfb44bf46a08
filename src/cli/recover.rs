use std::time::Duration;

use super::queue::Queue;
use super::reconcile::Origin;
use super::recorded::Recorded;
use super::run::{Bench, agreed, confirm, told_of};
use super::source::{Configured, Source};
use super::summary::Summary;
use super::trouble::Trouble;
use super::{Session, diagnose, drift, reconcile};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, Release};
use crate::record::{AppStore, JournalState};
use crate::saga::Direction;

/// Finish or undo a deploy that was interrupted, and put right what was changed by hand.
///
/// What is served is read from the proxy, not from the journal. The decision and its reasons are shown first. Where a
/// container of the live release is gone or was changed, a file that bgd wrote for the proxy was, or the proxy does not
/// reach the release any more, it is deployed anew from its record. Records that are lost or damaged are made anew from the
/// containers and from what the proxy routes to; those that can be read stay as they are.
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
    let configured = configured(&args, session)?;
    let name = match lost(configured.as_ref(), &args, session)? {
        Some(name) => name,
        None => session.known_app(args.app.as_ref())?,
    };
    let records = session.store()?.app(&name);
    let app = match records.journal()? {
        JournalState::Open(replay) => told_of(&records, replay.release)?.app,
        JournalState::None | JournalState::Ended(_) => {
            let written = configured.map(|one| written(one, &name)).transpose()?.flatten();
            return put_right(records, session, &args, written).await;
        }
    };
    let bench = Bench::set_up(session, &name, args.queue.limit(Duration::from_secs(1))).await?;
    let Some(replay) = bench.unfinished()? else {
        return drift::repair(&bench, &app, None, args.yes).await;
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

fn configured(args: &Args, session: &Session) -> Result<Option<Configured>> {
    match args.source.read(session) {
        // A configuration that was not asked for must not stand in the way.
        Err(_) if args.source.files.is_empty() => Ok(None),
        other => other,
    }
}

/// The app of the configuration, when there are no records of it: neither releases nor which of them was live.
fn lost(configured: Option<&Configured>, args: &Args, session: &Session) -> Result<Option<AppName>> {
    let is_wanted = |name: &AppName| args.app.as_ref().is_none_or(|wanted| wanted == name);
    let known = session.store()?.apps()?;
    let is_lost = |name: &AppName| !known.contains(name);
    match configured {
        None => Ok(None),
        Some(Configured::File(_, app)) => {
            Ok(Some(app.name.clone()).filter(|name| is_wanted(name) && is_lost(name)))
        }
        Some(Configured::Project(project)) => {
            let apps = project.managed().into_iter().filter_map(|one| one.app);
            let lost: Vec<AppName> = apps.filter(|name| is_wanted(name) && is_lost(name)).collect();
            // Of several, those of which nothing is lost may be what is meant.
            Ok(<[AppName; 1]>::try_from(lost).ok().map(|[name]| name))
        }
    }
}

/// What the configuration says of an app.
fn written(configured: Configured, name: &AppName) -> Result<Option<App>> {
    match configured {
        Configured::File(_, app) => Ok(Some(*app).filter(|app| app.name == *name)),
        Configured::Project(project) => {
            let service = project.managed().into_iter().find(|one| one.app.as_ref() == Some(name));
            service.map(|one| project.app(&one.service)).transpose()
        }
    }
}

/// Nothing is unfinished. What was recorded and never begun is noted as such, a journal that only was not moved away is,
/// records that are lost are made anew, and what was changed by hand is put right.
async fn put_right(records: AppStore, session: &Session, args: &Args, written: Option<App>) -> Result<()> {
    let name = records.name().clone();
    let wait = args.queue.limit(Duration::from_secs(1));
    settle(&records, session, wait).await?;
    let recorded = Recorded::read(records);
    let today = written.clone();
    let ways = ways(&recorded, written);
    let Some((first, _)) = ways.first() else {
        return match recorded.releases.into_values().find_map(Result::err) {
            Some(error) => Err(error
                .context(format!("no record of {name} can be read, so its proxy is not known"))
                .hint(format!("name its configuration: bgd recover {name} -f FILE"))),
            None => {
                session.report.note(format!("nothing is recorded of {name}"));
                Ok(())
            }
        };
    };
    let bench = Bench::set_up(session, &first.name, wait).await?;
    // The configuration may name another proxy by now than the one that routes to the app.
    let mut way = &ways[0];
    for other in &ways {
        if matches!(bench.proxies.of(&other.0)?.live().await, Ok(Some(_))) {
            way = other;
            break;
        }
    }
    let (app, origin) = way;
    let (_, diagnosis) =
        diagnose::one((&bench.engine, &session.proxies(&bench.engine)), &bench.records, app).await?;
    let is_lost = recorded.releases.is_empty() || diagnosis.troubles.iter().any(Trouble::is_of_records);
    if is_lost {
        reconcile::run(&bench, app, *origin, args.yes).await?;
        if bench.records.state()?.live().is_none() {
            return Ok(());
        }
    }
    drift::repair(&bench, app, today.as_ref(), args.yes).await
}

/// Notes what was never begun, and moves the journal of what has ended away.
async fn settle(records: &AppStore, session: &Session, wait: Duration) -> Result<()> {
    // A record that is damaged is looked at later.
    let never_begun = matches!(records.never_begun(), Ok(Some(_)));
    if !never_begun && !matches!(records.journal()?, JournalState::Ended(_)) {
        return Ok(());
    }
    let records = records.clone().lock(wait).await?;
    // Whoever had the lock may have begun another deploy since.
    if let JournalState::Ended(_) = records.journal()? {
        records.archive()?;
    }
    if let Some(number) = records.settle()? {
        session.report.note(format!("the deploy of release {number} was interrupted before its first step"));
    }
    Ok(())
}

/// The configurations by which the proxy may be found, and by which a record can be made anew: that of the live release,
/// what is written now, and those of the other releases, newest first.
fn ways(recorded: &Recorded, written: Option<App>) -> Vec<(App, Origin)> {
    let of = |release: &Release| (release.app.clone(), Origin::Release(release.number));
    let live = recorded.live().and_then(|live| recorded.release(live)).map(of);
    let written = written.map(|app| (app, Origin::File));
    live.into_iter().chain(written).chain(recorded.readable().rev().map(of)).collect()
}
