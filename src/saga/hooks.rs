//! What becomes of hooks in a saga: each runs once, or it is told that it may have run.

use std::time::Instant;

use super::execute::Saga;
use super::status::Phase;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::record::{Cause, Happened, Replay};
use crate::step::{self, Step, Unstarted};

/// The hook of which the journal says that it failed when nothing could be undone any more.
pub(super) fn failed_late(replay: &Replay) -> Option<(Step, Error)> {
    let is_late = |step: Step| step.is_hook() && !step.can_go_back() && replay.steps.contains(&step);
    let mut failed = replay
        .happened
        .iter()
        .filter(|(step, happened)| is_late(*step) && matches!(happened, Happened::Failed { .. }));
    failed.next().map(|(step, happened)| {
        let reason = match happened {
            Happened::Failed { reason } => reason.as_str(),
            _ => "",
        };
        (*step, Error::new(Kind::Hook, reason))
    })
}

impl Saga<'_> {
    /// Removes what an earlier bgd left of hooks of which the journal says how they ended.
    pub(super) async fn remove_ended_hooks(&self, replay: &Replay) {
        let mut begun: Vec<Step> = replay.happened.iter().map(|(step, _)| *step).collect();
        begun.dedup();
        for step in begun.into_iter().filter(|step| step.is_hook()) {
            if !matches!(self.status.phase, Phase::In(at) | Phase::Telling(at) if at == step) {
                step::tidy_hook(step, self.context).await;
            }
        }
    }

    /// Whether the deploy goes on although a hook failed: nothing could be undone any more, or what serves would be worse
    /// off for it.
    pub(super) async fn cannot_go_back(&self, step: Step, error: &Error) -> bool {
        if !step.can_go_back() {
            return true;
        }
        if step != Step::AfterSwitch {
            return false;
        }
        let why = step::no_way_back(self.context).await.unwrap_or_else(|error| Some(error.one_line()));
        if let Some(why) = &why {
            let number = self.context.plan.target.number;
            let message = format!("{}; release {number} is not taken back: {why}", error.one_line());
            self.context.report.warn(message, None);
        }
        why.is_some()
    }

    /// Goes past a hook that failed, or that was not to be run.
    pub(super) async fn pass(&mut self, step: Step, reason: &str) -> Result<()> {
        self.note(step, Happened::Skipped { reason: reason.to_owned() })?;
        step::tidy_hook(step, self.context).await;
        self.context.report.event(Event::StepFailed { step, reason: reason.to_owned() });
        Ok(())
    }

    /// Goes past a hook of which it is not known whether it ran: an earlier bgd was killed meanwhile.
    pub(super) async fn may_have_run(&mut self, step: Step) -> Result<()> {
        let reason = format!("the hook {} may have run, whole or in part", step.hook_name());
        self.note(step, Happened::Skipped { reason: reason.clone() })?;
        step::tidy_hook(step, self.context).await;
        self.warn_of(step, reason);
        Ok(())
    }

    /// Tells, before everything is undone, what of it stays: nothing takes back what a hook did.
    pub(super) async fn tell_what_stays(&mut self) -> Result<()> {
        let begun = match self.status.phase {
            Phase::In(step) if step.is_hook() => Some(step),
            _ => None,
        };
        let done: Vec<String> = self
            .status
            .succeeded()
            .iter()
            .filter(|step| step.is_hook() && step::hook_command(**step, self.context).is_some())
            .map(|step| step.hook_name())
            .collect();
        if !done.is_empty() {
            let message = format!("what the hooks did stays: {}", done.join(", "));
            self.context.report.note(message);
        }
        let Some(step) = begun else { return Ok(()) };
        match step::resume_hook(step, self.context, Unstarted::Leave).await {
            Ok(Some(message)) => {
                self.context.report.note(format!("the hook {} had ended: {message}", step.hook_name()));
            }
            Ok(None) => {
                self.warn_of(step, format!("the hook {} may have run, whole or in part", step.hook_name()));
            }
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => self.context.report.warn(error.one_line(), None),
        }
        Ok(())
    }

    /// Runs the hooks that tell of a failure, now that everything is undone. None of them fails anything.
    pub(super) async fn tell_hooks(&mut self, reason: &str) -> Result<()> {
        let cause = self.context.plan.cause;
        for step in [Step::OnRollback, Step::OnFailure] {
            let begun = self.status.phase == Phase::Telling(step);
            let is_due = match step {
                Step::OnRollback => cause == Cause::Deploy && self.had_traffic,
                _ => matches!(cause, Cause::Deploy | Cause::Rollback),
            };
            if !begun
                && (!is_due
                    || !self.status.may_tell(step)
                    || step::hook_command(step, self.context).is_none())
            {
                continue;
            }
            let began = Instant::now();
            let ended = if begun {
                step::resume_hook(step, self.context, Unstarted::Start(Some(reason))).await
            } else {
                self.note(step, Happened::Started)?;
                let message = format!("run the hook {}", step.hook_name());
                self.context.report.event(Event::StepStarted { step, message });
                step::tell(step, self.context, reason).await.map(Some)
            };
            let mut told = None;
            let happened = match ended {
                Ok(Some(message)) => {
                    told = Some(Event::StepDone { step, took: began.elapsed(), message });
                    Happened::Succeeded
                }
                Ok(None) => {
                    let reason = format!("the hook {} may have run, whole or in part", step.hook_name());
                    self.warn_of(step, reason.clone());
                    Happened::Skipped { reason }
                }
                Err(error) => {
                    self.context.report.warn(error.one_line(), error.hints().first().cloned());
                    Happened::Failed { reason: error.one_line() }
                }
            };
            self.note(step, happened)?;
            told.into_iter().for_each(|told| self.context.report.event(told));
            step::tidy_hook(step, self.context).await;
        }
        Ok(())
    }

    /// The error of a deploy that is live although a hook failed.
    pub(super) fn live_all_the_same(&self, step: Step, error: Error) -> Error {
        let target = &self.context.plan.target;
        let left = match &self.context.plan.former {
            Some(former) if step == Step::BeforeRetire => {
                format!("; release {} was left running, which the next deploy stops", former.number)
            }
            _ => String::new(),
        };
        error.with_kind(Kind::LateHook).context(format!(
            "release {} of {} is live, and the hook {} failed{left}",
            target.number,
            target.app.name,
            step.hook_name()
        ))
    }

    /// Tells, now and for later, that it is not known whether a hook ran.
    fn warn_of(&self, step: Step, message: String) {
        step::note_unknown_hook(step, self.context);
        let Some(command) = step::hook_command(step, self.context) else { return };
        let remedy = format!("see whether it did, and run it by hand if it is needed: {command}");
        self.context.report.warn(message, Some(remedy));
    }
}
