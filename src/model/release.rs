use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{App, ContainerSpec, Slot};

/// The number of a release within its app: 1, 2, 3 …; 0 is the one that was adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseNumber(pub u32);

impl ReleaseNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for ReleaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One deploy of an app, complete enough to bring it back exactly as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub number: ReleaseNumber,
    /// The slot that it took.
    pub slot: Slot,
    /// What the user asked for, such as `myorg/api:1.1`.
    pub image: String,
    /// The image's id at that time (`sha256:…`), by which containers are created.
    pub image_id: String,
    /// The digest under which a registry knows the image (`name@sha256:…`), if one does.
    pub repo_digest: Option<String>,
    /// The configuration as it was.
    pub app: App,
    /// The specification of each replica's container, with its name.
    pub containers: Vec<(String, ContainerSpec)>,
    /// The container of the proxy when the release became live, to find it again under another name. Records of before
    /// there was this have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyIdentity>,
    /// The id of each replica's container, by the replica's number from 1, as far as it was made. Records of before there
    /// was this have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub ids: BTreeMap<usize, String>,
    /// When the deploy began.
    pub created: Timestamp,
    /// Whether it ended well.
    pub outcome: Outcome,
}

/// What tells the container of a proxy when it is called otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyIdentity {
    /// Its full id.
    pub id: String,
    /// What is mounted as the folder into which bgd writes: a path of the host or the name of a volume.
    pub folder: Option<String>,
}

/// Pairs instead of a map: what reads a record beside its format keeps keys as text.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(ids: &BTreeMap<usize, String>, to: S) -> Result<S::Ok, S::Error> {
        ids.iter().collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<usize, String>, D::Error> {
        Ok(Vec::<(usize, String)>::deserialize(from)?.into_iter().collect())
    }
}

/// How the deploy of a release ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has not ended, or was interrupted.
    Unfinished,
    /// It became live.
    Deployed,
    /// It was adopted: it served before bgd came.
    Adopted,
    /// It never got traffic.
    Failed {
        /// The error in a line.
        reason: String,
    },
    /// It got traffic and was taken back.
    RolledBack {
        /// Why, in a line.
        reason: String,
    },
}
