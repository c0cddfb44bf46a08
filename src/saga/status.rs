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
        Self { steps, done: 0, undo: 0, phase: Phase::Between }
    }

    /// The step that comes next when everything goes well.
    pub fn next(&self) -> Option<Step> {
        self.steps.get(self.done).copied()
    }

    /// The steps that may have had an effect, latest first.
    pub fn to_undo(&self) -> Vec<Step> {
        let begun = match self.phase {
            Phase::Unwinding(_) | Phase::Stuck(_) => self.undo,
            Phase::In(_) | Phase::Failed(_) => self.done + 1,
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
            (Phase::In(at), Advance::Step(step, Happened::Succeeded)) if at == step => {
                self.done += 1;
                Phase::Between
            }
            (Phase::In(at), Advance::Step(step, Happened::Failed { .. })) if at == step => {
                Phase::Failed(*step)
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
    use proptest::prelude::*;

    fn happened() -> impl Strategy<Value = Happened> {
        prop_oneof![
            4 => Just(Happened::Started),
            4 => Just(Happened::Succeeded),
            1 => Just(Happened::Failed { reason: String::new() }),
            2 => Just(Happened::Undoing),
            2 => Just(Happened::Undone),
            1 => Just(Happened::UndoFailed { reason: String::new() }),
        ]
    }

    fn unwind(status: &mut Status) {
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

    proptest! {
        /// Whatever legal prefix a crash leaves, it can be brought to an end; and what cannot follow changes nothing.
        #[test]
        fn every_legal_prefix_terminates(events in prop::collection::vec((0usize..13, happened()), 0..80)) {
            let steps: Vec<Step> = Step::ALL[1..].to_vec();
            let mut status = Status::new(steps.clone());
            for (at, happened) in events {
                let step = steps[at % steps.len()];
                let before = status.clone();
                if status.advance(Advance::Step(step, happened)).is_err() {
                    prop_assert_eq!(&status, &before);
                }
            }
            let unwinding = matches!(status.phase, Phase::Unwinding(_) | Phase::Stuck(_));
            if unwinding || status.to_undo().iter().all(|step| step.can_go_back()) {
                unwind(&mut status.clone());
            }
            if !unwinding {
                go_forward(&mut status);
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
