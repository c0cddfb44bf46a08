//! `bgd rollback` while another bgd deploys: that one is asked to take its release back.

use std::time::{Duration, Instant};

use super::Session;
use crate::error::{Error, Kind, Result};
use crate::model::ReleaseNumber;
use crate::record::{AppStore, Cause, Happened, Holder, JournalState, Replay};
use crate::step::Step;

/// How long a bgd may take to begin.
const HEARS: Duration = Duration::from_secs(10);
/// How long it may take beyond the time for requests in flight: the proxy, and the end of a container.
const UNDOES: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// Asks the bgd that deploys the app to take its release back, and waits until it has let go of the app. Returns that
/// release; `None` where no deploy is under way that could be taken back.
///
/// # Errors
/// Of kind `Locked` when it does not take it back.
pub(super) async fn ask(session: &Session, records: &AppStore) -> Result<Option<ReleaseNumber>> {
    let Some((holder, replay)) = deploying(records)? else { return Ok(None) };
    let (name, release) = (records.name(), replay.release);
    let drain = records.release(release)?.map(|release| release.app.drain_timeout).unwrap_or_default();
    records.ask_back(release)?;
    session.report.note(format!(
        "release {release} of {name} is being deployed {holder}: it is asked to take that back"
    ));
    let began = Instant::now();
    loop {
        let is_at_it = match deploying(records)? {
            Some((_, now)) if now.release == release => {
                now.happened.iter().any(|(_, what)| *what == Happened::Undoing)
            }
            // It has got past where it could be taken back, or it has ended.
            _ if records.holder().is_none_or(|now| now != holder) => return Ok(Some(release)),
            _ => true,
        };
        let limit = if is_at_it { HEARS + UNDOES + drain } else { HEARS };
        if began.elapsed() >= limit {
            records.ask_no_more()?;
            return Err(refused(records, &holder, release));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who deploys the app now, when what is done can be undone still.
fn deploying(records: &AppStore) -> Result<Option<(Holder, Replay)>> {
    let Some(holder) = records.holder() else { return Ok(None) };
    let JournalState::Open(replay) = records.journal()? else { return Ok(None) };
    let is_deploy = replay.cause == Cause::Deploy && replay.former.is_some();
    Ok((is_deploy && replay.last(Step::Record).is_none()).then_some((holder, replay)))
}

fn refused(records: &AppStore, holder: &Holder, release: ReleaseNumber) -> Error {
    let name = records.name();
    let own = nix::unistd::geteuid();
    let kill = if own.is_root() || own.as_raw() == holder.uid { "kill" } else { "sudo kill" };
    Error::new(
        Kind::Locked,
        format!("release {release} of {name} is being deployed {holder}, which does not take it back"),
    )
    .hint(format!("stop it and take its release back:  {kill} -INT {}; bgd rollback {name}", holder.pid))
}
