use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a deploy. Steps are written to the journal, so their names are part of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Gets the image.
    Pull,
    /// The hook before anything is changed.
    BeforeDeploy,
    /// Frees green's slot from the release before the last, and creates green's containers.
    Create,
    /// The hook before green is started.
    BeforeStart,
    /// Starts green.
    Start,
    /// Waits until green is ready.
    Ready,
    /// Asks green from the proxy's network.
    Smoke,
    /// The hook before the proxy is touched.
    BeforeSwitch,
    /// Makes green known to the proxy.
    Stage,
    /// Moves the traffic.
    Switch,
    /// Proves at the proxy that the traffic has moved.
    Verify,
    /// The hook once the traffic has moved.
    AfterSwitch,
    /// Watches real traffic.
    Watch,
    /// Records what is live now.
    Record,
    /// Makes the proxy forget blue, and waits until nothing is in flight on it.
    Drain,
    /// The hook before blue is stopped.
    BeforeRetire,
    /// Stops or removes blue.
    Retire,
    /// Names green's containers as blue's were.
    Rename,
    /// The hook when all is done.
    AfterDeploy,
    /// The hook when traffic went back to an earlier release.
    OnRollback,
    /// The hook when a deploy failed and was undone.
    OnFailure,
}

impl Step {
    /// All steps, in the order of a deploy.
    pub const ALL: [Self; 21] = [
        Self::Pull,
        Self::BeforeDeploy,
        Self::Create,
        Self::BeforeStart,
        Self::Start,
        Self::Ready,
        Self::Smoke,
        Self::BeforeSwitch,
        Self::Stage,
        Self::Switch,
        Self::Verify,
        Self::AfterSwitch,
        Self::Watch,
        Self::Record,
        Self::Drain,
        Self::BeforeRetire,
        Self::Retire,
        Self::Rename,
        Self::AfterDeploy,
        Self::OnRollback,
        Self::OnFailure,
    ];

    /// The name, as in the journal and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::BeforeDeploy => "before-deploy",
            Self::Create => "create",
            Self::BeforeStart => "before-start",
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Smoke => "smoke",
            Self::BeforeSwitch => "before-switch",
            Self::Stage => "stage",
            Self::Switch => "switch",
            Self::Verify => "verify",
            Self::AfterSwitch => "after-switch",
            Self::Watch => "watch",
            Self::Record => "record",
            Self::Drain => "drain",
            Self::BeforeRetire => "before-retire",
            Self::Retire => "retire",
            Self::Rename => "rename",
            Self::AfterDeploy => "after-deploy",
            Self::OnRollback => "on-rollback",
            Self::OnFailure => "on-failure",
        }
    }

    /// What the hook of this step is called in the configuration.
    pub fn hook_name(self) -> String {
        self.as_str().replace('-', "_")
    }

    /// Whether it is a command of the user's.
    pub fn is_hook(self) -> bool {
        matches!(
            self,
            Self::BeforeDeploy
                | Self::BeforeStart
                | Self::BeforeSwitch
                | Self::AfterSwitch
                | Self::BeforeRetire
                | Self::AfterDeploy
        ) || self.is_notice()
    }

    /// Whether it is a hook that runs when all was undone. Where a person asks for a rollback, its own is a step of that.
    pub fn is_notice(self) -> bool {
        matches!(self, Self::OnRollback | Self::OnFailure)
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
