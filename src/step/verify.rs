use super::Context;
use super::client;
use super::ready::bad_event;
use crate::error::Result;
use crate::plan::Move;

/// Proves the switch, at the proxy and as a client would see it, unless green is lost meanwhile: then every moment of
/// waiting for the proof costs requests.
pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let route = context.switched_route().await?;
    tokio::select! {
        biased;
        proved = context.green_proxy().verify(&route) => proved?,
        lost = bad_event(context) => return Err(lost),
    }
    if context.plan.moves() == Move::Within {
        // Until now both routes were there, and nobody can say which one a request takes.
        context.blue_proxy().withdraw().await?;
        context.green_proxy().verify(&route).await?;
    }
    context.switched.set(true);
    let client = tokio::select! {
        biased;
        compared = client::compare(context) => compared?,
        lost = bad_event(context) => return Err(lost),
    };
    Ok(format!(
        "{} routes to release {}; {client}",
        context.green_proxy().describe(),
        context.plan.target.number
    ))
}
