use super::Context;
use crate::error::{Error, Kind, Result};

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    // Taken up again after an interruption, the files may be bgd's new ones already.
    if context.records.former()?.is_none() {
        context.records.put_former(&context.proxy.snapshot().await?)?;
    }
    context.proxy.stage(&context.staged_route().await?).await?;
    Ok(context.proxy.describe())
}

/// Puts the proxy's files back as they were. What was never kept was never changed.
pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    let Some(former) = context.records.former()? else { return Ok(()) };
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let restored = context.proxy.restore(&former).await.map_err(|error| stuck(context, error))?;
    if restored == crate::proxy::Restored::WhenItRuns {
        context.report.warn(
            format!(
                "{} does not run: its former configuration is back and will be used when it does",
                context.proxy.describe()
            ),
            Some(format!("docker start {}", context.proxy_container())),
        );
    }
    Ok(())
}

fn stuck(context: &Context<'_>, error: Error) -> Error {
    error
        .with_kind(Kind::Stuck)
        .context(format!("the former configuration of {} could not be put back", context.proxy.describe()))
}
