use std::io::Write;

use super::Style;
use crate::event::Failure;

/// Prints how it failed to standard error: `error:`, `caused by:`, longer texts, `hint:`.
pub(super) fn print(failure: &Failure, style: Style) {
    // A closed standard error leaves nobody to tell.
    let _ = std::io::stderr().write_all(text(failure, style).as_bytes());
}

fn text(failure: &Failure, style: Style) -> String {
    let clean = |text: &str| style.clean(text);
    let mut text = format!("{} {}\n", style.bad("error:"), clean(&failure.message));
    for cause in &failure.causes {
        let cause = clean(cause).replace('\n', "\n             ");
        text.push_str(&format!("  {} {cause}\n", style.dim("caused by:")));
    }
    for detail in &failure.details {
        text.push_str(&format!("{}\n", style.bold(format!("{}:", clean(&detail.title)))));
        for line in clean(&detail.text).trim_end().lines() {
            text.push_str(&format!("  {} {line}\n", style.dim("|")));
        }
    }
    for hint in &failure.hints {
        text.push_str(&format!("{} {}\n", style.good("hint:"), clean(hint)));
    }
    text
}
