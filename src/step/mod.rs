//! The steps of a deploy: what each does, and how it is undone. Each can run twice and be undone twice.

mod arrival;
mod check;
mod client;
mod containers;
mod context;
mod create;
mod drain;
mod hook;
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
mod wake;
mod watch;

pub use check::check_command;
pub use context::Context;
pub use hook::Unstarted;
pub use kind::Step;

use crate::error::Result;

/// Does a step. Returns what came of it, for people.
///
/// # Errors
/// The step's own; it may have had its effect in part, and undoing it takes that back.
pub async fn run(step: Step, context: &Context<'_>) -> Result<String> {
    if step > Step::Record && context.hold_if_green_is_dead().await? {
        return Ok(String::new());
    }
    // Boxed: the futures of all steps would lie on the stack.
    match step {
        Step::Create => Box::pin(create::run(context)).await,
        Step::Start => Box::pin(start::run(context)).await,
        Step::Ready => Box::pin(ready::run(context)).await,
        Step::Smoke => Box::pin(smoke::run(context)).await,
        Step::Stage => Box::pin(stage::run(context)).await,
        Step::Switch => Box::pin(switch::run(context)).await,
        Step::Verify => Box::pin(verify::run(context)).await,
        Step::Watch => Box::pin(watch::run(context)).await,
        Step::Record => Box::pin(record::run(context)).await,
        Step::Drain => Box::pin(drain::run(context)).await,
        Step::Retire => Box::pin(retire::run(context)).await,
        Step::Rename => Box::pin(rename::run(context)).await,
        Step::Pull => Ok(String::new()),
        Step::BeforeDeploy
        | Step::BeforeStart
        | Step::BeforeSwitch
        | Step::AfterSwitch
        | Step::BeforeRetire
        | Step::AfterDeploy
        | Step::OnRollback
        | Step::OnFailure => hook::run(context, step, None).await,
    }
}

/// Runs a hook that tells why all was undone.
///
/// # Errors
/// Of kind `Hook` when it failed or took too long.
pub async fn tell(step: Step, context: &Context<'_>, reason: &str) -> Result<String> {
    hook::run(context, step, Some(reason)).await
}

/// Goes on with a hook that an earlier bgd has begun. `None` when it cannot be known whether it ran.
///
/// # Errors
/// Of kind `Hook` when it failed.
pub async fn resume_hook(
    step: Step,
    context: &Context<'_>,
    unstarted: Unstarted<'_>,
) -> Result<Option<String>> {
    hook::resume(context, step, unstarted).await
}

/// Notes in the log of the hooks that it is not known whether this one ran.
pub fn note_unknown_hook(step: Step, context: &Context<'_>) {
    hook::note_unknown(context, step);
}

/// Ends a hook that is under way.
pub async fn stop_hook(step: Step, context: &Context<'_>) {
    hook::stop(context, step).await;
}

/// Removes what is left of a hook once the journal says how it ended.
pub async fn tidy_hook(step: Step, context: &Context<'_>) {
    hook::tidy(context, step).await;
}

/// The command of the hook of this step; `None` when there is none.
pub fn hook_command(step: Step, context: &Context<'_>) -> Option<String> {
    context.plan.hook(step).map(|(hook, _)| hook.command.join(" "))
}

/// Why the traffic cannot go back to blue; nothing when it can.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn no_way_back(context: &Context<'_>) -> Result<Option<String>> {
    watch::blue_fails_too(context, None).await
}

/// Leaves blue as it is, also in the proxy, because both releases fail: what the way back would have needed is forgotten.
/// What cannot be forgotten now is with the next deploy.
pub async fn hold(context: &Context<'_>) {
    if let Err(error) = drain::hold(context).await {
        tracing::debug!("the proxy keeps what only a way back would need: {}", error.one_line());
    }
}

/// Makes sure before a switch is undone that the release to which the traffic goes back serves.
///
/// # Errors
/// When it does not and the one that is live does: nothing was changed then.
pub async fn wake_former(context: &Context<'_>) -> Result<()> {
    Box::pin(wake::run(context)).await
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
        Step::BeforeDeploy
        | Step::BeforeStart
        | Step::BeforeSwitch
        | Step::AfterSwitch
        | Step::BeforeRetire
        | Step::AfterDeploy
        | Step::OnRollback
        | Step::OnFailure => {
            hook::tidy(context, step).await;
            Ok(())
        }
    }
}
