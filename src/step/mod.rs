//! The steps of a deploy: what each does, and how it is undone. Each can run twice and be undone twice.

mod containers;
mod context;
mod create;
mod drain;
mod kind;
mod ready;
mod record;
mod rename;
mod retire;
mod smoke;
mod stage;
mod start;
mod switch;
mod verify;
mod watch;

pub use context::Context;
pub use kind::Step;
pub use ready::check_command;

use crate::error::Result;

/// Does a step. Returns what came of it, for people.
///
/// # Errors
/// The step's own; it may have had its effect in part, and undoing it takes that back.
pub async fn run(step: Step, context: &Context<'_>) -> Result<String> {
    if step > Step::Record && context.hold_if_green_is_dead().await? {
        return Ok(String::new());
    }
    match step {
        Step::Create => create::run(context).await,
        Step::Start => start::run(context).await,
        Step::Ready => ready::run(context).await,
        Step::Smoke => smoke::run(context).await,
        Step::Stage => stage::run(context).await,
        Step::Switch => switch::run(context).await,
        Step::Verify => verify::run(context).await,
        Step::Watch => watch::run(context).await,
        Step::Record => record::run(context),
        Step::Drain => drain::run(context).await,
        Step::Retire => retire::run(context).await,
        Step::Rename => rename::run(context).await,
        Step::Pull => Ok(String::new()),
    }
}

/// Leaves blue as it is, also in the proxy, because both releases fail: what the way back would have needed is forgotten.
/// What cannot be forgotten now is with the next deploy.
pub async fn hold(context: &Context<'_>) {
    if let Err(error) = drain::hold(context).await {
        tracing::debug!("the proxy keeps what only a way back would need: {}", error.one_line());
    }
}

/// Takes back the effect of a step, also one that happened only in part.
///
/// Steps after the record is written have no way back: from there going back is a deploy of its own.
///
/// # Errors
/// When the effect could not be taken back: the deploy is stuck then.
pub async fn undo(step: Step, context: &Context<'_>) -> Result<()> {
    match step {
        Step::Create => create::undo(context).await,
        Step::Start => start::undo(context).await,
        Step::Stage => stage::undo(context).await,
        Step::Switch => switch::undo(context).await,
        Step::Pull
        | Step::Ready
        | Step::Smoke
        | Step::Verify
        | Step::Watch
        | Step::Record
        | Step::Drain
        | Step::Retire
        | Step::Rename => Ok(()),
    }
}
