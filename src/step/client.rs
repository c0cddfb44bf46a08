//! What a client of the app gets, before the proxy is changed and after the switch.
//!
//! bgd's marker proves that the proxy routes to a release. It does not prove that a client's request takes that route: a
//! location or a router of the user's may come before it, and the release may refuse the host that clients ask for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::Context;
use crate::error::{Error, Kind, Result};
use crate::model::{App, Health, shown_path};
use crate::probe::Request;
use crate::proxy::{Class, ClientGot, ClientRequest, Proxy};
use crate::record::Cause;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often a client has to get something worse before it is believed: Docker's DNS may be busy for a moment.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What a client gets whose requests are about to go to green; nothing when there is none.
pub(super) async fn before(context: &Context<'_>) -> Option<ClientGot> {
    let served = match &context.plan.former {
        _ if context.plan.cause == Cause::Adopt => context.app(),
        Some(former) if !context.plan.keeps_old_route() => &former.app,
        _ => return None,
    };
    let proxy = match context.proxy_of(served) {
        Ok(proxy) => proxy,
        Err(error) => return Some(ClientGot::NotAsked(error.one_line())),
    };
    Some(match proxy.client_request(path(served), LIMIT).await {
        Ok(client) => got(proxy.as_ref(), &client).await,
        Err(why) => ClientGot::NotAsked(why),
    })
}

/// Refuses a switch after which a client gets something worse than before. Returns what a client gets, for people.
pub(super) async fn compare(context: &Context<'_>) -> Result<String> {
    let proxy = context.green_proxy();
    let client = match proxy.client_request(path(context.app()), LIMIT).await {
        Ok(client) => client,
        Err(why) => return Ok(not_asked(&why)),
    };
    // Where it cannot be read what was before, there is nothing to compare with.
    let before = context.records.former().ok().flatten().and_then(|former| former.client);
    let is_worse = |now: &ClientGot| before.as_ref().is_some_and(|before| now.is_worse_than(before));
    let mut now = got(proxy, &client).await;
    for _ in 1..TRIES {
        if !is_worse(&now) {
            break;
        }
        sleep(PAUSE).await;
        now = got(proxy, &client).await;
    }
    if let ClientGot::NotAsked(why) = &now {
        return Ok(not_asked(why));
    }
    let told = told(&client, &now, before.as_ref());
    // The way back is not gone twice: whoever asked for the former release keeps it.
    let can_go_back = context.plan.cause != Cause::Rollback;
    if is_worse(&now) && !is_apps_choice(context, &client, &now).await {
        let error = why(context, &client, &now, Error::new(Kind::Proxy, told)).await;
        if can_go_back {
            return Err(error);
        }
        context.report.warn(error.to_string(), error.hints().first().cloned());
    } else if is_worse(&now) || (is_bad(&now) && !is_apps_choice(context, &client, &now).await) {
        context.report.warn(told, Some(client.remedy.clone()));
    }
    Ok(format!("a client is {now}"))
}

/// A path that is cheap for the app.
fn path(app: &App) -> &str {
    match &app.health {
        Health::Http { path, .. } => path,
        _ => "/",
    }
}

async fn got(proxy: &dyn Proxy, client: &ClientRequest) -> ClientGot {
    match proxy.vantage().await {
        Ok(vantage) => vantage.request(&client.request).await.into(),
        Err(error) => ClientGot::NotAsked(error.one_line()),
    }
}

fn not_asked(why: &str) -> String {
    format!("nothing was asked as a client would: {why}")
}

fn told(client: &ClientRequest, now: &ClientGot, before: Option<&ClientGot>) -> String {
    let Request { to, host, path, .. } = &client.request;
    let what = format!("GET {} for the host {host} at port {} is {now}", shown_path(path), to.port());
    match before {
        Some(before) if now.is_worse_than(before) => {
            format!("{what} since the switch, and was {before} before it")
        }
        _ => what,
    }
}

/// What proxies answer when they have no route, or reach nobody by it.
fn is_bad(got: &ClientGot) -> bool {
    matches!(got, ClientGot::Status(404 | 500..) | ClientGot::Nothing(_))
}

/// Whether green itself answers so where nobody said what it has to answer: that its `/` is a redirect or is not there is
/// the app's to decide. A path that it is asked for as its health check is answered 2xx by a release that is ready.
async fn is_apps_choice(context: &Context<'_>, client: &ClientRequest, now: &ClientGot) -> bool {
    let is_free = !matches!(context.app().health, Health::Http { .. });
    let may_be = matches!(now.class(), Some(Class::Redirect | Class::ClientError));
    is_free && may_be && class_of_green(context, client, context.app().name.as_str()).await == now.class()
}

/// Adds what to do, which depends on who answers so.
async fn why(context: &Context<'_>, client: &ClientRequest, now: &ClientGot, error: Error) -> Error {
    let host = client.request.host.as_str();
    if class_of_green(context, client, host).await != now.class() {
        return error.hint(client.remedy.clone());
    }
    error.hint(format!(
        "release {} itself answers so to a request for the host {host}; have it serve that host, or see its log",
        context.plan.target.number
    ))
}

/// What green answers when it is asked directly.
async fn class_of_green(context: &Context<'_>, client: &ClientRequest, host: &str) -> Option<Class> {
    let address = *context.green_addresses().await.ok()?.first()?;
    let to = SocketAddr::new(address, context.app().port);
    let request = Request::get(to, host, client.path.as_str(), LIMIT);
    let vantage = context.green_proxy().vantage().await.ok()?;
    ClientGot::from(vantage.request(&request).await).class()
}
