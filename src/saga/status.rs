//! The legal order of a journal, as one total function: used when it is written and when it is replayed.

use crate::record::{Ending, Happened};
use crate::step::Step;

/// How far a deploy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    steps: Vec<Step>,
    /// How many steps have succeeded.
    done: usize,
    /// How many of the first steps have to be undone still, when it is being unwound.
    undo: usize,
    /// The last hook that has run since all was undone.
    told: Option<Step>,
    /// What it is at.
    pub phase: Phase,
}

/// What a deploy is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Between two steps.
    Between,
    /// In a step.
    In(Step),
    /// A step failed.
    Failed(Step),
    /// Steps are being undone; this one is, if any.
    Unwinding(Option<Step>),
    /// An undo failed.
    Stuck(Step),
    /// All is undone, and a hook tells of it.
    Telling(Step),
    /// It has ended.
    Ended,
}

/// What can happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// Something happened to a step.
    Step(Step, Happened),
    /// It ended.
    End(Ending),
}

/// Something that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{advance:?} cannot follow in {phase:?}")]
pub struct Illegal {
    /// What was to happen.
    pub advance: Advance,
    /// What it was at.
    pub phase: Phase,
}

impl Status {
    /// A deploy of which nothing is done.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps, done: 0, undo: 0, told: None, phase: Phase::Between }
    }

    /// The step that comes next when everything goes well.
    pub fn next(&self) -> Option<Step> {
        self.steps.get(self.done).copied()
    }

    /// The steps that have succeeded, or were gone past, in order.
    pub fn succeeded(&self) -> &[Step] {
        &self.steps[..self.done.min(self.steps.len())]
    }

    /// The steps that may have had an effect, latest first.
    pub fn to_undo(&self) -> Vec<Step> {
        let begun = match self.phase {
            Phase::Unwinding(_) | Phase::Stuck(_) => self.undo,
            Phase::In(_) | Phase::Failed(_) => self.done + 1,
            Phase::Telling(_) => 0,
            Phase::Between | Phase::Ended => self.done,
        };
        self.steps.iter().take(begun).rev().copied().collect()
    }

    /// Goes on by what happened. Total: whatever cannot follow is an error, and changes nothing.
    ///
    /// A crash can come between any two lines, so a step may be started again that was started already, and unwinding
    /// may begin from anywhere as long as going back is possible.
    ///
    /// # Errors
    /// What cannot follow.
    pub fn advance(&mut self, advance: Advance) -> Result<(), Illegal> {
        let next = self.next();
        let phase = match (&self.phase, &advance) {
            (Phase::Between | Phase::In(_) | Phase::Failed(_), Advance::Step(step, Happened::Started))
                if next == Some(*step) =>
            {
                Phase::In(*step)
            }
            (Phase::In(at), Advance::Step(step, happened @ (Happened::Succeeded | Happened::Held)))
                if at == step && (*happened != Happened::Held || *step == Step::Watch) =>
            {
                self.done += 1;
                Phase::Between
            }
            (Phase::In(at), Advance::Step(step, Happened::Failed { .. })) if at == step => {
                Phase::Failed(*step)
            }
            (Phase::In(at) | Phase::Failed(at), Advance::Step(step, Happened::Skipped { .. }))
                if at == step && step.is_hook() =>
            {
                self.done += 1;
                Phase::Between
            }
            (
                Phase::Between | Phase::In(_) | Phase::Failed(_) | Phase::Unwinding(_) | Phase::Stuck(_),
                Advance::Step(step, Happened::Undoing),
            ) if self.may_undo(*step) => {
                self.undo = self.steps.iter().position(|s| s == step).map_or(0, |at| at + 1);
                Phase::Unwinding(Some(*step))
            }
            (Phase::Unwinding(Some(at)), Advance::Step(step, Happened::Undone)) if at == step => {
                self.undo = self.undo.saturating_sub(1);
                Phase::Unwinding(None)
            }
            (Phase::Unwinding(Some(at)), Advance::Step(step, Happened::UndoFailed { .. })) if at == step => {
                Phase::Stuck(*step)
            }
            (_, Advance::Step(step, Happened::Started)) if self.may_tell(*step) => Phase::Telling(*step),
            (
                Phase::Telling(at),
                Advance::Step(step, Happened::Succeeded | Happened::Failed { .. } | Happened::Skipped { .. }),
            ) if at == step => {
                self.undo = 0;
                self.told = Some(*step);
                Phase::Unwinding(None)
            }
            (Phase::Between, Advance::End(Ending::Completed)) => Phase::Ended,
            (_, Advance::End(Ending::Unwound { .. })) if self.is_unwound() => Phase::Ended,
            (phase, _) => return Err(Illegal { advance, phase: phase.clone() }),
        };
        self.phase = phase;
        Ok(())
    }

    /// Whether a step is the next to be undone. One that cannot go back stays, and everything before it.
    fn may_undo(&self, step: Step) -> bool {
        let to_undo = self.to_undo();
        to_undo.iter().all(|step| step.can_go_back()) && to_undo.first() == Some(&step)
    }

    /// Whether a hook may tell now that all was undone: once, and in the order of the steps.
    pub fn may_tell(&self, step: Step) -> bool {
        self.is_unwound() && step.is_notice() && self.told.is_none_or(|told| told < step)
    }

    fn is_unwound(&self) -> bool {
        match self.phase {
            Phase::Unwinding(None) => self.undo == 0,
            Phase::Between => self.done == 0,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Step::{Record, Stage, Switch, Verify};

    fn everything_that_can_happen() -> Vec<Advance> {
        let reason = String::new;
        let happened = [
            Happened::Started,
            Happened::Succeeded,
            Happened::Held,
            Happened::Failed { reason: reason() },
            Happened::Skipped { reason: reason() },
            Happened::Undoing,
            Happened::Undone,
            Happened::UndoFailed { reason: reason() },
        ];
        let of_steps =
            Step::ALL.iter().flat_map(|step| happened.iter().map(|one| Advance::Step(*step, one.clone())));
        let ends = [Ending::Completed, Ending::Unwound { reason: reason() }];
        of_steps.chain(ends.map(Advance::End)).collect()
    }

    /// Every state that any sequence of events leads to, with what may follow in it.
    fn reachable(steps: &[Step]) -> Vec<(Status, Vec<(Advance, Status)>)> {
        let events = everything_that_can_happen();
        let mut found = vec![(Status::new(steps.to_vec()), Vec::new())];
        let mut at = 0;
        while at < found.len() {
            let status = found[at].0.clone();
            for event in &events {
                let mut next = status.clone();
                if next.advance(event.clone()).is_err() {
                    assert_eq!(next, status, "what cannot follow changed something");
                    continue;
                }
                if found.iter().all(|(known, _)| *known != next) {
                    found.push((next.clone(), Vec::new()));
                }
                found[at].1.push((event.clone(), next));
            }
            at += 1;
        }
        found
    }

    /// How much is left to do at most. Undoing is nearer to the end than going on.
    fn left(status: &Status) -> usize {
        let notices = match status.told {
            None => 2,
            Some(Step::OnRollback) => 1,
            Some(_) => 0,
        };
        match status.phase {
            Phase::Ended => 0,
            Phase::Unwinding(_) | Phase::Stuck(_) | Phase::Telling(_) => 1 + notices + status.undo,
            Phase::Between | Phase::In(_) | Phase::Failed(_) => 4 + 2 * status.steps.len() - status.done,
        }
    }

    fn unwind(status: &mut Status) {
        if let Phase::Telling(step) = status.phase {
            status.advance(Advance::Step(step, Happened::Skipped { reason: String::new() })).unwrap();
        }
        for step in status.to_undo() {
            status.advance(Advance::Step(step, Happened::Undoing)).unwrap();
            status.advance(Advance::Step(step, Happened::Undone)).unwrap();
        }
        status.advance(Advance::End(Ending::Unwound { reason: String::new() })).unwrap();
        assert_eq!(status.phase, Phase::Ended);
    }

    fn go_forward(status: &mut Status) {
        while let Some(step) = status.next() {
            status.advance(Advance::Step(step, Happened::Started)).unwrap();
            status.advance(Advance::Step(step, Happened::Succeeded)).unwrap();
        }
        status.advance(Advance::End(Ending::Completed)).unwrap();
        assert_eq!(status.phase, Phase::Ended);
    }

    /// Looks at every state there is, so that it is a proof: no event leads away from the end, those that are progress
    /// lead nearer to it, and from wherever a crash leaves a deploy it can be brought there.
    #[test]
    fn every_legal_sequence_comes_to_an_end() {
        for steps in [&Step::ALL[1..], &[Stage, Switch, Verify, Record], &[Switch, Record], &[]] {
            let reachable = reachable(steps);
            assert!(reachable.len() > 4 * steps.len(), "{} states of {steps:?}", reachable.len());
            for (status, follow) in reachable {
                for (event, next) in follow {
                    let is_progress = matches!(
                        event,
                        Advance::Step(
                            _,
                            Happened::Succeeded
                                | Happened::Held
                                | Happened::Skipped { .. }
                                | Happened::Undone
                        ) | Advance::End(_)
                    );
                    let (before, after) = (left(&status), left(&next));
                    assert!(
                        after < before || (after == before && !is_progress),
                        "{status:?} {event:?} {next:?}"
                    );
                }
                let unwinding =
                    matches!(status.phase, Phase::Unwinding(_) | Phase::Stuck(_) | Phase::Telling(_));
                let has_ended = status.phase == Phase::Ended;
                if !has_ended && (unwinding || status.to_undo().iter().all(|step| step.can_go_back())) {
                    unwind(&mut status.clone());
                }
                if !has_ended && !unwinding {
                    go_forward(&mut status.clone());
                }
            }
        }
    }

    #[test]
    fn after_the_record_nothing_is_undone_any_more() {
        let mut status = Status::new(vec![Step::Switch, Step::Record, Step::Drain]);
        for step in [Step::Switch, Step::Record] {
            status.advance(Advance::Step(step, Happened::Started)).unwrap();
            status.advance(Advance::Step(step, Happened::Succeeded)).unwrap();
        }
        assert!(status.advance(Advance::Step(Step::Record, Happened::Undoing)).is_err());
        assert!(status.advance(Advance::Step(Step::Switch, Happened::Undoing)).is_err());
        go_forward(&mut status);
    }
}
