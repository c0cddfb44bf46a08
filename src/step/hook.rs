//! The steps that are commands of the user's.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Context, Step};
use crate::docker::Container;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::hook::host::{self, Process};
use crate::hook::{End, Facts, GRACE, Log, container};
use crate::model::{Hook, Place, ReleaseNumber};

/// A process that is put back when the step is done or given up, so that it can be stopped then.
struct Lent<'a> {
    owner: &'a RefCell<Option<Process>>,
    process: Option<Process>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner.borrow_mut() = self.process.take();
    }
}

/// Runs the hook of a step. `reason`: why it was undone, for those that tell of it.
///
/// # Errors
/// Of kind `Hook` when it failed or took too long.
pub(super) async fn run(context: &Context<'_>, step: Step, reason: Option<&str>) -> Result<String> {
    let Some((hook, release)) = context.plan.hook(step) else { return Ok(String::new()) };
    let facts = facts(context, step, reason);
    let mut log = open(context)?;
    log.note(&format!(
        "{} {} of release {}: {}",
        Timestamp::now(),
        step.hook_name(),
        context.plan.target.number,
        hook.command.join(" ")
    ))?;
    let began = Instant::now();
    let until = began + hook.timeout;
    let end = match &hook.place {
        Place::Host { folder } => {
            let process = Process::start(&hook.command, folder, &facts, &log)
                .await
                .map_err(|error| failed(step, error))?;
            let mut lent = Lent { owner: &context.process, process: Some(process) };
            let process = lent.process.as_mut();
            let end = match process {
                Some(process) => process.wait(until, &mut log, &mut tell(context, step)).await?,
                None => End::Unknown,
            };
            lent.process = None;
            end
        }
        Place::Container => {
            let name = container::name(release, step);
            let spec = container::spec(release, &hook.command, &facts)?;
            // One that an earlier bgd made and did not start.
            if let Some(left) = container::find(context.engine.as_ref(), release, step).await? {
                left.discard(context.engine.as_ref()).await?;
            }
            let launched = context.engine.launch(&name, &spec, facts.json().as_bytes()).await;
            launched.map_err(|error| {
                if error.is_unreachable() { error } else { failed(step, error.with_kind(Kind::Hook)) }
            })?;
            container::attend(context.engine.as_ref(), &name, until, &mut log, &mut tell(context, step))
                .await?
        }
    };
    // What is written here is for people; what counts stands in the journal.
    let _written =
        log.note(&format!("{} after {:.1} s", in_words(&end, hook), began.elapsed().as_secs_f64()));
    judge(step, hook, end, &log)
}

/// What becomes of a hook that an earlier bgd has announced and never started.
#[derive(Debug, Clone, Copy)]
pub enum Unstarted<'a> {
    /// It stays so: everything is being undone.
    Leave,
    /// It is started, and told why all was undone, if it was.
    Start(Option<&'a str>),
}

/// Goes on with a hook that an earlier bgd has begun. `None` when it cannot be known whether it ran.
///
/// # Errors
/// Of kind `Hook` when it has failed, or does now.
pub(super) async fn resume(
    context: &Context<'_>,
    step: Step,
    unstarted: Unstarted<'_>,
) -> Result<Option<String>> {
    let Some((hook, release)) = context.plan.hook(step) else { return Ok(None) };
    let mut log = open(context)?;
    if let Place::Host { .. } = hook.place {
        if log.is_in_use() {
            context.waiting(step, format!("the hook {} still runs", step.hook_name()));
            let until = Instant::now() + hook.timeout;
            if !host::outlive(until, &mut log, &mut tell(context, step)).await {
                context.report.warn(format!("the hook {} still runs", step.hook_name()), None);
            }
        }
        return Ok(None);
    }
    let name = container::name(release, step);
    let spec = container::spec(release, &hook.command, &facts(context, step, None))?;
    context.await_creation(&name, &spec).await?;
    let found = container::find(context.engine.as_ref(), release, step).await?;
    match found {
        None => Ok(None),
        Some(found) if found.state.status == "created" && found.state.error.is_empty() => match unstarted {
            Unstarted::Start(reason) => run(context, step, reason).await.map(Some),
            Unstarted::Leave => Ok(Some("it was never started".to_owned())),
        },
        Some(found) => {
            if found.state.running {
                context.waiting(step, format!("the hook {} still runs", step.hook_name()));
            }
            let until = Instant::now() + left(hook, &found);
            let end = container::attend(
                context.engine.as_ref(),
                &found.id,
                until,
                &mut log,
                &mut tell(context, step),
            )
            .await?;
            if end == End::Unknown { Ok(None) } else { judge(step, hook, end, &log).map(Some) }
        }
    }
}

/// Notes in the log, beside what the hook wrote, that it may have run.
pub(super) fn note_unknown(context: &Context<'_>, step: Step) {
    let line = format!("{} {} may have run, whole or in part", Timestamp::now(), step.hook_name());
    // What counts stands in the journal.
    if let Err(error) = open(context).and_then(|mut log| log.note(&line)) {
        tracing::debug!("{}", error.one_line());
    }
}

/// Ends a hook that is under way, because somebody wants to stop.
pub(super) async fn stop(context: &Context<'_>, step: Step) {
    let process = context.process.borrow_mut().take();
    if let Some(mut process) = process {
        process.stop().await;
    }
    if let Some((Hook { place: Place::Container, .. }, release)) = context.plan.hook(step) {
        let name = container::name(release, step);
        if let Ok(Some(found)) = container::find(context.engine.as_ref(), release, step).await
            && found.state.running
            && let Err(error) = found.stop(context.engine.as_ref(), GRACE).await
        {
            context.report.warn(format!("{name} was not stopped: {}", error.one_line()), None);
        }
    }
}

/// Removes what is left of a hook once the journal says how it ended. What cannot be removed now is removed later.
pub(super) async fn tidy(context: &Context<'_>, step: Step) {
    let Some((Hook { place: Place::Container, .. }, release)) = context.plan.hook(step) else { return };
    let engine = context.engine.as_ref();
    let removed = match container::find(engine, release, step).await {
        Ok(Some(left)) => left.discard(engine).await,
        other => other.map(drop),
    };
    if let Err(error) = removed {
        tracing::debug!("the container of the hook {} stays for now: {}", step.hook_name(), error.one_line());
    }
}

fn open(context: &Context<'_>) -> Result<Log> {
    Log::open(&context.records.hook_log(context.plan.target.number))
}

fn facts<'c>(context: &'c Context<'_>, step: Step, reason: Option<&'c str>) -> Facts<'c> {
    let plan = context.plan;
    let former = plan.former.as_ref();
    Facts::new(
        step.hook_name(),
        plan.cause,
        (&plan.target, former),
        live(context, step, reason.is_some()),
        reason,
    )
}

/// Which release gets the requests while the hook of a step runs.
fn live(context: &Context<'_>, step: Step, undone: bool) -> Option<ReleaseNumber> {
    if step.moves_traffic() && !undone {
        return Some(context.plan.target.number);
    }
    context.plan.former.as_ref().map(|former| former.number)
}

fn tell<'c>(context: &'c Context<'_>, step: Step) -> impl FnMut(String) + 'c {
    move |line| context.report.event(Event::HookOutput { step, line })
}

/// How long a container of a hook may still take.
fn left(hook: &Hook, found: &Container) -> Duration {
    let ran = found.state.started.map(|started| Timestamp::now().duration_since(started));
    // A clock that was set back makes a negative time of it.
    let ran = ran.and_then(|ran| Duration::try_from(ran).ok()).unwrap_or_default();
    hook.timeout.saturating_sub(ran)
}

fn judge(step: Step, hook: &Hook, end: End, log: &Log) -> Result<String> {
    if end == End::Well {
        return Ok(hook.command.join(" "));
    }
    let error =
        Error::new(Kind::Hook, format!("the hook {} failed: {}", step.hook_name(), in_words(&end, hook)))
            .detail(format!("last lines of {}", step.hook_name()), log.tail())
            .hint(format!("all that the hooks of this release wrote: {}", log.path().display()));
    Err(if end == End::TimedOut {
        error.hint(format!("raise hooks.{}.timeout if it needs longer", step.hook_name()))
    } else {
        error
    })
}

fn in_words(end: &End, hook: &Hook) -> String {
    match end {
        End::Well => "exit code 0".to_owned(),
        End::Badly(how) => how.clone(),
        End::TimedOut => {
            format!("it took longer than {} and was stopped", crate::config::show_duration(hook.timeout))
        }
        End::Unknown => "its container was removed while it ran".to_owned(),
    }
}

fn failed(step: Step, error: Error) -> Error {
    error.context(format!("the hook {} failed", step.hook_name()))
}
