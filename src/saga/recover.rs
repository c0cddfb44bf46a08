use super::execute::{Done, Saga, replayed};
use super::status::Phase;
use super::{Cancel, Status};
use crate::error::Result;
use crate::proxy::Live;
use crate::record::{Happened, Replay};
use crate::step::{Context, Step};

/// Which way an interrupted deploy is brought to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The steps that are left are done.
    Forward,
    /// What was done is undone.
    Back,
}

/// What recovery will do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The way.
    pub direction: Direction,
    /// The reasons, for people.
    pub reasons: Vec<String>,
}

/// Decides how an interrupted deploy is brought to its end. What is served is what the proxy says, not the journal.
///
/// # Errors
/// A journal that is not in a legal order.
pub fn decide(
    replay: &Replay,
    live: Option<Live>,
    target: &crate::model::Release,
    green_runs: bool,
) -> Result<Decision> {
    let status = replayed(replay)?;
    let number = target.number;
    let is_live = live
        .is_some_and(|live| live.slot == target.slot && live.release.is_none_or(|release| release == number));
    let mut reasons = vec![match (at(&status), is_live) {
        (Some(step), _) => format!("the deploy of release {number} was interrupted in or before: {step}"),
        (None, _) => format!("the deploy of release {number} was interrupted after its last step"),
    }];
    if replay.is_torn {
        reasons.push("its last line was cut short: what that announced had not begun".to_owned());
    }
    reasons.push(if is_live {
        format!("the proxy routes to release {number}")
    } else {
        format!("the proxy does not route to release {number}")
    });
    let recorded = replay.last(Step::Record) == Some(&Happened::Succeeded);
    let unwinding = matches!(status.phase, Phase::Unwinding(_) | Phase::Stuck(_) | Phase::Telling(_));
    let direction = if unwinding {
        reasons.push("it was being undone: that is finished".to_owned());
        Direction::Back
    } else if recorded {
        reasons.push("it is recorded as live: from there it only goes forward".to_owned());
        Direction::Forward
    } else if is_live && green_runs {
        reasons.push("its containers run".to_owned());
        Direction::Forward
    } else {
        if is_live {
            reasons.push("its containers do not all run".to_owned());
        }
        Direction::Back
    };
    Ok(Decision { direction, reasons })
}

/// Brings an interrupted deploy to its end in the way that was decided.
///
/// # Errors
/// Those of the steps, as for a deploy.
pub async fn resume(
    context: &Context<'_>,
    cancel: &Cancel,
    replay: &Replay,
    direction: Direction,
    reason: &str,
) -> Result<Option<Done>> {
    let mut saga = Saga::replay(context, cancel, replay)?;
    saga.remove_ended_hooks(replay).await;
    match direction {
        Direction::Forward => saga.forward().await.map(Some),
        Direction::Back => saga.unwind(reason).await.map(|()| None),
    }
}

fn at(status: &Status) -> Option<Step> {
    match &status.phase {
        Phase::In(step)
        | Phase::Failed(step)
        | Phase::Stuck(step)
        | Phase::Telling(step)
        | Phase::Unwinding(Some(step)) => Some(*step),
        _ => status.next(),
    }
}
