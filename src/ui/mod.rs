//! Printers of events and errors: progress bars for a terminal, one plain line per event elsewhere, JSON for programs.

mod bars;
mod error;
mod json;
mod lines;
mod style;

use std::io::IsTerminal;

use crate::event::Report;

pub use error::print as print_error;
pub use style::Style;

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

/// The printer for this output and this terminal.
pub fn printer(output: Output, style: Style) -> Box<dyn Report> {
    match output {
        Output::Json => Box::new(json::Json),
        Output::Auto if std::io::stderr().is_terminal() && !style.dumb => Box::new(bars::Bars::new(style)),
        Output::Auto | Output::Line => Box::new(lines::Lines::new(style)),
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
