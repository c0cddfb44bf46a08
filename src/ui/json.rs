use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::{Event, FORMAT, Report};

/// One JSON object per line, on standard output.
#[derive(Debug)]
pub(super) struct Json;

#[derive(Serialize)]
struct Line<'a> {
    format: &'a str,
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl Report for Json {
    fn event(&self, event: Event) {
        let line = Line { format: FORMAT, at: Timestamp::now(), event: &event };
        if let Ok(text) = serde_json::to_string(&line) {
            // A closed standard output leaves nobody to tell, and must not stop a deploy.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
}
