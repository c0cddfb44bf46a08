use std::time::Duration;

use jiff::Timestamp;

use super::queue::Queue;
use super::run::Bench;
use super::summary::Summary;
use super::{Session, moves, take_back};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, Release, ReleaseNumber};
use crate::plan::{self, Observation, Wish};
use crate::record::{AppStore, Happened, JournalState};
use crate::saga::Direction;
use crate::step::Step;

/// Go back to the release before, or to any other.
///
/// A warm release is switched to; a stopped one is started first, a removed one created again from its record. No
/// configuration file is needed. A second rollback comes back. While another bgd deploys or watches a release, that one is
/// asked to take it back, and does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bgd rollback              the only app, or the one of ./bgd.yaml
  bgd rollback api          this app
  bgd rollback api --to 3   to release 3 (see: bgd history api)")]
pub struct Args {
    /// The app
    #[arg(value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// The release to go to
    #[arg(long, value_name = "N")]
    pub to: Option<u32>,

    /// Whether it waits for its turn
    #[command(flatten)]
    pub queue: Queue,

    /// Where it is told how it went
    #[command(flatten)]
    pub summary: Summary,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let name = session.known_app(args.app.as_ref()).map_err(|error| {
        match session.store().and_then(|s| s.apps()) {
            Ok(apps) if apps.is_empty() => error.with_kind(Kind::NothingToRollBack),
            _ => error,
        }
    })?;
    let records = session.store()?.app(&name);
    let here = session.app_here(&name);
    wanted(&records, args.to)?;
    insist_other(&records, args.to)?;
    let asked = take_back::ask(session, &records).await?;
    let bench = Bench::set_up(session, &name, args.queue.limit(Duration::ZERO)).await?;
    if let Some(replay) = bench.unfinished()? {
        insist_other(&bench.records, args.to)?;
        let target = replay.release;
        let decision = bench.decide(&replay).await?;
        if replay.former.is_none() && decision.direction == Direction::Forward {
            // From muscle memory, that would take down all there is.
            return Err(Error::new(
                Kind::NothingToRollBack,
                format!("release {target} is the first one of {name}"),
            )
            .hint(format!("its deploy did not end; finish it with: bgd recover {name}")));
        }
        session.report.note(format!("the deploy of release {target} did not end: it is taken back"));
        let recorded = decision.direction == Direction::Forward
            && replay.last(Step::Record) == Some(&Happened::Succeeded);
        if recorded {
            bench.resume(&replay, Direction::Forward, "").await?;
        } else {
            bench.resume(&replay, Direction::Back, "bgd rollback").await?;
            if args.to.is_none_or(|to| replay.former == Some(ReleaseNumber(to))) {
                return Ok(());
            }
        }
    }
    let of_live =
        bench.records.state()?.live().map(|live| bench.records.release(live)).transpose()?.flatten();
    let known: Vec<&App> = here.iter().chain(of_live.as_ref().map(|release| &release.app)).collect();
    let wanted = bench.proxies.locate(&wanted(&bench.records, args.to)?, &known).await?;
    let observation = plan::observe(bench.engine.as_ref(), &bench.proxies, &bench.records, &wanted.app)
        .await
        .map_err(|error| gone(error, &wanted))?;
    let live = live(&observation, &name)?;
    if let Some(taken) = asked
        && taken != live
        && args.to.is_none_or(|to| to == live.0)
    {
        session.report.note(format!("release {taken} was taken back; release {live} of {name} is live"));
        return Ok(());
    }
    let number = args.to.map(ReleaseNumber).or_else(|| observation.state.previous(live));
    let number = number.ok_or_else(|| {
        Error::new(Kind::NothingToRollBack, format!("release {live} is the first one of {name}"))
            .hint(format!("see all releases with: bgd history {name}"))
    })?;
    if number == live {
        return Err(Error::new(Kind::NothingToRollBack, format!("release {live} of {name} is live already")));
    }
    let release = bench.proxies.locate(&record(&bench.records, number)?, &known).await?;
    let present = plan::present(bench.engine.as_ref(), &release).await?;
    let image = bench.engine.image(&release.image_id).await?;
    let wish = Wish::Return { release: &release, present: &present, image: image.as_ref() };
    let plan = plan::build(&observation, &wish, Timestamp::now())?;
    for line in moves::lines(&observation, &plan) {
        session.report.note(line);
    }
    let engine = bench.engine.as_ref();
    super::volumes::tell(engine, observation.former.as_ref(), &plan.target, session.report.as_ref()).await?;
    bench.execute(&plan).await
}

/// Refuses to take the deploy of a release back where that release is the one to go to.
fn insist_other(records: &AppStore, to: Option<u32>) -> Result<()> {
    let (Some(to), JournalState::Open(replay)) = (to.map(ReleaseNumber), records.journal()?) else {
        return Ok(());
    };
    if replay.release != to || replay.last(Step::Record) == Some(&Happened::Succeeded) {
        return Ok(());
    }
    let name = records.name();
    if let Some(holder) = records.holder().filter(|holder| holder.pid != std::process::id()) {
        return Err(Error::new(Kind::Locked, format!("release {to} of {name} is being deployed {holder}"))
            .hint(format!("see how far it is: bgd status {name}")));
    }
    Err(Error::new(
        Kind::NeedsRecovery,
        format!("the deploy of release {to} of {name} did not end: there is nothing yet to go back to"),
    )
    .hint(format!("bring it to its end: bgd recover {name}"))
    .hint(format!("or take it back: bgd rollback {name}")))
}

/// Where the proxy of a release is gone altogether, its configuration of today can be deployed.
fn gone(error: Error, wanted: &Release) -> Error {
    if error.kind() != Kind::Config {
        return error;
    }
    error.hint(format!(
        "release {} was routed by it; to have its image behind the proxy of today: bgd deploy {}",
        wanted.number, wanted.image
    ))
}

/// Any release whose configuration tells the proxy: the wanted one, else the one before, else the live one.
fn wanted(records: &AppStore, to: Option<u32>) -> Result<Release> {
    let state = records.state()?;
    let live = state.live();
    let number = to.map(ReleaseNumber).or_else(|| state.previous(live?)).or(live);
    let number = match number {
        Some(number) => Some(number),
        None => records.numbers()?.last().copied(),
    };
    match number {
        Some(number) => record(records, number),
        None => Err(Error::new(Kind::NothingToRollBack, format!("{} has no releases", records.name()))),
    }
}

fn record(records: &AppStore, number: ReleaseNumber) -> Result<Release> {
    let name = records.name();
    records.release(number)?.ok_or_else(|| {
        Error::new(Kind::NothingToRollBack, format!("{name} has no release {number}"))
            .hint(format!("see which there are with: bgd history {name}"))
    })
}

fn live(observation: &Observation, name: &AppName) -> Result<ReleaseNumber> {
    match (&observation.former, observation.live) {
        (Some(former), _) => Ok(former.number),
        (None, Some(live)) => Err(plan::record_is_lost(name, live)),
        (None, None) => Err(Error::new(Kind::NothingToRollBack, format!("nothing of {name} is live"))
            .hint("deploy it: bgd deploy IMAGE")),
    }
}
