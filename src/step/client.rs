//! What a client of the app gets, before the proxy is changed, after the switch, and once the old release is gone.
//!
//! bgd's marker proves that the proxy routes to a release. It does not prove that a client's request takes that route: a
//! location or a router of the user's may come before it, and the release may refuse the host that clients ask for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::Context;
use super::arrival;
use crate::error::{Error, Kind, Result};
use crate::model::{Health, shown_path};
use crate::plan::{Move, Present};
use crate::probe::{Request, cheap_path};
use crate::proxy::{Arrival, Class, ClientGot, ClientRequest, Proxy};
use crate::record::Cause;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often a client has to get something worse before it is believed: Docker's DNS may be busy for a moment.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What a client got, and whether its request came to the release that was live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The answer.
    pub got: ClientGot,
    /// Nothing where that cannot be seen.
    pub arrival: Option<Arrival>,
}

impl Seen {
    fn not_asked(why: String) -> Self {
        Self { got: ClientGot::NotAsked(why), arrival: None }
    }
}

/// What a client gets whose requests are about to go to green; nothing when there is none.
pub(super) async fn before(context: &Context<'_>) -> Option<Seen> {
    let is_adoption = context.plan.cause == Cause::Adopt;
    let served = match &context.plan.former {
        _ if is_adoption => context.app(),
        Some(former) if !context.plan.keeps_old_route() => &former.app,
        _ => return None,
    };
    let proxy = match context.proxy_of(served) {
        Ok(proxy) => proxy,
        Err(error) => return Some(Seen::not_asked(error.one_line())),
    };
    let client = match proxy.client_request(cheap_path(served), LIMIT).await {
        Ok(client) => client,
        Err(why) => return Some(Seen::not_asked(why)),
    };
    // Where they cannot be looked up nothing can be counted.
    let containers = if is_adoption { context.green().await } else { context.blue().await };
    let containers = containers.unwrap_or_default();
    let to = (&containers, &Present::default());
    let (got, arrival, _) =
        arrival::ask(context.engine.as_ref(), to, async || got(proxy.as_ref(), &client).await).await;
    Some(Seen { got, arrival })
}

/// What of a client's answer is not as it was.
enum Worse {
    /// It is of a worse class.
    Class,
    /// It is not green's.
    Elsewhere(&'static str),
}

/// A client's answer and what is wrong with it.
struct Compared {
    now: ClientGot,
    worse: Option<Worse>,
    /// Whether it is known that the request did not come to green.
    missed: bool,
}

/// Asks as a client, several times when that is worse than before.
async fn asked(context: &Context<'_>, client: &ClientRequest, before: Option<&Seen>) -> Result<Compared> {
    let (green, blue) = (context.green().await?, context.blue().await?);
    let mut compared = once(context, client, before, (&green, &blue)).await;
    for _ in 1..TRIES {
        if compared.worse.is_none() {
            break;
        }
        sleep(PAUSE).await;
        compared = once(context, client, before, (&green, &blue)).await;
    }
    if matches!(compared.worse, Some(Worse::Elsewhere(_))) {
        // A cache in the proxy may have answered. It has no answer for a query that was never sent before.
        let fresh = once(context, &uncached(client), before, (&green, &blue)).await;
        if fresh.worse.is_none() {
            return Ok(fresh);
        }
    }
    Ok(compared)
}

/// The same request with a query of its own.
fn uncached(client: &ClientRequest) -> ClientRequest {
    let mut client = client.clone();
    let begins = if client.request.path.contains('?') { '&' } else { '?' };
    client.request.path.push_str(&format!("{begins}bgd={}", jiff::Timestamp::now().as_nanosecond()));
    client
}

async fn once(
    context: &Context<'_>,
    client: &ClientRequest,
    before: Option<&Seen>,
    (green, blue): (&Present, &Present),
) -> Compared {
    let engine = context.engine.as_ref();
    let ask = async || got(context.green_proxy(), client).await;
    let (now, arrival, at_blue) = arrival::ask(engine, (green, blue), ask).await;
    let was = before.and_then(|before| before.arrival);
    let worse = match before {
        Some(before) if now.is_worse_than(&before.got) => Some(Worse::Class),
        _ if now.class().is_none() || arrival != Some(Arrival::No) => None,
        // A blue that is left elsewhere goes on getting the requests of its own proxy.
        _ if at_blue && was != Some(Arrival::No) && context.plan.moves() != Move::Elsewhere => {
            Some(Worse::Elsewhere("the old release received it"))
        }
        _ if was == Some(Arrival::Yes) => Some(Worse::Elsewhere("the old release received it before")),
        _ => None,
    };
    Compared { now, worse, missed: arrival == Some(Arrival::No) }
}

/// Refuses a switch after which a client gets something worse than before, or an answer that is not green's. Returns what a
/// client gets, for people.
pub(super) async fn compare(context: &Context<'_>) -> Result<String> {
    let client = match context.green_proxy().client_request(cheap_path(context.app()), LIMIT).await {
        Ok(client) => client,
        Err(why) => return Ok(not_asked(&why)),
    };
    let before = recorded(context);
    let Compared { now, worse, missed } = asked(context, &client, before.as_ref()).await?;
    if let ClientGot::NotAsked(why) = &now {
        return Ok(not_asked(why));
    }
    let told = told(&client, &now, before.as_ref(), worse.as_ref());
    // The way back is not gone twice: whoever asked for the former release keeps it.
    let can_go_back = context.plan.cause != Cause::Rollback;
    let is_judged = match &worse {
        Some(Worse::Class) => !is_apps_choice(context, &client, &now).await,
        Some(Worse::Elsewhere(_)) => true,
        None => false,
    };
    if is_judged {
        let error = Error::new(Kind::Proxy, told);
        let error = match &worse {
            Some(Worse::Class) => why(context, &client, &now, error).await,
            _ => error.hint(client.remedy.clone()),
        };
        if can_go_back {
            return Err(error);
        }
        context.report.warn(error.to_string(), error.hints().first().cloned());
    } else if worse.is_some() || (is_bad(&now) && !is_apps_choice(context, &client, &now).await) {
        context.report.warn(told, Some(client.remedy.clone()));
    } else if before.is_none() && missed {
        let number = context.plan.target.number;
        context.report.warn(
            format!("{told}, and release {number} did not receive the request"),
            Some(client.remedy.clone()),
        );
    }
    context.client.replace(Some(now.clone()));
    Ok(format!("a client is {now}"))
}

/// What is wrong for clients since the old release is gone: they got something better when the switch was proved. `None`
/// where that cannot be seen.
///
/// # Errors
/// When Docker cannot be asked.
pub(super) async fn after(context: &Context<'_>) -> Result<Option<Error>> {
    let proved = context.client.borrow().clone();
    let before = match (proved, recorded(context)) {
        (Some(got), _) => Seen { got, arrival: None },
        (None, Some(before)) => Seen { arrival: None, ..before },
        (None, None) => return Ok(None),
    };
    let Ok(client) = context.green_proxy().client_request(cheap_path(context.app()), LIMIT).await else {
        return Ok(None);
    };
    let Compared { now, worse, .. } = asked(context, &client, Some(&before)).await?;
    if worse.is_none() || is_apps_choice(context, &client, &now).await {
        return Ok(None);
    }
    let what = format!("{} is {now}, and was {} before", what(&client), before.got);
    Ok(Some(Error::new(Kind::Failing, what).hint(client.remedy)))
}

/// What a client got before; where it cannot be read there is nothing to compare with.
fn recorded(context: &Context<'_>) -> Option<Seen> {
    let former = context.records.former().ok().flatten()?;
    Some(Seen { got: former.client?, arrival: former.arrival })
}

async fn got(proxy: &dyn Proxy, client: &ClientRequest) -> ClientGot {
    match proxy.vantage().await {
        Ok(vantage) => {
            let mut request = client.request.clone();
            arrival::pad(&mut request);
            vantage.request(&request).await.into()
        }
        Err(error) => ClientGot::NotAsked(error.one_line()),
    }
}

fn not_asked(why: &str) -> String {
    format!("nothing was asked as a client would: {why}")
}

fn what(client: &ClientRequest) -> String {
    let Request { to, host, path, .. } = &client.request;
    format!("GET {} for the host {host} at port {}", shown_path(path), to.port())
}

fn told(client: &ClientRequest, now: &ClientGot, before: Option<&Seen>, worse: Option<&Worse>) -> String {
    let what = what(client);
    match (worse, before) {
        (Some(Worse::Class), Some(Seen { got: before, .. })) => {
            format!("{what} is {now} since the switch, and was {before} before it")
        }
        (Some(Worse::Elsewhere(by)), _) => {
            format!("{what} is {now}, and the new release did not receive that request: {by}")
        }
        _ => format!("{what} is {now}"),
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
