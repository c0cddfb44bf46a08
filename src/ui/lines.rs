use std::cell::RefCell;
use std::io::Write;
use std::time::{Duration, Instant};

use super::{Style, took};
use crate::event::{Event, Report};
use crate::step::Step;

/// Progress of one step is told this often at most.
const PROGRESS: Duration = Duration::from_secs(10);

/// One plain line per event, on standard error.
#[derive(Debug)]
pub(super) struct Lines {
    style: Style,
    told: RefCell<Option<(Step, Instant)>>,
}

impl Lines {
    pub(super) fn new(style: Style) -> Self {
        Self { style, told: RefCell::new(None) }
    }

    fn is_due(&self, step: Step) -> bool {
        let mut told = self.told.borrow_mut();
        match *told {
            Some((told_step, at)) if told_step == step => {
                let due = at.elapsed() >= PROGRESS;
                if due {
                    *told = Some((step, Instant::now()));
                }
                due
            }
            _ => {
                *told = Some((step, Instant::now()));
                false
            }
        }
    }
}

impl Report for Lines {
    fn event(&self, event: Event) {
        if let Event::Progress { step, .. } = &event
            && !self.is_due(*step)
        {
            return;
        }
        if let Some(line) = line(&event, self.style) {
            // A closed standard error leaves nobody to tell, and must not stop a deploy.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// An event as a line; `None` for those that a reader can do without.
pub(super) fn line(event: &Event, style: Style) -> Option<String> {
    Some(match event {
        Event::Begin { app, release, image, slot, former, .. } => {
            let former =
                former.map_or_else(|| "nothing is live".to_owned(), |n| format!("release {n} is live"));
            format!("{app}: release {release} ({image}) goes to {slot}; {former}")
        }
        Event::StepStarted { .. } => return None,
        Event::Progress { step, done, total, message } => {
            let of = total.map_or_else(String::new, |total| format!(" {done}/{total}"));
            format!("  … {step}{of} {message}")
        }
        Event::StepDone { step, took: time, message } => {
            let message = if message.is_empty() { String::new() } else { format!("  {message}") };
            format!("  {} {step:<7}{message} {}", style.good("✓"), style.dim(format!("({})", took(*time))))
        }
        Event::StepFailed { step, reason } => format!("  {} {step:<7}  {reason}", style.bad("✗")),
        Event::Undoing { message, .. } => format!("  {} undo     {message}", style.warning("↩")),
        Event::Note { message } => format!("note: {message}"),
        Event::Warning { message, remedy } => {
            let remedy = remedy.as_ref().map_or_else(String::new, |remedy| format!("\n  hint: {remedy}"));
            format!("{} {message}{remedy}", style.warning("warning:"))
        }
        Event::Done { app, release, slot, took: time, next } => {
            let mut text = format!(
                "{app}: release {release} is live on {slot} {}",
                style.dim(format!("({})", took(*time)))
            );
            for command in next {
                text.push_str(&format!("\n  {command}"));
            }
            style.bold(text)
        }
        Event::Left { app, thing, name, why } => format!("note: {app}: the {thing} {name} stays: {why}"),
        // What is surplus stands in a table, on standard output.
        Event::Surplus { .. } | Event::Removed { .. } | Event::Failed { .. } => return None,
    })
}
