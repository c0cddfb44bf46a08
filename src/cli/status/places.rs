//! What a move has left in another proxy of an app.

use crate::cli::recorded::Recorded;
use crate::model::ReleaseNumber;
use crate::plan;
use crate::proxy::Proxies;

/// The routes that a move has left to another release than the live one, a line each.
pub(super) async fn left(proxies: &Proxies, one: &Recorded, live: Option<ReleaseNumber>) -> Vec<String> {
    let (Some(app), Some(live)) = (one.app(), live) else { return Vec::new() };
    // Most apps have never moved: one look at the records tells.
    let releases = one.store.survey().unwrap_or_default();
    if releases.read().all(|release| release.app.proxy.is_same_place(&app.proxy)) {
        return Vec::new();
    }
    let routes = match plan::routes(proxies, &one.store, app).await {
        Ok(routes) => routes,
        Err(error) => return vec![error.one_line()],
    };
    let others = routes.iter().filter(|routed| !routed.app.proxy.is_same_place(&app.proxy));
    let others = others.filter(|routed| routed.live.release != Some(live));
    others
        .map(|routed| {
            let what = match routed.live.release {
                Some(number) => format!("release {number}"),
                None => format!("the slot {}", routed.live.slot),
            };
            format!(
                "{} still sends its requests to {what}, since the app has moved: a deploy with  move: {{ keep_old: 0s }}  ends that",
                routed.describe()
            )
        })
        .collect()
}
