use std::time::Duration;

use futures_util::future::{select, try_join_all};
use tokio::time::{Instant, sleep, timeout};

use super::check::{NotReady, attempt};
use super::containers::{end_of, not_ready};
use super::{Context, Step};
use crate::docker::{ContainerEvent, EventKind, HealthStatus};
use crate::error::{Error, Kind, Result};
use crate::model::{Expectation, Health, HealthTiming, Method, SmokeTest};

/// How often the check is run before green is ready: nobody shall wait for Docker's first interval.
const FAST: Duration = Duration::from_millis(50);
/// How often Docker is asked although its events tell all the same.
const BACKSTOP: Duration = Duration::from_secs(1);

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let limit = limit(context).await;
    let names: Vec<&String> = context.plan.target.containers.iter().map(|(name, _)| name).collect();
    let all = try_join_all(names.iter().map(|name| one(context, name, limit)));
    let events = futures_util::future::OptionFuture::from(Some(bad_event(context)));
    let outcome = timeout(limit, select(Box::pin(all), Box::pin(events))).await;
    match outcome {
        Ok(futures_util::future::Either::Left((result, _))) => result.map(|_| String::new()),
        Ok(futures_util::future::Either::Right((error, _))) => {
            Err(error.unwrap_or_else(|| Error::new(Kind::Docker, "the engine's events ended")))
        }
        Err(_) => Err(late(context, &names, limit).await),
    }
}

/// How long green may take in all.
async fn limit(context: &Context<'_>) -> Duration {
    match &context.app().health {
        Health::Image { deadline: Some(deadline) } => *deadline,
        Health::Image { deadline: None } => {
            let image = context.engine.image(&context.plan.target.image_id).await.ok().flatten();
            let takes = image.map_or(Health::DEADLINE, |image| image.health_takes);
            // A compose file can give the check of the image other intervals.
            context.app().container.health.as_ref().map_or(takes, |own| own.takes().max(takes))
        }
        Health::Command { timing, .. } | Health::Http { timing, .. } => timing.deadline,
        Health::None => Health::DEADLINE,
    }
}

/// The hint of a smoke test as one of a health check, which takes other keys.
fn for_health(hint: String) -> String {
    if hint.contains("`expect.within`") {
        hint.replace("`expect.within`", "`health.timeout`")
    } else if hint.contains("`expect:") {
        "`health` wants a 2xx: name a path that answers so, or ask by a smoke test, which takes `expect`, and set \
         `health: none`"
            .to_owned()
    } else {
        hint
    }
}

async fn late(context: &Context<'_>, names: &[&String], limit: Duration) -> Error {
    let more = match &context.app().health {
        Health::None => {
            "if it needs more time to start, give it a check with a deadline of its own:  health: { http: /, deadline: 3m }"
        }
        _ => "raise `health.deadline` if it needs more time to start",
    };
    for name in names {
        if let Err(NotReady::NotYet(last) | NotReady::Bad(last)) = attempt(context, name).await {
            let why = format!("waited {} s; last seen: {last}", limit.as_secs());
            return diagnosed(context, name, why).await.hint(more);
        }
    }
    Error::new(Kind::NotReady, format!("it took more than {} s to get ready", limit.as_secs())).hint(more)
}

/// Describes why a container is not ready; where bgd asks it over HTTP, also what its answer most likely means.
async fn diagnosed(context: &Context<'_>, name: &str, why: impl Into<String>) -> Error {
    let error = not_ready(context, name, why).await;
    let Health::Http { path, headers, timing } = &context.app().health else { return error };
    let test = SmokeTest {
        method: Method::Get,
        path: path.clone(),
        headers: headers.clone(),
        body: None,
        expect: Expectation {
            status: Vec::new(),
            body: None,
            json: std::collections::BTreeMap::new(),
            within: timing.timeout,
        },
        retries: 0,
    };
    let container = context.engine.container(name).await.ok().flatten();
    match container {
        Some(container) => match super::smoke::diagnose(context, &container, &test).await {
            Some((message, hint)) => {
                let error = error.detail("health check", message);
                hint.map(for_health).into_iter().fold(error, Error::hint)
            }
            None => error,
        },
        None => error,
    }
}

/// Waits for an event that tells that green is lost.
pub(super) async fn bad_event(context: &Context<'_>) -> Error {
    let Some(mut events) = context.lend_events() else {
        return std::future::pending().await;
    };
    loop {
        match events.next().await {
            Some(Ok(event)) => {
                if let Some(error) = lost(context, &event).await {
                    break error;
                }
            }
            Some(Err(error)) => break error,
            None => std::future::pending().await,
        }
    }
}

async fn lost(context: &Context<'_>, event: &ContainerEvent) -> Option<Error> {
    let why = match event.kind {
        EventKind::Die(_) | EventKind::Oom => {
            let container = context.engine.container(&event.id).await.ok().flatten();
            match (container, event.kind) {
                (_, EventKind::Oom) => "it was killed for its use of memory".to_owned(),
                (Some(container), _) if !container.state.running => end_of(&container),
                (_, EventKind::Die(code)) => format!("it ended with exit code {code}, and was restarted"),
                _ => return None,
            }
        }
        EventKind::Destroy => "somebody removed it".to_owned(),
        EventKind::Health(HealthStatus::Unhealthy) if !context.app().health.is_dockers() => return None,
        EventKind::Health(HealthStatus::Unhealthy) => "its health check says unhealthy".to_owned(),
        EventKind::Health(_) | EventKind::Start => return None,
    };
    Some(not_ready(context, &event.name, why).await)
}

/// Waits until one container is ready.
async fn one(context: &Context<'_>, name: &str, limit: Duration) -> Result<()> {
    let mut failing_since: Option<Instant> = None;
    let mut told = Instant::now();
    let began = Instant::now();
    let mut looked = began;
    inspect(context, name).await?;
    loop {
        match attempt(context, name).await {
            Ok(()) => return inspect(context, name).await.map(|_| ()),
            Err(NotReady::NotYet(last)) => {
                failing_since = None;
                tell(context, name, &last, began, limit, &mut told);
            }
            Err(NotReady::Bad(last)) => {
                let since = *failing_since.get_or_insert_with(Instant::now);
                if let Some(timing) = timing(context)
                    && gave_up(&timing, began.elapsed(), since.elapsed())
                {
                    return Err(diagnosed(context, name, last).await);
                }
                tell(context, name, &last, began, limit, &mut told);
            }
        }
        if looked.elapsed() >= BACKSTOP {
            looked = Instant::now();
            if inspect(context, name).await? == Some(HealthStatus::Healthy) && timing(context).is_none() {
                return Ok(());
            }
        }
        sleep(FAST).await;
    }
}

/// Tells what is waited for, since when and until when, once a second.
fn tell(context: &Context<'_>, name: &str, last: &str, began: Instant, limit: Duration, told: &mut Instant) {
    if told.elapsed() >= BACKSTOP {
        *told = Instant::now();
        let (waited, limit) = (began.elapsed().as_secs(), limit.as_secs());
        context.waiting(Step::Ready, format!("waiting for {name}: {last}; {waited} s of {limit} s"));
    }
}

fn timing(context: &Context<'_>) -> Option<HealthTiming> {
    match &context.app().health {
        Health::Http { timing, .. } => Some(*timing),
        Health::Image { .. } | Health::Command { .. } | Health::None => None,
    }
}

/// As Docker counts: `retries` failures in a row, an `interval` apart, after the start period.
fn gave_up(timing: &HealthTiming, running: Duration, failing: Duration) -> bool {
    let patience = timing.interval.saturating_mul(timing.retries.max(1));
    running > timing.start_period.saturating_add(patience) && failing > patience
}

/// Looks whether the container runs and Docker does not call it unhealthy.
async fn inspect(context: &Context<'_>, name: &str) -> Result<Option<HealthStatus>> {
    let Some(container) = context.engine.container(name).await? else {
        return Err(not_ready(context, name, "it is gone").await);
    };
    if !container.state.running || container.state.restarting {
        let why = end_of(&container);
        return Err(not_ready(context, name, why).await);
    }
    let health = container.state.health.map(|health| health.status);
    if health == Some(HealthStatus::Unhealthy) && context.app().health.is_dockers() {
        return Err(not_ready(context, name, "its health check says unhealthy").await);
    }
    Ok(health)
}

impl Context<'_> {
    /// Tells that the step waits for something.
    pub(super) fn waiting(&self, step: Step, message: impl Into<String>) {
        self.progress(step, 0, None, message);
    }
}

#[cfg(test)]
mod hint_tests {
    use super::for_health;

    #[test]
    fn no_hint_of_a_health_check_names_a_key_that_it_refuses() {
        for hint in [
            "set one that it serves with `headers: { Host: … }`",
            "expect it with `expect: { status: 301 }`",
            "look at its log, or raise `expect.within`",
        ] {
            let hint = for_health(hint.to_owned());
            assert!(!hint.contains("expect:") && !hint.contains("within"), "{hint}");
        }
    }
}
