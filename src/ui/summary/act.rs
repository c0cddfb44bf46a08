use std::fmt::Write;
use std::time::Duration;

use super::markdown::{block, inline};
use crate::event::{Event, Failure};
use crate::record::Cause;
use crate::step::Step;
use crate::ui::took;

/// Warnings and notes that are kept; what comes after them is counted.
const KEPT: usize = 50;

/// Everything that a command did: one act for each release that it brought, or took back.
#[derive(Debug, Default)]
pub(super) struct Acts {
    acts: Vec<Act>,
    notes: Told,
    warnings: Told,
    failure: Option<Failure>,
}

/// What became of one release.
#[derive(Debug, Default)]
struct Act {
    /// App, cause, release, image, slot, and the release that was live.
    begin: Option<Event>,
    steps: Vec<Row>,
    done: Option<Event>,
}

/// A row of the table of steps.
#[derive(Debug)]
struct Row {
    step: Step,
    result: &'static str,
    took: Option<Duration>,
    message: String,
}

/// Sentences, as many as are kept.
#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    more: usize,
}

impl Told {
    fn add(&mut self, line: String) {
        if self.lines.len() < KEPT {
            self.lines.push(line);
        } else {
            self.more += 1;
        }
    }

    fn list(&self, title: &str, out: &mut String) {
        if self.lines.is_empty() {
            return;
        }
        let _ = writeln!(out, "**{title}**\n");
        for line in &self.lines {
            let _ = writeln!(out, "- {line}");
        }
        if self.more > 0 {
            let _ = writeln!(out, "- … and {} more", self.more);
        }
        out.push('\n');
    }
}

impl Acts {
    pub(super) fn add(&mut self, event: Event) {
        match event {
            Event::Begin { .. } => {
                // The image is got before the release is known.
                let is_open = |act: &&mut Act| {
                    act.begin.is_none() && act.steps.iter().all(|row| row.step == Step::Pull)
                };
                match self.acts.last_mut().filter(is_open) {
                    Some(act) => act.begin = Some(event),
                    None => self.acts.push(Act { begin: Some(event), ..Act::default() }),
                }
            }
            Event::StepDone { step, took, message } => {
                self.row(Row { step, result: "✓", took: Some(took), message });
            }
            Event::StepFailed { step, reason } => {
                self.row(Row { step, result: "✗ failed", took: None, message: reason });
            }
            Event::Undoing { step, message } => {
                self.row(Row { step, result: "↩ undone", took: None, message });
            }
            Event::Note { message } => self.notes.add(inline(&message)),
            Event::Warning { message, remedy } => {
                let remedy = remedy.map_or_else(String::new, |remedy| format!(" — {}", inline(&remedy)));
                self.warnings.add(format!("{}{remedy}", inline(&message)));
            }
            Event::Done { .. } => match self.acts.last_mut() {
                Some(act) => act.done = Some(event),
                None => self.acts.push(Act { done: Some(event), ..Act::default() }),
            },
            Event::Failed(failure) => self.failure = Some(failure),
            Event::StepStarted { .. }
            | Event::Progress { .. }
            | Event::HookOutput { .. }
            | Event::Surplus { .. }
            | Event::Left { .. }
            | Event::Removed { .. } => {}
        }
    }

    fn row(&mut self, row: Row) {
        if self.acts.is_empty() {
            self.acts.push(Act::default());
        }
        if let Some(act) = self.acts.last_mut() {
            act.steps.push(row);
        }
    }

    /// The section, with an empty line before and after it.
    pub(super) fn markdown(&self) -> String {
        let mut out = format!("\n### {}\n\n", self.title());
        for act in &self.acts {
            act.table(&mut out);
        }
        if let Some(failure) = &self.failure {
            failed(failure, &mut out);
        }
        self.warnings.list("Warnings", &mut out);
        self.notes.list("Notes", &mut out);
        let next = self.acts.last().and_then(|act| act.done.as_ref());
        if let Some(Event::Done { next, .. }) = next.filter(|_| self.failure.is_none()) {
            for line in next {
                let _ = writeln!(out, "{}\n", inline(line));
            }
        }
        let (code, class) =
            self.failure.as_ref().map_or((0, "done"), |failure| (failure.code, failure.class));
        let _ = writeln!(out, "Exit code {code}: {class}\n");
        out
    }

    /// How it ended, in a line.
    fn title(&self) -> String {
        let last = self.acts.last();
        let release = last.and_then(|act| act.begin.as_ref()).and_then(|begin| match begin {
            Event::Begin { app, release, .. } => Some(format!("{app}: release {release}")),
            _ => None,
        });
        match (&self.failure, last.and_then(|act| act.done.as_ref()), release) {
            (Some(failure), _, Some(release)) => format!("❌ {release} {}", ending(failure)),
            (Some(failure), _, None) => format!("❌ bgd: {}", inline(&failure.message)),
            (None, Some(Event::Done { app, release, slot, .. }), _) => {
                format!("✅ {app}: release {release} is live on {slot}")
            }
            (None, _, Some(release)) => format!("✅ {release}: done"),
            (None, _, None) if last.is_some() => {
                "✅ bgd: an interrupted deploy was brought to its end".to_owned()
            }
            (None, _, None) => "✅ bgd: nothing was deployed".to_owned(),
        }
    }
}

/// What a failure means for the release.
fn ending(failure: &Failure) -> String {
    match failure.class {
        "rolled-back" => "was live and was taken back".to_owned(),
        "interrupted" => "was interrupted".to_owned(),
        "late-hook" => "is live, and a hook failed".to_owned(),
        "failing" => "is live, and fails".to_owned(),
        "stuck" => "is stuck: a person has to look at it".to_owned(),
        class => format!("failed: {class}"),
    }
}

impl Act {
    fn table(&self, out: &mut String) {
        if let Some(Event::Begin { cause, release, image, slot, former, .. }) = &self.begin {
            let before = former.map_or_else(
                || "nothing was live before".to_owned(),
                |former| format!("release {former} was live before"),
            );
            let what = match cause {
                Cause::Deploy => "Deploy of",
                Cause::Rollback => "Rollback to",
                Cause::Adopt => "Adoption as",
                Cause::Recover => "Repair of",
            };
            let image = inline(image);
            let _ = writeln!(out, "{what} release {release} ({image}) on {slot}; {before}.\n");
        }
        if !self.steps.is_empty() {
            out.push_str("| step | result | took | |\n|---|---|---:|---|\n");
        }
        for Row { step, result, took: time, message } in &self.steps {
            let time = time.map_or_else(String::new, took);
            let _ = writeln!(out, "| {step} | {result} | {time} | {} |", inline(message));
        }
        if let Some(Event::Done { took: time, .. }) = &self.done {
            let _ = writeln!(out, "| | | **{}** | in all |", took(*time));
        }
        if !self.steps.is_empty() {
            out.push('\n');
        }
    }
}

fn failed(failure: &Failure, out: &mut String) {
    let _ = writeln!(out, "**Error:** {}\n", inline(&failure.message));
    for cause in &failure.causes {
        let _ = writeln!(out, "- caused by: {}", inline(cause));
    }
    if !failure.causes.is_empty() {
        out.push('\n');
    }
    for detail in &failure.details {
        let (title, text) = (inline(&detail.title), block(&detail.text));
        let _ = writeln!(out, "{title}:\n\n{text}");
    }
    for hint in &failure.hints {
        let _ = writeln!(out, "- **Hint:** {}", inline(hint));
    }
    if !failure.hints.is_empty() {
        out.push('\n');
    }
}
