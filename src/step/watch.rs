use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Context, Step};
use crate::docker::EventKind;
use crate::error::{Error, Kind, Result};
use crate::plan::Present;
use crate::probe::Asked;
use crate::proxy::{Origin, Through};
use crate::watch::{Sample, Tally, Verdict};

/// How long a request of the watch may take.
const LIMIT: Duration = Duration::from_secs(5);
/// What ended both releases, such as a restart of the daemon, ended them within this time.
const TOGETHER: Duration = Duration::from_secs(30);

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let window = context.app().watch_window;
    let events = context.events.borrow_mut().take();
    let mut events = match events {
        Some(events) => events,
        None => context.engine.events(&context.green_labels()).await?,
    };
    // The start itself may still stand in the stream; from here on a start is a restart.
    let mut known = started(context).await?;
    let blue_started = last_start(&context.blue().await?);
    // From here on it is really watched: an engine that is away would have been waited for above.
    let until = Instant::now() + window;
    let mut every_second = interval(Duration::from_secs(1));
    every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tally = Tally::default();
    // That the release fails is said once.
    let mut told = false;
    loop {
        let sample = tokio::select! {
            biased;
            event = events.next() => match event {
                Some(Ok(event)) => match event.kind {
                    EventKind::Start if !restarted(context, &mut known).await? => continue,
                    EventKind::Health(_) if !context.app().health.is_dockers() => continue,
                    kind => Sample::Event { name: event.name, kind },
                },
                Some(Err(error)) => return Err(error),
                None => return Err(Error::new(Kind::Docker, "the engine's events ended")),
            },
            () = tokio::time::sleep_until(until) => break,
            _ = every_second.tick() => ask(context).await,
        };
        if let Verdict::Bad(why) = tally.add(&sample) {
            if let Some(shared) = blue_fails_too(context, blue_started).await? {
                if !told {
                    told = true;
                    let has_former = context.plan.former.is_some();
                    let hint = "look for a cause that both share, such as a database".to_owned();
                    context.report.warn(
                        format!(
                            "release {} fails ({why}), and {shared}: it is not taken back",
                            context.plan.target.number
                        ),
                        has_former.then_some(hint),
                    );
                }
                context.held.set(true);
                tally.excuse();
            } else {
                return Err(Error::new(Kind::RolledBack, why));
            }
        } else if !tally.is_failing() {
            context.held.set(false);
        }
        let left = until.saturating_duration_since(Instant::now());
        let done = window.saturating_sub(left).as_secs();
        context.progress(Step::Watch, done, Some(window.as_secs()), tally.to_string());
    }
    if tally.is_blind() {
        let number = context.plan.target.number;
        context.report.warn(
            format!("release {number} was not watched, because the app did not answer: {tally}"),
            Some(
                "where the proxy asks for a login, give it to the requests of the watch:  watch: { headers: { Authorization: … } }"
                    .to_owned(),
            ),
        );
    }
    Ok(tally.to_string())
}

/// When each container of green was started, by the engine's clock.
type Started = Vec<(String, Option<jiff::Timestamp>)>;

async fn started(context: &Context<'_>) -> Result<Started> {
    let green = context.green().await?;
    Ok(green.iter().map(|container| (container.id.clone(), container.state.started)).collect())
}

/// Whether a container was started anew. A clock that was set back meanwhile makes that an earlier time.
async fn restarted(context: &Context<'_>, known: &mut Started) -> Result<bool> {
    let now = started(context).await?;
    let is_other = now != *known;
    *known = now;
    Ok(is_other)
}

fn last_start(release: &Present) -> Option<Timestamp> {
    release.iter().filter_map(|container| container.state.started).max()
}

async fn ask(context: &Context<'_>) -> Sample {
    let Asked { path, host, headers, .. } = Asked::of_watch(context.app());
    let through = Through { method: "GET", path, host, headers: &headers, limit: LIMIT };
    let proxy = context.green_proxy();
    match proxy.through(through).await {
        // An app that the proxy does not reach has failed, whoever says so.
        Ok(answer) if answer.status < 500 && proxy.origin(&answer) == Origin::Proxy => {
            Sample::Elsewhere(answer.status)
        }
        Ok(answer) => Sample::Answer(answer.status),
        // Whoever cannot even connect has not met the release: the proxy itself is down, or on its way up.
        Err(failure) if !failure.kind.has_connected() => Sample::Unasked,
        Err(failure) => Sample::NoAnswer(failure.to_string()),
    }
}

/// Asks blue what green could not answer. `Some` says why going back would not help.
///
/// `started` says since when blue ran at the beginning of the watch: what restarted both, such as the daemon, is no fault
/// of green's.
pub(super) async fn blue_fails_too(
    context: &Context<'_>,
    started: Option<Timestamp>,
) -> Result<Option<String>> {
    let Some(former) = &context.plan.former else {
        return Ok(Some("there is no release before it".to_owned()));
    };
    let blue = context.blue().await?;
    let addresses = blue.addresses(former.app.network.as_str());
    let Some(address) = addresses.first() else {
        return Ok(Some(format!("release {} does not run any more", former.number)));
    };
    let age = |again: Timestamp| Timestamp::now().duration_since(again).unsigned_abs();
    let again = last_start(&blue).filter(|again| started.is_some_and(|started| *again > started));
    if again.is_some_and(|again| age(again) < TOGETHER) {
        return Ok(Some(format!("release {} was restarted just now, too", former.number)));
    }
    let to = SocketAddr::new(*address, former.app.port);
    let manner = context.blue_proxy().manner().await;
    let request = Asked::of_watch(context.app()).request(to, &manner, &former.app.name, LIMIT);
    let vantage = match context.blue_proxy().vantage().await {
        Ok(vantage) => vantage,
        Err(error) => return Ok(Some(format!("the proxy cannot be asked either ({})", error.one_line()))),
    };
    Ok(match vantage.request(&request).await {
        Ok(answer) if answer.status < 500 => None,
        Ok(answer) => Some(format!("release {} answers {} as well", former.number, answer.status)),
        Err(failure) => Some(format!("release {} does not answer either ({failure})", former.number)),
    })
}
