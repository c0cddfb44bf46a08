use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::step::Step;

/// Tells how often the progress of a step is told: some steps tell it every few milliseconds.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
    /// Whether the first progress of a step is told at once.
    at_once: bool,
    told: Cell<Option<(Step, Instant)>>,
}

impl Pace {
    pub(super) fn new(pause: Duration, at_once: bool) -> Self {
        Self { pause, at_once, told: Cell::new(None) }
    }

    /// Whether the progress of a step is to be told now.
    pub(super) fn is_due(&self, step: Step) -> bool {
        let due = match self.told.get() {
            Some((told, at)) if told == step && at.elapsed() < self.pause => return false,
            Some((told, _)) if told == step => true,
            _ => self.at_once,
        };
        self.told.set(Some((step, Instant::now())));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_a_beginning_and_a_pause() {
        let long = Duration::from_secs(3600);
        let pace = Pace::new(long, true);
        let due = [Step::Drain, Step::Drain, Step::Watch, Step::Drain].map(|step| pace.is_due(step));
        assert_eq!(due, [true, false, true, true]);
        let pace = Pace::new(long, false);
        assert_eq!([Step::Drain, Step::Drain, Step::Watch].map(|step| pace.is_due(step)), [false; 3]);
        let pace = Pace::new(Duration::ZERO, false);
        assert_eq!([Step::Drain, Step::Drain].map(|step| pace.is_due(step)), [false, true]);
    }
}
