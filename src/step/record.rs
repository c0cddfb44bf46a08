use jiff::Timestamp;

use super::Context;
use crate::error::Result;
use crate::model::Outcome;
use crate::record::Cause;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let mut release = context.plan.target.clone();
    // An adopted release stays one, or its containers would count as bgd's own.
    if release.outcome != Outcome::Adopted {
        release.outcome = Outcome::Deployed;
    }
    release.proxy = context.proxy_identity().await;
    context.records.update_release(&release)?;
    let mut state = context.records.state()?;
    // Where it was lost which release was live, or its deploy lost its journal, a rollback still has to go back to it.
    if let Some(former) = &context.plan.former {
        state.activate(former.number, Cause::Recover, Timestamp::now());
    }
    state.activate(release.number, context.plan.cause, Timestamp::now());
    context.records.put_state(&state)?;
    Ok(format!("release {}", release.number))
}
