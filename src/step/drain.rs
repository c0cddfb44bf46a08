use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Context, Step};
use crate::config::show_duration;
use crate::error::Result;
use crate::model::{App, Retire};
use crate::plan::Move;
use crate::proxy::{Known, Proxy, Restored, Route};

/// Has the proxy forget blue while what blue was given comes to its end: both leave what is live as it is, and neither
/// waits for the other.
pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    if context.plan.moves() == Move::Elsewhere {
        return leave(context).await;
    }
    let addresses = context.blue_addresses().await?;
    let keeps_blue = context.app().retire == Retire::Keep;
    let (forgotten, drained) =
        tokio::join!(forget(context, keeps_blue), wait(context, context.blue_proxy(), &addresses));
    forgotten?;
    drained
}

/// Leaves the proxy from which the app has moved away: it goes on serving blue for as long as the user says, or its route
/// is taken away now.
async fn leave(context: &Context<'_>) -> Result<String> {
    forget(context, false).await?;
    let Some(former) = &context.plan.former else { return Ok(String::new()) };
    let (proxy, number) = (&former.app.proxy, former.number);
    if !context.blue_proxy().is_there().await? {
        return Ok(format!("there is no {} any more", proxy.container()));
    }
    if context.plan.keeps_old_route() {
        return Ok(format!("{} goes on sending its requests to release {number}", proxy.describe()));
    }
    withdraw(context, &former.app).await?;
    wait(context, context.blue_proxy(), &context.blue_addresses().await?).await
}

/// Takes the route of an earlier release away from its proxy, which another one has followed.
pub(super) async fn withdraw(context: &Context<'_>, app: &App) -> Result<()> {
    let proxy = context.proxy_of(app)?;
    let _writing = context.store.lock_proxy(app.proxy.container().as_str()).await?;
    if proxy.withdraw().await? == Restored::WhenItRuns {
        let message =
            format!("{} does not run: the route was taken out of its configuration", proxy.describe());
        context.report.warn(message, None);
    }
    Ok(())
}

/// Has the proxy keep blue and forget only what the way back would have needed.
pub(super) async fn hold(context: &Context<'_>) -> Result<()> {
    forget(context, true).await
}

/// A name that is kept in the proxy after its containers are gone would be looked up in vain for ever.
async fn forget(context: &Context<'_>, keeps_blue: bool) -> Result<()> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let keeps_blue = keeps_blue && context.plan.moves() == Move::None;
    let idle = if keeps_blue { context.blue_target().await? } else { None };
    let route = Route { live: Some(context.green_target().await?), idle };
    context.green_proxy().forget_idle(&route).await
}

/// Waits until it is known that nothing is in flight from a proxy towards these addresses, at most as long as the configuration says.
pub(super) async fn wait(context: &Context<'_>, proxy: &dyn Proxy, addresses: &[IpAddr]) -> Result<String> {
    let limit = context.app().drain_timeout;
    let began = Instant::now();
    loop {
        let left = proxy.in_flight(addresses).await?;
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
