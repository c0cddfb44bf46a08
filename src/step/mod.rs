//! The steps of a deploy.

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
    /// Makes the proxy forget blue.
    Forget,
    /// Waits until nothing is in flight on blue.
    Drain,
    /// Stops or removes blue.
    Retire,
    /// Names green's containers as blue's were.
    Rename,
}
