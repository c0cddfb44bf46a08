//! Hooks: commands of the user's at certain moments of a deploy, on the host or in a container of the new image.
//!
//! [`facts`] is what one is told, [`Log`] where its output goes, [`host`] and [`container`] how it runs. When one runs, and
//! what its failure means, is the saga's to say.

pub mod container;
mod facts;
pub mod host;
mod lines;
mod log;

use std::time::Duration;

pub use facts::{Facts, Told};
pub use log::Log;

/// How long a hook that is stopped may take to end before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);

/// How a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By itself, with exit code 0.
    Well,
    /// By itself, otherwise; how, in a few words.
    Badly(String),
    /// Its time was over, and it was stopped.
    TimedOut,
    /// It is gone, and how it ended cannot be known.
    Unknown,
}

impl End {
    /// What an exit code says.
    pub fn of_code(code: i64) -> Self {
        match code {
            0 => Self::Well,
            126 => Self::Badly("it ended with exit code 126: it cannot be executed".to_owned()),
            127 => Self::Badly("it ended with exit code 127: the command was not found".to_owned()),
            code => Self::Badly(format!("it ended with exit code {code}")),
        }
    }
}
