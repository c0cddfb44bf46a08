use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::ReleaseNumber;

/// Which releases were live, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppState {
    /// Changes of what is live, oldest first; those of releases that are recorded no more are forgotten.
    pub activations: Vec<Activation>,
    /// The highest number that a release ever had, where its record may be gone: it is not given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest: Option<ReleaseNumber>,
    /// The images of releases that are recorded no more, as far as they may still be on the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Deployed>,
}

/// An image that bgd has deployed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deployed {
    /// Its id, `sha256:…`.
    pub id: String,
    /// What the user asked for, such as `myorg/api:1.1`.
    pub name: String,
}

/// A release became live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The release.
    pub release: ReleaseNumber,
    /// When.
    pub at: Timestamp,
    /// By what.
    pub cause: Cause,
}

/// What made a release live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// `bgd deploy`.
    Deploy,
    /// `bgd rollback`.
    Rollback,
    /// `bgd adopt`: it was live before bgd came.
    Adopt,
    /// `bgd recover`: the proxy routed to it, and the records said otherwise.
    Recover,
}

impl Cause {
    /// The name, as in records and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Adopt => "adopt",
            Self::Recover => "recover",
        }
    }
}

impl AppState {
    /// The release that became live last.
    pub fn live(&self) -> Option<ReleaseNumber> {
        self.activations.last().map(|activation| activation.release)
    }

    /// The release that was live before `live`: the one that `rollback` goes to.
    ///
    /// After a rollback that is the release which was left, so a second rollback comes back.
    pub fn previous(&self, live: ReleaseNumber) -> Option<ReleaseNumber> {
        self.activations.iter().rev().map(|activation| activation.release).find(|release| *release != live)
    }

    /// When a release was left for another the last time; `None` when it is live, or never was.
    pub fn left(&self, release: ReleaseNumber) -> Option<Timestamp> {
        let last = self.activations.iter().rposition(|activation| activation.release == release)?;
        self.activations.get(last + 1).map(|next| next.at)
    }

    /// Every release that this tells of.
    pub fn known(&self) -> impl Iterator<Item = ReleaseNumber> {
        self.activations.iter().map(|activation| activation.release).chain(self.highest)
    }

    /// Notes that a release became live; nothing when it is live already.
    pub fn activate(&mut self, release: ReleaseNumber, cause: Cause, at: Timestamp) {
        if self.live() != Some(release) {
            self.activations.push(Activation { release, at, cause });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_goes_to_the_release_before_and_a_second_one_comes_back() {
        let at = Timestamp::UNIX_EPOCH;
        let mut state = AppState::default();
        assert_eq!(state.previous(ReleaseNumber(1)), None);
        for n in [1, 2] {
            state.activate(ReleaseNumber(n), Cause::Deploy, at);
        }
        assert_eq!(state.previous(ReleaseNumber(2)), Some(ReleaseNumber(1)));
        state.activate(ReleaseNumber(1), Cause::Rollback, at);
        state.activate(ReleaseNumber(1), Cause::Rollback, at);
        assert_eq!(state.activations.len(), 3);
        assert_eq!(state.previous(ReleaseNumber(1)), Some(ReleaseNumber(2)));
    }
}
