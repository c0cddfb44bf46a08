use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a deploy. Steps are written to the journal, so their names are part of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Gets the image.
    Pull,
    /// Frees green's slot from the release before the last, and creates green's containers.
    Create,
    /// Starts green.
    Start,
    /// Waits until green is ready.
    Ready,
    /// Asks green from the proxy's network.
    Smoke,
    /// Makes green known to the proxy.
    Stage,
    /// Moves the traffic.
    Switch,
    /// Proves at the proxy that the traffic has moved.
    Verify,
    /// Watches real traffic.
    Watch,
    /// Records what is live now.
    Record,
    /// Makes the proxy forget blue, and waits until nothing is in flight on it.
    Drain,
    /// Stops or removes blue.
    Retire,
    /// Names green's containers as blue's were.
    Rename,
}

impl Step {
    /// All steps, in the order of a deploy.
    pub const ALL: [Self; 13] = [
        Self::Pull,
        Self::Create,
        Self::Start,
        Self::Ready,
        Self::Smoke,
        Self::Stage,
        Self::Switch,
        Self::Verify,
        Self::Watch,
        Self::Record,
        Self::Drain,
        Self::Retire,
        Self::Rename,
    ];

    /// The name, as in the journal and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Create => "create",
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Smoke => "smoke",
            Self::Stage => "stage",
            Self::Switch => "switch",
            Self::Verify => "verify",
            Self::Watch => "watch",
            Self::Record => "record",
            Self::Drain => "drain",
            Self::Retire => "retire",
            Self::Rename => "rename",
        }
    }

    /// Whether a failure here unwinds the deploy; afterwards it can only go forward.
    pub fn can_go_back(self) -> bool {
        self <= Self::Watch
    }

    /// Whether traffic may have moved once this step has begun.
    pub fn moves_traffic(self) -> bool {
        self >= Self::Switch
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
