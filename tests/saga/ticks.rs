use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bgd::error::{Error, Kind, Result};
use bgd::event::{Event, Report};
use bgd::step::Step;

/// A moment at which bgd can be killed, or a call can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The step that was under way; `None` between two steps.
    pub step: Option<Step>,
    pub at: At,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The line `started` of the step is on disk.
    Started,
    /// The line `succeeded` of the step is on disk.
    Succeeded,
    /// A call begins: nothing has happened yet.
    Before,
    /// A call had its effect, in whole or in part, and nobody knows yet.
    After,
}

/// What happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// bgd is killed.
    Crash,
    /// The call fails.
    Fail,
    /// The call fails, and so does the next one that would take something back.
    FailAndItsUndo,
    /// The call fails, and so many moments later bgd is killed.
    FailThenCrash(usize),
}

/// The payload of the unwinding that stands for a kill.
pub struct Crash;

/// Counts the moments of a run and acts at one of them.
#[derive(Default)]
pub struct Ticks {
    pub seen: RefCell<Vec<Tick>>,
    pub violations: RefCell<Vec<String>>,
    pub warnings: RefCell<Vec<String>>,
    pub events: RefCell<Vec<Event>>,
    /// Set when a test itself makes what is served fail.
    pub excused: Cell<bool>,
    act: Cell<Option<(usize, Act)>>,
    undo_fails: Cell<bool>,
    step: Cell<Option<Step>>,
    on_step: RefCell<Option<OnStep>>,
}

type OnStep = Box<dyn FnMut(Step)>;

impl Ticks {
    pub fn arm(&self, act: Option<(usize, Act)>) {
        self.seen.borrow_mut().clear();
        self.events.borrow_mut().clear();
        self.warnings.borrow_mut().clear();
        self.step.set(None);
        self.undo_fails.set(false);
        self.act.set(act);
    }

    /// Lets bgd be killed at this moment.
    pub fn kill_at(&self, moment: usize) {
        self.act.set(Some((moment, Act::Crash)));
    }

    /// What was to happen does not happen any more: the command has ended.
    pub fn disarm(&self) {
        self.undo_fails.set(false);
        self.act.set(None);
    }

    pub fn on_step(&self, hook: impl FnMut(Step) + 'static) {
        *self.on_step.borrow_mut() = Some(Box::new(hook));
    }

    /// Tells the step where no events do.
    pub fn at_step(&self, step: Step) {
        self.step.set(Some(step));
    }

    pub fn step(&self) -> Option<Step> {
        self.step.get()
    }

    pub fn tick(&self, at: At, what: &str) -> Result<()> {
        let number = self.seen.borrow().len();
        self.seen.borrow_mut().push(Tick { step: self.step.get(), at, what: what.to_owned() });
        let failed = || Err(Error::new(Kind::Docker, format!("a fault at: {what}")));
        if self.undo_fails.get() && at == At::Before && takes_back(what) {
            self.undo_fails.set(false);
            return failed();
        }
        match self.act.get() {
            Some((moment, Act::Crash)) if moment == number => std::panic::resume_unwind(Box::new(Crash)),
            Some((moment, Act::FailThenCrash(later))) if moment + later == number => {
                std::panic::resume_unwind(Box::new(Crash))
            }
            Some((moment, act)) if moment == number => {
                self.undo_fails.set(act == Act::FailAndItsUndo);
                failed()
            }
            _ => Ok(()),
        }
    }

    pub fn violated(&self, rule: String) {
        self.violations.borrow_mut().push(rule);
    }
}

fn takes_back(what: &str) -> bool {
    ["stop ", "remove ", "proxy restore"].iter().any(|call| what.starts_with(call))
}

/// The report that drives the ticks.
pub struct Reporter(pub Rc<Ticks>);

impl Report for Reporter {
    fn event(&self, event: Event) {
        self.0.events.borrow_mut().push(event.clone());
        let fault = match event {
            Event::StepStarted { step, .. } => {
                self.0.step.set(Some(step));
                let hook = self.0.on_step.borrow_mut().take();
                if let Some(mut hook) = hook {
                    hook(step);
                    self.0.on_step.borrow_mut().get_or_insert(hook);
                }
                self.0.tick(At::Started, step.as_str())
            }
            Event::StepDone { step, .. } => {
                let fault = self.0.tick(At::Succeeded, step.as_str());
                self.0.step.set(None);
                fault
            }
            Event::StepFailed { .. } => {
                self.0.step.set(None);
                Ok(())
            }
            Event::Warning { message, .. } => {
                self.0.warnings.borrow_mut().push(message);
                Ok(())
            }
            _ => Ok(()),
        };
        // A line that is on disk cannot fail any more; only a kill counts here.
        drop(fault);
    }
}
