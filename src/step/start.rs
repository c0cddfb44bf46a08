use futures_util::future::try_join_all;

use super::Context;
use crate::error::{Kind, Result};

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    // Followed from before the start, so that not even a death in the first millisecond is missed.
    let events = context.engine.events(&context.green_labels()).await?;
    *context.events.borrow_mut() = Some(events);
    let names = context.plan.target.containers.iter().map(|(name, _)| name);
    try_join_all(names.map(|name| async move {
        match context.engine.start(name).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let kind = if error.is_unreachable() { error.kind() } else { Kind::NotReady };
                Err(error.with_kind(kind).context(format!("{name} could not be started")))
            }
        }
    }))
    .await?;
    Ok(match context.plan.target.containers.len() {
        1 => String::new(),
        n => format!("{n} containers"),
    })
}

/// Stops what was started; `create`'s undo removes it if it was created as well.
pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    let present = context.green().await?;
    let grace = super::retire::grace(&context.plan.target);
    let running = present.iter().filter(|container| container.state.running);
    try_join_all(running.map(|container| context.engine.stop(&container.id, grace))).await?;
    Ok(())
}
