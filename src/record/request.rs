use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AppStore, file};
use crate::error::Result;
use crate::model::ReleaseNumber;

/// What one bgd asks of another that holds the lock of the app: to take back the release that it is deploying.
///
/// It is a file beside the journal, and no signal: whoever can write it could take the lock as well, and it can meet no
/// process but the one that deploys this release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeBack {
    /// The release.
    pub release: ReleaseNumber,
    /// The process that asks.
    pub pid: u32,
    /// Its user's number.
    pub uid: u32,
    /// When it asked.
    pub at: Timestamp,
}

impl AppStore {
    fn request_path(&self) -> std::path::PathBuf {
        self.folder.join("take-back.json")
    }

    /// Asks the bgd that is deploying a release to take it back.
    ///
    /// # Errors
    /// When the request cannot be written.
    pub fn ask_back(&self, release: ReleaseNumber) -> Result<()> {
        let uid = nix::unistd::getuid().as_raw();
        let request = TakeBack { release, pid: std::process::id(), uid, at: Timestamp::now() };
        file::write(&self.request_path(), &request)
    }

    /// Who asks for this release to be taken back. A request that cannot be read asks for nothing.
    pub fn asked_back(&self, release: ReleaseNumber) -> Option<TakeBack> {
        let request: Option<TakeBack> = file::read(&self.request_path()).ok()?;
        request.filter(|request| request.release == release)
    }

    /// Takes a request back that nobody has followed.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn ask_no_more(&self) -> Result<()> {
        file::remove(&self.request_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppName;
    use crate::record::Store;

    #[test]
    fn a_request_is_for_one_release() {
        let folder = tempfile::tempdir().unwrap();
        let records = Store::at(folder.path()).app(&AppName::parse("api").unwrap());
        assert_eq!(records.asked_back(ReleaseNumber(2)), None);
        records.ask_back(ReleaseNumber(2)).unwrap();
        assert_eq!(records.asked_back(ReleaseNumber(1)), None);
        assert_eq!(records.asked_back(ReleaseNumber(2)).unwrap().pid, std::process::id());
        records.ask_no_more().unwrap();
        assert_eq!(records.asked_back(ReleaseNumber(2)), None);
    }
}
