use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::pace::Pace;
use super::{Style, failure};
use crate::event::{Event, FORMAT, Report};

/// Progress of one step is told this often at most.
const PROGRESS: Duration = Duration::from_millis(250);

/// One JSON object per line, on standard output; errors also for people, on standard error.
#[derive(Debug)]
pub(super) struct Json {
    style: Style,
    pace: Pace,
}

#[derive(Serialize)]
struct Line<'a> {
    format: &'a str,
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl Json {
    pub(super) fn new(style: Style) -> Self {
        Self { style, pace: Pace::new(PROGRESS, true) }
    }
}

impl Report for Json {
    fn event(&self, event: Event) {
        if let Event::Progress { step, .. } = &event
            && !self.pace.is_due(*step)
        {
            return;
        }
        let line = Line { format: FORMAT, at: Timestamp::now(), event: &event };
        if let Ok(text) = serde_json::to_string(&line) {
            // A closed standard output leaves nobody to tell, and must not stop a deploy.
            let _ = writeln!(std::io::stdout(), "{}", self.style.clean_json(text));
        }
        if let Event::Failed(failure) = &event {
            failure::print(failure, self.style);
        }
    }
}
