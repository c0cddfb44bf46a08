use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The commands that run at certain moments of a deploy, one a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hooks {
    /// Before anything is created. A failure ends the deploy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_deploy: Option<Hook>,
    /// When green is created, before it is started. A failure ends the deploy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_start: Option<Hook>,
    /// When green is ready and tested, before the proxy is touched. A failure ends the deploy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_switch: Option<Hook>,
    /// When the switch is proved. A failure takes the release back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_switch: Option<Hook>,
    /// When nothing is in flight on blue, before it is stopped. A failure leaves blue running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_retire: Option<Hook>,
    /// When all else is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_deploy: Option<Hook>,
    /// When a deploy or rollback failed and was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Hook>,
    /// When traffic went back to an earlier release, by itself or by `bgd rollback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_rollback: Option<Hook>,
}

/// A command of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Where it runs.
    pub place: Place,
    /// The argument list; no shell reads it.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Where a hook runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// On the machine where bgd runs, in the folder of the configuration.
    Host {
        /// That folder, absolute.
        folder: PathBuf,
    },
    /// In a container of its own, of the release's image and with its settings, on its networks. The list takes the place
    /// of its command; the entrypoint stays.
    Container,
}

impl Hooks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
