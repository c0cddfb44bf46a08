use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::journal::{self, JournalState};
use super::{AppState, Holder, Lock, LockedApp, file};
use crate::error::{Error, Kind, Result};
use crate::model::{AppName, Outcome, Release, ReleaseNumber};

/// The records of one app, to read.
#[derive(Debug, Clone)]
pub struct AppStore {
    pub(super) folder: PathBuf,
    pub(super) name: AppName,
}

impl AppStore {
    /// The app.
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Which releases were live.
    ///
    /// # Errors
    /// A file that is damaged or of a newer format.
    pub fn state(&self) -> Result<AppState> {
        let state =
            file::read(&self.folder.join("state.json")).map_err(|error| self.can_be_made_anew(error))?;
        Ok(state.unwrap_or_default())
    }

    /// One release; `None` when there is no record of it.
    ///
    /// # Errors
    /// A file that is damaged or of a newer format.
    pub fn release(&self, number: ReleaseNumber) -> Result<Option<Release>> {
        file::read(&self.release_path(number)).map_err(|error| self.can_be_made_anew(error))
    }

    /// Of what the containers and the proxy tell as well, the remedy is to ask these.
    fn can_be_made_anew(&self, error: Error) -> Error {
        if error.kind() != Kind::NeedsRecovery {
            return error;
        }
        error.hint(format!(
            "or make it anew from the containers and the proxy, which keeps the damaged file: bgd recover {}",
            self.name
        ))
    }

    /// The numbers of all recorded releases, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn numbers(&self) -> Result<Vec<ReleaseNumber>> {
        let folder = self.folder.join("releases");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(file::cannot("read", &folder, error));
            }
        };
        let mut numbers: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok().map(ReleaseNumber)
            })
            .collect();
        numbers.sort();
        Ok(numbers)
    }

    /// All recorded releases, oldest first.
    ///
    /// # Errors
    /// A file that is damaged or of a newer format.
    pub fn releases(&self) -> Result<Vec<Release>> {
        self.numbers()?.into_iter().filter_map(|number| self.release(number).transpose()).collect()
    }

    /// The journal of the deploy that is under way or was interrupted.
    ///
    /// # Errors
    /// A journal that is damaged or of a newer format.
    pub fn journal(&self) -> Result<JournalState> {
        journal::load(&self.journal_path())
    }

    /// The release that was recorded and never begun: bgd ended before the first line of its journal was whole.
    ///
    /// # Errors
    /// A file that is damaged or of a newer format.
    pub fn never_begun(&self) -> Result<Option<Release>> {
        if matches!(self.journal()?, JournalState::Open(_)) {
            return Ok(None);
        }
        let newest = self.numbers()?.last().map(|number| self.release(*number)).transpose()?.flatten();
        Ok(newest.filter(|release| release.outcome == Outcome::Unfinished))
    }

    /// Who is changing the app now.
    pub fn holder(&self) -> Option<Holder> {
        Lock::holder(&self.folder.join("lock"))
    }

    /// Takes the app's lock, waiting for it at most `wait`.
    ///
    /// # Errors
    /// Of kind `Locked`, naming the holder.
    pub async fn lock(self, wait: std::time::Duration) -> Result<LockedApp> {
        let root = self.folder.parent().and_then(Path::parent).unwrap_or(&self.folder);
        file::check_owner(root, &self.folder)?;
        let lock = Lock::wait(&self.folder.join("lock"), &self.name.to_string(), wait).await?;
        file::sweep(&self.folder);
        file::sweep(&self.folder.join("releases"));
        Ok(LockedApp::new(self, lock))
    }

    /// The file of one release.
    pub fn release_path(&self, number: ReleaseNumber) -> PathBuf {
        self.folder.join("releases").join(format!("{number}.json"))
    }

    /// What the hooks of one release have written.
    pub fn hook_log(&self, number: ReleaseNumber) -> PathBuf {
        self.folder.join("hooks").join(format!("{number}.log"))
    }

    /// The file of the journal.
    pub fn journal_path(&self) -> PathBuf {
        self.folder.join("journal.jsonl")
    }

    /// Where the journals of deploys that have ended are.
    pub(super) fn journals(&self) -> PathBuf {
        self.folder.join("journals")
    }

    /// The journal of the deploy that ended then.
    pub(super) fn journal_of(&self, ended: Timestamp) -> PathBuf {
        self.journals().join(format!("{}.jsonl", ended.as_microsecond()))
    }
}
