//! Printers of events: progress bars for a terminal, one plain line per event elsewhere, JSON for programs, annotations
//! and a summary for CI.

mod bars;
mod clean;
mod failure;
mod github;
mod json;
mod lines;
mod pace;
mod style;
mod summary;
mod tee;
mod writer;

use std::io::IsTerminal;
use std::rc::Rc;

use crate::event::{Event, Failure, Report};

pub use style::Style;
pub use summary::Summary;
pub use writer::Clean;

/// How events are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// One plain line per event.
    Line,
    /// One JSON object per line, on standard output.
    Json,
}

/// The printers for this output, this terminal and this runner; the summary hears of everything too.
pub fn printer(
    output: Output,
    style: Style,
    env: &dyn Fn(&str) -> Option<String>,
    summary: Option<Rc<Summary>>,
) -> Rc<dyn Report> {
    let mut all: Vec<Rc<dyn Report>> = vec![match output {
        Output::Json => Rc::new(json::Json::new(style)),
        Output::Auto if std::io::stderr().is_terminal() && !style.dumb => Rc::new(bars::Bars::new(style)),
        Output::Auto | Output::Line => Rc::new(lines::Lines::new(style)),
    }];
    if style.github {
        all.push(Rc::new(github::Github::new(style, env("GITHUB_WORKSPACE"))));
    }
    if let Some(summary) = summary {
        all.push(summary);
    }
    Rc::new(tee::Tee(all))
}

/// Annotates a command line that cannot be read: no printer is there yet. Does nothing where GitHub is not the runner.
pub fn annotate_usage(style: Style, env: &dyn Fn(&str) -> Option<String>, failure: Failure) {
    if style.github {
        github::Github::new(style, env("GITHUB_WORKSPACE")).event(Event::Failed(failure));
    }
}

/// A duration as a person reads it: `85 ms`, `1.2 s`, `3 min 20 s`.
pub fn took(duration: std::time::Duration) -> String {
    let millis = duration.as_millis();
    match duration.as_secs() {
        0 => format!("{millis} ms"),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
