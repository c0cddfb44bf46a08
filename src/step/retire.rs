use std::time::Duration;

use futures_util::future::try_join_all;

use super::{Context, client, wake};
use crate::config::show_duration;
use crate::error::{Error, Kind, Result};
use crate::model::{Release, Retire};
use crate::plan::{Present, is_foreign};

/// How long a container may take to stop when nothing else is said; Docker's own default.
const GRACE: Duration = Duration::from_secs(10);
/// The exit code of a process that SIGKILL has ended: 128 and the signal's number.
const KILLED: i64 = 137;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let Some(former) = &context.plan.former else { return Ok(String::new()) };
    let present = context.blue().await?;
    context.insist_blue_is_left().await?;
    let grace = grace(former);
    if let Some(other) = context.also_live_for(former, &present).await? {
        context.report.warn(
            format!("release {} is left running: {other}", former.number),
            Some(format!("stop it yourself once no app needs it; see: bgd status {}", former.app.name)),
        );
        return Ok(format!("release {} left running", former.number));
    }
    let engine = context.engine.as_ref();
    try_join_all(present.iter().map(|container| container.stop(engine, grace))).await?;
    tell_killed(context, former, &present, grace).await;
    if let Some(worse) = client::after(context).await? {
        return start_again(context, former, worse).await;
    }
    if context.app().retire == Retire::Remove && !is_foreign(former) {
        for container in present.iter() {
            super::create::remove(context, former.number, container).await?;
        }
        return Ok(format!("release {} removed", former.number));
    }
    Ok(format!("release {} stopped", former.number))
}

/// Something that clients need was the old release's own, such as a middleware of its labels: it runs on beside the new one.
async fn start_again(context: &Context<'_>, former: &Release, worse: Error) -> Result<String> {
    let app = &context.app().name;
    context.report.warn(worse.to_string(), worse.hints().first().cloned());
    wake::wake(context).await?;
    let needed = match client::after(context).await? {
        None => format!("clients of {app} need release {} too: it was started again", former.number),
        Some(_) => format!(
            "clients of {app} got a worse answer once release {} was stopped, and still do since it was started again",
            former.number
        ),
    };
    let error = Error::new(Kind::Failing, needed).caused_by(worse.to_string());
    let error = worse.hints().iter().fold(error, |error, hint| error.hint(hint));
    context.needed.replace(Some(error.hint(format!("or go back: bgd rollback {app}"))));
    context.held.set(true);
    Ok(format!("release {} was stopped and started again", former.number))
}

/// Says that the old release did not end by itself: that takes the grace period at each deploy, and cuts off what it does.
async fn tell_killed(context: &Context<'_>, former: &Release, present: &Present, grace: Duration) {
    for container in present.iter() {
        let found = context.engine.container(&container.id).await;
        // What cannot be asked now is not worth a failure.
        let Ok(Some(now)) = found else { continue };
        if container.state.running && now.state.exit_code == KILLED && !now.state.oom_killed {
            context.report.warn(
                format!(
                    "release {} did not end by itself: {} was killed after {}",
                    former.number,
                    container.name,
                    show_duration(grace)
                ),
                Some(
                    "have its first process end on SIGTERM (CMD in the exec form, or `init: true`), or give it more time: `stop_grace_period`"
                        .to_owned(),
                ),
            );
        }
    }
}

/// How long the containers of a release may take to stop.
pub(super) fn grace(release: &Release) -> Duration {
    release.containers.iter().filter_map(|(_, spec)| spec.stop_grace).max().unwrap_or(GRACE)
}
