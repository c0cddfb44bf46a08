//! Blue serves again before requests go back to it.

use super::{Context, ready, smoke, start};
use crate::error::{Error, Kind, Result};
use crate::plan::Plan;

/// Starts blue where it was stopped since the traffic left it, and proves it as a release that is deployed is. Where green
/// serves nothing either, going back makes nothing worse, whatever blue is like.
///
/// # Errors
/// When green serves and blue cannot: the traffic stays where it is, and nothing was changed.
pub(super) async fn run(context: &Context<'_>) -> Result<()> {
    let Some(former) = &context.plan.former else { return Ok(()) };
    let blue = context.blue().await?;
    let target = &context.plan.target;
    if blue.all_running() || context.routes().await?.to(target).is_none() {
        return Ok(());
    }
    let green_serves = context.green().await?.all_running();
    let woken = if blue.is_whole() { wake(context).await } else { Err(gone(context)) };
    match woken {
        Err(error) if green_serves => {
            let (app, number) = (&target.app.name, target.number);
            Err(error
                .with_kind(Kind::NeedsRecovery)
                .context(format!(
                    "release {number} of {app} stays live: release {} cannot take its place",
                    former.number
                ))
                .hint(format!("have the deploy of release {number} finished: bgd recover {app}"))
                .hint("after that a rollback makes what is missing again"))
        }
        Err(error) => {
            context.report.warn(error.one_line(), None);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn wake(context: &Context<'_>) -> Result<()> {
    let Some(former) = &context.plan.former else { return Ok(()) };
    let mut target = former.clone();
    for (entry, container) in target.containers.iter_mut().zip(context.blue().await?.iter()) {
        // People rename containers.
        entry.0.clone_from(&container.name);
    }
    context
        .report
        .note(format!("release {} does not run: it is started before it is gone back to", target.number));
    let plan = Plan { cause: context.plan.cause, target, former: None, steps: Vec::new() };
    let blue = context.with(&plan)?;
    start::run(&blue).await?;
    ready::run(&blue).await?;
    if !plan.target.app.smoke.is_empty() {
        smoke::run(&blue).await?;
    }
    Ok(())
}

fn gone(context: &Context<'_>) -> Error {
    let number = context.plan.former.as_ref().map(|former| former.number.to_string()).unwrap_or_default();
    Error::new(Kind::NeedsRecovery, format!("release {number} has no container any more"))
}
