use std::io::Write;
use std::time::Duration;

use super::pace::Pace;
use super::{Style, failure, took};
use crate::event::{Event, Report};

/// Progress of one step is told this often at most.
const PROGRESS: Duration = Duration::from_secs(10);

/// One plain line per event, on standard error.
#[derive(Debug)]
pub(super) struct Lines {
    style: Style,
    pace: Pace,
}

impl Lines {
    pub(super) fn new(style: Style) -> Self {
        Self { style, pace: Pace::new(PROGRESS, false) }
    }
}

impl Report for Lines {
    fn event(&self, event: Event) {
        if let Event::Progress { step, .. } = &event
            && !self.pace.is_due(*step)
        {
            return;
        }
        if self.style.github && matches!(event, Event::Warning { .. }) {
            // The runner shows the annotation here, with the same text.
            return;
        }
        if let Event::Failed(failure) = &event {
            failure::print(failure, self.style);
        } else if let Some(line) = line(&event, self.style) {
            // A closed standard error leaves nobody to tell, and must not stop a deploy.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// An event as a line; `None` for those that a reader can do without.
pub(super) fn line(event: &Event, style: Style) -> Option<String> {
    let clean = |text: &str| style.clean(text);
    Some(match event {
        Event::Begin { app, release, image, slot, former, .. } => {
            let former =
                former.map_or_else(|| "nothing is live".to_owned(), |n| format!("release {n} is live"));
            let image = clean(image);
            format!("{app}: release {release} ({image}) goes to {slot}; {former}")
        }
        Event::StepStarted { .. } => return None,
        Event::Progress { step, done, total, message } => {
            let of = total.map_or_else(String::new, |total| format!(" {done}/{total}"));
            format!("  … {step}{of} {}", clean(message))
        }
        Event::HookOutput { line, .. } => format!("  {} {}", style.dim("|"), clean(line)),
        Event::StepDone { step, took: time, message } => {
            let message = if message.is_empty() { String::new() } else { format!("  {}", clean(message)) };
            format!("  {} {step:<7}{message} {}", style.good("✓"), style.dim(format!("({})", took(*time))))
        }
        Event::StepFailed { step, reason } => {
            format!("  {} {step:<7}  {}", style.bad("✗"), clean(reason))
        }
        Event::Undoing { message, .. } => {
            format!("  {} undo     {}", style.warning("↩"), clean(message))
        }
        Event::Note { message } => format!("note: {}", clean(message)),
        Event::Warning { message, remedy } => {
            let remedy =
                remedy.as_ref().map_or_else(String::new, |remedy| format!("\n  hint: {}", clean(remedy)));
            format!("{} {}{remedy}", style.warning("warning:"), clean(message))
        }
        Event::Done { app, release, slot, took: time, next } => {
            let mut text = format!(
                "{app}: release {release} is live on {slot} {}",
                style.dim(format!("({})", took(*time)))
            );
            for command in next {
                text.push_str(&format!("\n  {}", clean(command)));
            }
            style.bold(text)
        }
        Event::Left { app, thing, name, why } => {
            format!("note: {app}: the {thing} {} stays: {}", clean(name), clean(why))
        }
        // What is surplus stands in a table, on standard output.
        Event::Surplus { .. } | Event::Removed { .. } | Event::Failed(_) => return None,
    })
}
