use std::io::Write;

use super::Style;
use crate::error::Error;

/// Prints an error to standard error: `error:`, `caused by:`, longer texts, `hint:`.
pub fn print(error: &Error, style: Style) {
    let mut text = format!("{} {error}\n", style.bad("error:"));
    for cause in error.causes() {
        text.push_str(&format!("  {} {}\n", style.dim("caused by:"), cause.replace('\n', "\n             ")));
    }
    for detail in error.details() {
        text.push_str(&format!("{}\n", style.bold(format!("{}:", detail.title))));
        for line in detail.text.trim_end().lines() {
            text.push_str(&format!("  {} {line}\n", style.dim("|")));
        }
    }
    for hint in error.hints() {
        text.push_str(&format!("{} {hint}\n", style.good("hint:")));
    }
    // A closed standard error leaves nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
