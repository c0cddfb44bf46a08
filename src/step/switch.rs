use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Context, Step};
use crate::error::Result;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    context.proxy.switch(&context.switched_route().await?).await?;
    Ok(String::new())
}

/// Moves the traffic back, then lets green finish what it was given.
pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    super::stage::undo(context).await?;
    let addresses = context.green().await?.addresses(context.app().network.as_str());
    let deadline = Instant::now() + context.app().drain_timeout;
    while Instant::now() < deadline {
        match context.proxy.in_flight(&addresses).await {
            Ok(left) if left.is_empty() => break,
            Ok(left) => context.waiting(Step::Drain, left.to_string()),
            // A proxy that cannot be asked holds no requests that could be waited for.
            Err(_) => break,
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
