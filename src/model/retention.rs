use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many releases of an app stay recorded. Each bound counts by itself; what a rollback needs stays whatever they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The last so many releases that became live stay, and as many that did not; `None` for all.
    pub releases: Option<u32>,
    /// How long ago a release may have been in use last; `None` for ever.
    pub max_age: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { releases: Some(50), max_age: None }
    }
}
