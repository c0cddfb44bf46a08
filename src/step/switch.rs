use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::{Context, Step};
use crate::error::{Error, Kind, Result};
use crate::probe::{FailureKind, Request, cheap_path};

/// How long green may take to answer right before the switch. Only that somebody is there is asked.
const LIMIT: Duration = Duration::from_secs(1);

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let route = context.switched_route().await?;
    let green = route.live.iter().flat_map(|target| target.addresses.iter().map(|at| (*at, target.port)));
    try_join_all(green.map(|(address, port)| still_there(context, SocketAddr::new(address, port)))).await?;
    context.green_proxy().switch(&route).await?;
    Ok(String::new())
}

/// Refuses to send traffic to a container that has ended since it was found ready, of which the engine may not know yet.
async fn still_there(context: &Context<'_>, at: SocketAddr) -> Result<()> {
    let host = context.app().name.as_str();
    let path = cheap_path(context.app());
    let vantage = context.green_proxy().vantage().await?;
    let Err(failure) = vantage.request(&Request::get(at, host, path, LIMIT)).await else { return Ok(()) };
    match failure.kind {
        FailureKind::Refused | FailureKind::Unreachable => {
            let message = format!("release {} is not there any more", context.plan.target.number);
            Err(Error::new(Kind::NotReady, message).caused_by(format!("{at}: {failure}")))
        }
        // The host may only be busy. By now the engine knows.
        FailureKind::ConnectTimeout => context.green_addresses().await.map(drop),
        // Somebody is there. Where this place itself fails, the switch will tell.
        _ => Ok(()),
    }
}

/// Moves the traffic back, then lets green finish what it was given.
pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    super::stage::undo(context).await?;
    let addresses = context.green().await?.addresses(context.app().network.as_str());
    let deadline = Instant::now() + context.app().drain_timeout;
    while Instant::now() < deadline {
        match context.green_proxy().in_flight(&addresses).await {
            Ok(left) if left.is_empty() => break,
            Ok(left) => context.waiting(Step::Drain, left.to_string()),
            // A proxy that cannot be asked holds no requests that could be waited for.
            Err(_) => break,
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
