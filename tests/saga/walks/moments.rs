//! The moments of a command at which something happens to it.

use std::cell::{Cell, RefCell};

use bgd::error::{Error, Kind, Result};
use bgd::saga::{Cancel, Wanted};
use tokio::sync::watch;

use crate::ticks::Crash;

/// What happens to a bgd at one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is killed.
    Kill,
    /// The call fails.
    Fail,
    /// Somebody presses Ctrl-C.
    Interrupt,
}

#[derive(Default)]
pub struct Moments {
    count: Cell<usize>,
    fate: Cell<Option<(usize, Fate)>>,
    wanted: RefCell<Option<watch::Sender<Wanted>>>,
}

impl Moments {
    pub fn arm(&self, fate: Option<(usize, Fate)>) {
        self.count.set(0);
        self.fate.set(fate);
        self.wanted.borrow_mut().take();
    }

    /// What a command listens to.
    pub fn cancel(&self) -> Cancel {
        let (sender, cancel) = Cancel::told();
        // Where a command listens twice, what was asked before is heard by the second as well.
        if self.fate.get().is_some_and(|(at, fate)| fate == Fate::Interrupt && at <= self.count.get()) {
            let _ = sender.send(Wanted::Stop);
        }
        *self.wanted.borrow_mut() = Some(sender);
        cancel
    }

    pub fn pass(&self, what: &str) -> Result<()> {
        let now = self.count.get();
        self.count.set(now + 1);
        match self.fate.get() {
            Some((at, fate)) if at == now => match fate {
                Fate::Kill => std::panic::resume_unwind(Box::new(Crash)),
                Fate::Fail => Err(Error::new(Kind::Docker, format!("a fault at: {what}"))),
                Fate::Interrupt => {
                    if let Some(sender) = &*self.wanted.borrow() {
                        let _ = sender.send(Wanted::Stop);
                    }
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }
}
