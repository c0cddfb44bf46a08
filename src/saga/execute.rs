use std::time::{Duration, Instant};

use super::status::{Advance, Phase, Status};
use super::{Cancel, Wanted};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::Outcome;
use crate::record::{Cause, Ending, Happened, Journal, Replay, TakeBack};
use crate::step::{self, Context, Step, Unstarted};

/// How often it is looked whether somebody asks for the release to be taken back.
const LISTENS: Duration = Duration::from_millis(250);

/// What a record has in place of the id of a container that was undone. It is none.
const NO_CONTAINER: &str = "none";

/// A deploy that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Whether the old release was left as it is because both releases fail.
    pub held: bool,
}

/// Runs a plan from its first step.
///
/// # Errors
/// The error of the step that failed. Its kind tells how things are: before the switch and during the watch everything
/// was undone; `Stuck` and `NeedsRecovery` say that something is left to do.
pub async fn execute(context: &Context<'_>, cancel: &Cancel) -> Result<Done> {
    let plan = context.plan;
    let former = plan.former.as_ref().map(|former| former.number);
    // The record comes before the journal: whoever finds the journal can then say what it is about.
    context.records.put_release(&plan.target)?;
    let journal = context.records.begin(plan.cause, plan.target.number, former, plan.steps.clone())?;
    let status = Status::new(plan.steps.clone());
    let mut saga = Saga { context, cancel, journal, status, had_traffic: false, late: None };
    saga.forward().await
}

/// A saga under way: its journal and its status always say the same.
pub(super) struct Saga<'a> {
    pub(super) context: &'a Context<'a>,
    cancel: &'a Cancel,
    journal: Journal,
    pub(super) status: Status,
    pub(super) had_traffic: bool,
    /// The hook that failed when nothing could be undone any more.
    late: Option<(Step, Error)>,
}

impl<'a> Saga<'a> {
    /// Takes up what a journal tells.
    pub(super) fn replay(context: &'a Context<'a>, cancel: &'a Cancel, replay: &Replay) -> Result<Self> {
        let status = replayed(replay)?;
        let journal = context.records.resume(replay)?;
        let had_traffic = replay.last(Step::Verify) == Some(&Happened::Succeeded);
        context.held.set(replay.last(Step::Watch) == Some(&Happened::Held));
        let late = super::hooks::failed_late(replay);
        Ok(Self { context, cancel, journal, status, had_traffic, late })
    }

    /// Runs all steps that are left.
    pub(super) async fn forward(&mut self) -> Result<Done> {
        while let Some(step) = self.status.next() {
            let keeps_blue = matches!(self.late, Some((Step::BeforeRetire, _)));
            if (self.context.held.get() && step > Step::Record) || (keeps_blue && step > Step::BeforeRetire) {
                break;
            }
            let Err(error) = self.one(step).await else { continue };
            if error.kind() != Kind::Hook || !self.cannot_go_back(step, &error).await {
                return Err(self.failed(step, error).await);
            }
            self.note_if_in(step, Happened::Failed { reason: error.one_line() })?;
            self.pass(step, &error.one_line()).await?;
            self.late.get_or_insert((step, error));
        }
        let held = self.context.held.get();
        if held {
            step::hold(self.context).await;
        }
        while let Some(step) = self.status.next() {
            // The steps that would touch the old release are noted as done, so that the journal can end.
            self.note(step, Happened::Started)?;
            if step.is_hook() {
                self.pass(step, "the old release was left as it is").await?;
            } else {
                self.note(step, Happened::Succeeded)?;
            }
        }
        self.end(Ending::Completed)?;
        match self.late.take() {
            Some((step, error)) => Err(self.live_all_the_same(step, error)),
            None => Ok(Done { held }),
        }
    }

    async fn one(&mut self, step: Step) -> Result<()> {
        if !self.may_have_moved(step) && self.cancel.wanted() != Wanted::Nothing {
            return Err(interrupted());
        }
        // Only a hook is gone on with; all else can be done twice.
        if step.is_hook() && self.status.phase == Phase::Failed(step) {
            // An earlier bgd was killed before it could act on that.
            return Err(Error::new(Kind::Hook, format!("the hook {} has failed", step.hook_name())));
        }
        let goes_on = step.is_hook() && self.status.phase == Phase::In(step);
        if !goes_on {
            self.note(step, Happened::Started)?;
        }
        let began = Instant::now();
        let message = describe(step, self.context);
        self.context.report.event(Event::StepStarted { step, message });
        let work = async {
            if goes_on {
                step::resume_hook(step, self.context, Unstarted::Start(None)).await
            } else {
                step::run(step, self.context).await.map(Some)
            }
        };
        let message = match step {
            // A switch that is half done is worse than one that is late.
            Step::Switch | Step::Verify | Step::Record | Step::Rename => work.await?,
            _ => {
                let least = if step.moves_traffic() { Wanted::Stop } else { Wanted::Hangup };
                let done = tokio::select! {
                    biased;
                    done = work => Ok(done?),
                    () = self.cancel.at_least(least) => Err(interrupted()),
                    asked = asked_back(self.context, step) => Err(self.taken_back(step, &asked)),
                };
                if done.is_err() && step.is_hook() {
                    step::stop_hook(step, self.context).await;
                    // How it ended says nothing now: some end with 0 when they are asked to stop.
                    step::tidy_hook(step, self.context).await;
                }
                done?
            }
        };
        let Some(message) = message else { return self.may_have_run(step).await };
        let is_held = step == Step::Watch && self.context.held.get();
        self.note(step, if is_held { Happened::Held } else { Happened::Succeeded })?;
        if step.is_hook() {
            step::tidy_hook(step, self.context).await;
        }
        self.had_traffic |= step == Step::Verify;
        self.context.report.event(Event::StepDone { step, took: began.elapsed(), message });
        Ok(())
    }

    /// Somebody wants the former release back.
    fn taken_back(&self, step: Step, asked: &TakeBack) -> Error {
        let kind = if self.may_have_moved(step) { Kind::RolledBack } else { Kind::Interrupted };
        Error::new(kind, format!("`bgd rollback` (process {}) asks for it to be taken back", asked.pid))
    }

    /// Whether traffic may have moved, in this step or before it. A switch that has not begun has moved nothing.
    fn may_have_moved(&self, step: Step) -> bool {
        step.moves_traffic() && (step != Step::Switch || self.status.phase != Phase::Between)
    }

    /// Decides what a failure means, and unwinds if it means that.
    async fn failed(&mut self, step: Step, error: Error) -> Error {
        // Without the engine nothing could be taken back, and nothing is known to be wrong with green.
        let blind = step == Step::Watch && error.is_unreachable();
        let stays = blind || (self.may_have_moved(step) && error.kind() == Kind::Interrupted);
        if stays || !step.can_go_back() {
            return self.left_open(step, error);
        }
        self.had_traffic |=
            step == Step::Verify && (error.kind() == Kind::NotReady || self.context.switched.get());
        let reason = error.one_line();
        self.context.report.event(Event::StepFailed { step, reason: reason.clone() });
        // The journal may be what failed; unwinding is right all the same, and says so if it cannot go on.
        let noted = self.note_if_in(step, Happened::Failed { reason: reason.clone() });
        let unwound = match noted {
            Ok(()) => self.unwind(&reason).await,
            Err(error) => Err(error),
        };
        match unwound {
            Ok(()) => self.explain(step, error),
            Err(stuck) => self.stuck(stuck, &error),
        }
    }

    /// Undoes everything that may have had an effect, latest first.
    pub(super) async fn unwind(&mut self, reason: &str) -> Result<()> {
        self.tell_what_stays().await?;
        if self.status.to_undo().contains(&Step::Switch) {
            step::wake_former(self.context).await?;
        }
        for step in self.status.to_undo() {
            self.note(step, Happened::Undoing)?;
            if let Some(message) = describe_undo(step) {
                self.context.report.event(Event::Undoing { step, message: message.to_owned() });
            }
            if let Err(error) = step::undo(step, self.context).await {
                self.note(step, Happened::UndoFailed { reason: error.one_line() })?;
                return Err(error);
            }
            self.note(step, Happened::Undone)?;
        }
        let mut release = self.context.plan.target.clone();
        if release.outcome == Outcome::Unfinished {
            let reason = reason.to_owned();
            release.outcome =
                if self.had_traffic { Outcome::RolledBack { reason } } else { Outcome::Failed { reason } };
            self.context.records.update_release(&release)?;
        }
        self.forget_undone(reason)?;
        self.tell_hooks(reason).await?;
        self.end(Ending::Unwound { reason: reason.to_owned() })
    }

    /// Has the record of a release that was there before say that what was made for it is gone: nothing that has its number
    /// from now on is its.
    fn forget_undone(&self, reason: &str) -> Result<()> {
        let plan = self.context.plan;
        let is_adoption = plan.cause == Cause::Adopt;
        if !is_adoption && !plan.steps.contains(&Step::Create) {
            return Ok(());
        }
        self.context.records.amend(plan.target.number, |release| {
            if is_adoption {
                release.outcome = Outcome::Failed { reason: reason.to_owned() };
                return;
            }
            for replica in 1..=release.containers.len() {
                release.ids.entry(replica).or_insert_with(|| NO_CONTAINER.to_owned());
            }
        })
    }

    /// Leaves the journal open for `bgd recover`: green is live, and nothing is lost by waiting.
    fn left_open(&mut self, step: Step, error: Error) -> Error {
        let target = &self.context.plan.target;
        let app = &target.app.name;
        let kind = if error.kind() == Kind::Interrupted { Kind::Interrupted } else { Kind::NeedsRecovery };
        let former = self.context.plan.former.as_ref().filter(|_| step.can_go_back());
        let back = match former {
            Some(former) => format!("release {} is still warm", former.number),
            None if step.can_go_back() => "there is no release before it".to_owned(),
            None => "the deploy can only go forward from here".to_owned(),
        };
        let error = error
            .with_kind(kind)
            .context(format!("{step} did not end; release {} of {app} is live, {back}", target.number))
            .hint(format!("finish it: bgd recover {app}"));
        if former.is_some() { error.hint(format!("or take it back: bgd rollback {app}")) } else { error }
    }

    /// Says what a failure means now that everything is undone.
    fn explain(&self, step: Step, error: Error) -> Error {
        let target = &self.context.plan.target;
        let now = match &self.context.plan.former {
            Some(former) => format!("release {} of {} is live, as before", former.number, target.app.name),
            None => format!("nothing is live for {}, as before", target.app.name),
        };
        let kind = match (error.kind(), step) {
            (Kind::Docker, _) if error.is_unreachable() => Kind::Docker,
            (Kind::Other | Kind::Docker, Step::Stage | Step::Switch | Step::Verify) => Kind::Proxy,
            // It was lost after the switch.
            (Kind::NotReady, Step::Verify) => Kind::RolledBack,
            (kind @ (Kind::Interrupted | Kind::Locked), _) => kind,
            (_, Step::AfterSwitch | Step::Watch) => Kind::RolledBack,
            (kind, _) => kind,
        };
        error
            .with_kind(kind)
            .context(format!("release {} was not deployed ({step} failed); {now}", target.number))
    }

    fn stuck(&self, stuck: Error, first: &Error) -> Error {
        let app = &self.context.plan.target.app.name;
        let kind = if stuck.kind() == Kind::Stuck { Kind::Stuck } else { Kind::NeedsRecovery };
        let (what, left) = if self.status.to_undo().is_empty() {
            ("all was undone, and that could not be recorded,", "what is live is as before")
        } else {
            ("it could not be undone", "both releases were left running, and nothing more was touched")
        };
        let known = stuck.hints().to_vec();
        let remedies = first.hints().iter().filter(|hint| !known.contains(hint));
        remedies
            .fold(stuck, |stuck, remedy| stuck.hint(remedy))
            .with_kind(kind)
            .context(format!("{what} after: {}", first.one_line()))
            .hint(left)
            .hint(format!("when the cause is mended: bgd recover {app}"))
            .hint(format!("see the containers: docker ps -a --filter label=bgd.app={app}"))
            .hint(format!("see what the proxy routes to: bgd status {app}"))
    }

    fn end(&mut self, ending: Ending) -> Result<()> {
        if self.status.phase != Phase::Ended {
            self.journal.end(ending.clone())?;
            self.advance(Advance::End(ending))?;
        }
        self.context.records.archive()
    }

    /// Writes to the journal what happens, if it may happen now; only then may the effect.
    pub(super) fn note(&mut self, step: Step, happened: Happened) -> Result<()> {
        let mut next = self.status.clone();
        next.advance(Advance::Step(step, happened.clone())).map_err(|illegal| illegal_order(&illegal))?;
        self.journal.step(step, happened)?;
        self.status = next;
        Ok(())
    }

    pub(super) fn note_if_in(&mut self, step: Step, happened: Happened) -> Result<()> {
        if self.status.phase == Phase::In(step) { self.note(step, happened) } else { Ok(()) }
    }

    fn advance(&mut self, advance: Advance) -> Result<()> {
        self.status.advance(advance).map_err(|illegal| illegal_order(&illegal))
    }
}

/// Follows a journal to the status that it ended in.
pub(super) fn replayed(replay: &Replay) -> Result<Status> {
    let mut status = Status::new(replay.steps.clone());
    for (step, happened) in &replay.happened {
        status.advance(Advance::Step(*step, happened.clone())).map_err(|illegal| illegal_order(&illegal))?;
    }
    Ok(status)
}

fn illegal_order(illegal: &super::Illegal) -> Error {
    Error::new(Kind::Stuck, format!("the journal is not in a legal order: {illegal}"))
        .hint("nothing was touched; this is a defect of bgd, please report it with the journal")
}

/// Waits until somebody asks for the release to be taken back, as long as a deploy can be.
async fn asked_back(context: &Context<'_>, step: Step) -> TakeBack {
    if context.plan.cause != Cause::Deploy || context.plan.former.is_none() || !step.can_go_back() {
        return std::future::pending().await;
    }
    loop {
        if let Some(asked) = context.records.asked_back(context.plan.target.number) {
            return asked;
        }
        tokio::time::sleep(LISTENS).await;
    }
}

fn describe(step: Step, context: &Context<'_>) -> String {
    let target = &context.plan.target;
    let former = context
        .plan
        .former
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), |f| format!("release {}", f.number));
    let containers: Vec<_> = target.containers.iter().map(|(name, _)| name.as_str()).collect();
    let containers = containers.join(", ");
    match step {
        Step::Pull => format!("pull {}", target.image),
        Step::Create => format!("create {containers}"),
        Step::Start => format!("start {containers}"),
        Step::Ready => format!("wait until {containers} is ready"),
        Step::Smoke => format!("smoke test {containers}"),
        Step::Stage => format!("make {} known to {}", target.slot, context.green_proxy().describe()),
        Step::Switch => format!("switch from {former} to release {}", target.number),
        Step::Verify => "prove the switch at the proxy".to_owned(),
        Step::Watch => format!("watch release {}", target.number),
        Step::Record => format!("record release {}", target.number),
        Step::Drain => format!("drain {former}"),
        Step::Retire => format!("retire {former}"),
        Step::Rename => "rename the live containers".to_owned(),
        Step::BeforeDeploy
        | Step::BeforeStart
        | Step::BeforeSwitch
        | Step::AfterSwitch
        | Step::BeforeRetire
        | Step::AfterDeploy
        | Step::OnRollback
        | Step::OnFailure => format!("run the hook {}", step.hook_name()),
    }
}

fn describe_undo(step: Step) -> Option<&'static str> {
    match step {
        Step::Create => Some("remove the new containers"),
        Step::Start => Some("stop the new containers"),
        Step::Stage => Some("put the proxy's former configuration back"),
        Step::Switch => Some("switch back and drain the new release"),
        _ => None,
    }
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted")
}
