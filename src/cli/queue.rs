use std::time::Duration;

use crate::config::parse_duration;

/// Whether a command waits for its turn.
#[derive(Debug, clap::Args)]
pub struct Queue {
    /// Wait this long for a bgd that is changing the app already, such as 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub wait: Option<Duration>,
}

impl Queue {
    /// How long to wait, at least `least`.
    pub(super) fn limit(&self, least: Duration) -> Duration {
        self.wait.unwrap_or_default().max(least)
    }
}
