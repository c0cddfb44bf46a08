use std::time::Duration;

use super::Session;
use super::run::{Bench, confirm};
use crate::error::{Error, Kind, Result};
use crate::model::{AppName, ReleaseNumber};
use crate::record::JournalState;
use crate::saga::Direction;

/// Finish or undo a deploy that was interrupted.
///
/// What is served is read from the proxy, not from the journal. The decision and its reasons are shown first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The app
    #[arg(value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let name = session.known_app(args.app.as_ref())?;
    let records = session.store()?.app(&name);
    let number = match records.journal()? {
        JournalState::None => {
            session.report.note(format!("nothing is unfinished for {name}"));
            return Ok(());
        }
        JournalState::Open(replay) | JournalState::Ended(replay) => replay.release,
    };
    let app = release(&records, number)?.app;
    let bench = Bench::set_up(session, &app, Duration::from_secs(1)).await?;
    let Some(replay) = bench.unfinished()? else {
        session.report.note(format!("nothing is unfinished for {name}"));
        return Ok(());
    };
    let decision = bench.decide(&replay).await?;
    for reason in &decision.reasons {
        session.report.note(reason.clone());
    }
    let what = match decision.direction {
        Direction::Forward => format!("finish the deploy of release {number}"),
        Direction::Back => format!("undo the deploy of release {number}"),
    };
    session.report.note(format!("so: {what}"));
    use std::io::IsTerminal;
    if !args.yes && std::io::stdin().is_terminal() && !confirm(&format!("{what}?")) {
        return Err(Error::new(Kind::NeedsRecovery, "nothing was done"));
    }
    bench.resume(&replay, decision.direction, "interrupted").await
}

fn release(records: &crate::record::AppStore, number: ReleaseNumber) -> Result<crate::model::Release> {
    records.release(number)?.ok_or_else(|| {
        Error::new(Kind::Stuck, format!("the journal tells of release {number}, which has no record"))
            .hint("it was interrupted before anything was created: move the journal away")
    })
}
