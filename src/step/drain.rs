use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Context, Step};
use crate::config::show_duration;
use crate::error::Result;
use crate::model::Retire;
use crate::proxy::{Known, Route};

/// Has the proxy forget blue while what blue was given comes to its end: both leave what is live as it is, and neither
/// waits for the other.
pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let addresses = context.blue_addresses().await?;
    let keeps_blue = context.app().retire == Retire::Keep;
    let (forgotten, drained) = tokio::join!(forget(context, keeps_blue), wait(context, &addresses));
    forgotten?;
    drained
}

/// Has the proxy keep blue and forget only what the way back would have needed.
pub(super) async fn hold(context: &Context<'_>) -> Result<()> {
    forget(context, true).await
}

/// A name that is kept in the proxy after its containers are gone would be looked up in vain for ever.
async fn forget(context: &Context<'_>, keeps_blue: bool) -> Result<()> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let idle = if keeps_blue { context.blue_target().await? } else { None };
    let route = Route { live: Some(context.green_target().await?), idle };
    context.proxy.forget_idle(&route).await
}

/// Waits until it is known that nothing is in flight towards these addresses, at most as long as the configuration says.
pub(super) async fn wait(context: &Context<'_>, addresses: &[IpAddr]) -> Result<String> {
    let limit = context.app().drain_timeout;
    let began = Instant::now();
    loop {
        let left = context.proxy.in_flight(addresses).await?;
        match left.known() {
            Known::Nothing => return Ok(format!("nothing is in flight on the old release: {}", left.how)),
            Known::Something if began.elapsed() >= limit => {
                context.report.warn(
                    format!("after {} there were still {left} on the old release", show_duration(limit)),
                    Some("raise `drain.timeout` if they should have been given more time".to_owned()),
                );
                return Ok(format!("{left} were left at the deadline"));
            }
            Known::CannotTell(why) if began.elapsed() >= limit => {
                let waited = show_duration(limit);
                return Ok(format!(
                    "waited for the {waited} of drain.timeout, as bgd cannot tell what is in flight: {why}"
                ));
            }
            Known::Something | Known::CannotTell(_) => {}
        }
        let (done, total) = (began.elapsed().as_millis(), limit.as_millis());
        let to_u64 = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        context.progress(Step::Drain, to_u64(done), Some(to_u64(total)), left.to_string());
        sleep(Duration::from_millis(if began.elapsed() < Duration::from_secs(1) { 6 } else { 100 })).await;
    }
}
