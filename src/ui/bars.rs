use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Style, failure, lines};
use crate::event::{Event, Report};

/// A line per finished step, and one bar or spinner for the step that is under way, on standard error.
#[derive(Debug)]
pub(super) struct Bars {
    style: Style,
    current: RefCell<Option<ProgressBar>>,
}

impl Bars {
    pub(super) fn new(style: Style) -> Self {
        Self { style, current: RefCell::new(None) }
    }

    fn clear(&self) {
        if let Some(bar) = self.current.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    fn spin(&self, message: String) {
        self.clear();
        let bar = ProgressBar::new_spinner().with_message(message);
        bar.set_style(style("  {spinner} {msg} {elapsed:.dim}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        *self.current.borrow_mut() = Some(bar);
    }

    fn progress(&self, done: u64, total: Option<u64>, message: String) {
        let mut current = self.current.borrow_mut();
        let Some(bar) = current.as_mut() else { return };
        if let Some(total) = total
            && bar.length() != Some(total)
        {
            bar.set_length(total);
            bar.set_style(style("  {spinner} {prefix} {wide_bar:.cyan} {msg} {eta:.dim}"));
        }
        if total.is_some() {
            bar.set_position(done);
        }
        bar.set_message(message);
    }
}

impl Report for Bars {
    fn event(&self, event: Event) {
        match &event {
            Event::StepStarted { message, .. } => self.spin(self.style.clean(message)),
            Event::Progress { step, done, total, message } => {
                if let Some(bar) = self.current.borrow().as_ref() {
                    bar.set_prefix(step.to_string());
                }
                self.progress(*done, *total, self.style.clean(message));
            }
            Event::Failed(failure) => {
                self.clear();
                failure::print(failure, self.style);
            }
            _ => {
                if matches!(event, Event::StepDone { .. } | Event::StepFailed { .. } | Event::Done { .. }) {
                    self.clear();
                }
                if let Some(line) = lines::line(&event, self.style) {
                    self.above(&line);
                }
            }
        }
    }
}

impl Bars {
    /// Prints a line above the bar.
    fn above(&self, line: &str) {
        use std::io::Write;
        let print = || {
            // A closed standard error leaves nobody to tell, and must not stop a deploy.
            let _ = writeln!(std::io::stderr(), "{line}");
        };
        match self.current.borrow().as_ref() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
