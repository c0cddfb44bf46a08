use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::journal::{self, Journal, JournalState, Replay};
use super::{AppState, AppStore, Cause, Lock, file};
use crate::error::Result;
use crate::model::{Outcome, Release, ReleaseNumber};
use crate::proxy::Former;
use crate::step::Step;

/// The records of one app under its lock: only these can be written.
#[derive(Debug)]
pub struct LockedApp {
    store: AppStore,
    _lock: Lock,
}

impl std::ops::Deref for LockedApp {
    type Target = AppStore;

    fn deref(&self) -> &AppStore {
        &self.store
    }
}

impl LockedApp {
    pub(super) fn new(store: AppStore, lock: Lock) -> Self {
        Self { store, _lock: lock }
    }

    /// Stores a release.
    ///
    /// # Errors
    /// When it is not surely on disk.
    pub fn put_release(&self, release: &Release) -> Result<()> {
        file::write(&self.release_path(release.number), release)
    }

    /// Stores a release without forgetting which containers are its: `release` may be as it was planned.
    ///
    /// # Errors
    /// When it is not surely on disk.
    pub fn update_release(&self, release: &Release) -> Result<()> {
        // Of a record that cannot be read nothing is known that could be forgotten.
        let known = self.release(release.number).ok().flatten().map(|known| known.ids).unwrap_or_default();
        self.put_release(&Release { ids: known, ..release.clone() })
    }

    /// Changes what is recorded of a release; nothing when it is not recorded.
    ///
    /// # Errors
    /// When it cannot be read or is not surely on disk.
    pub fn amend(&self, number: ReleaseNumber, change: impl FnOnce(&mut Release)) -> Result<()> {
        let Some(mut release) = self.release(number)? else { return Ok(()) };
        change(&mut release);
        self.put_release(&release)
    }

    /// Stores which releases were live.
    ///
    /// # Errors
    /// When it is not surely on disk.
    pub fn put_state(&self, state: &AppState) -> Result<()> {
        file::write(&self.folder.join("state.json"), state)
    }

    /// Moves a damaged record out of the way, to `NAME.damaged` beside it, and returns where it is now.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn set_aside(&self, number: Option<ReleaseNumber>) -> Result<PathBuf> {
        let from = number.map_or_else(|| self.folder.join("state.json"), |number| self.release_path(number));
        let named = |end: &str| PathBuf::from(format!("{}{end}", from.display()));
        let numbered = (2..1000).map(|n| named(&format!(".damaged-{n}")));
        // What an earlier recovery has set aside stays.
        let mut free = std::iter::once(named(".damaged")).chain(numbered).filter(|path| !path.exists());
        let to = free.next().unwrap_or_else(|| named(".damaged"));
        fs::rename(&from, &to).map_err(|error| file::cannot("move", &from, error))?;
        Ok(to)
    }

    /// Keeps the proxy's files as they were before the deploy.
    ///
    /// # Errors
    /// When they are not surely on disk.
    pub fn put_former(&self, former: &Former) -> Result<()> {
        file::write(&self.folder.join("former.json"), former)
    }

    /// The proxy's files as they were before the deploy that is under way.
    ///
    /// # Errors
    /// A file that is damaged or of a newer format.
    pub fn former(&self) -> Result<Option<Former>> {
        file::read(&self.folder.join("former.json"))
    }

    /// Begins the journal of a deploy.
    ///
    /// # Errors
    /// When one is there, or it cannot be written.
    pub fn begin(
        &self,
        cause: Cause,
        release: ReleaseNumber,
        former: Option<ReleaseNumber>,
        steps: Vec<Step>,
    ) -> Result<Journal> {
        file::make_folder(&self.folder)?;
        if self.journal()? == JournalState::None {
            // What a crash left before its first line was whole announces nothing.
            file::remove(&self.journal_path())?;
        }
        // Those of an earlier deploy would be taken for the ones of this.
        file::remove(&self.folder.join("former.json"))?;
        self.ask_no_more()?;
        Journal::create(&self.journal_path(), &journal::begin(cause, release, former, steps))
    }

    /// Goes on with the journal of an interrupted deploy.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn resume(&self, replay: &Replay) -> Result<Journal> {
        // What was asked of the bgd that was interrupted, whoever takes this up decides by itself.
        self.ask_no_more()?;
        Journal::resume(&self.journal_path(), replay.whole_bytes)
    }

    /// Puts the journal of a deploy that has ended among the old ones, and forgets the proxy's former files.
    ///
    /// # Errors
    /// When a file cannot be moved.
    pub fn archive(&self) -> Result<()> {
        file::make_folder(&self.journals())?;
        // Later than all others also when the clock was set back: their order says which are the oldest.
        let after = |last: Timestamp| last.checked_add(SignedDuration::from_micros(1)).unwrap_or(last);
        let last = self.journal_times()?.into_iter().max();
        let at = Timestamp::now().max(last.map_or(Timestamp::MIN, after));
        let from = self.journal_path();
        if from.exists() {
            fs::rename(&from, self.journal_of(at)).map_err(|error| file::cannot("move", &from, error))?;
        }
        file::remove(&self.folder.join("former.json"))?;
        self.ask_no_more()?;
        file::sync_folder(&self.folder)
    }

    /// Removes the records of releases, in this order, and the journals of deploys that ended then.
    ///
    /// # Errors
    /// When one cannot be removed; those before it are gone.
    pub fn remove(&self, releases: &[ReleaseNumber], ended: &[Timestamp]) -> Result<()> {
        for number in releases {
            file::remove(&self.hook_log(*number))?;
            file::remove(&self.release_path(*number))?;
        }
        ended.iter().try_for_each(|at| file::remove(&self.journal_of(*at)))?;
        [self.folder.join("releases"), self.journals()]
            .iter()
            .filter(|folder| folder.exists())
            .try_for_each(|folder| file::sync_folder(folder))
    }

    /// Notes that the deploy of [`AppStore::never_begun`] never began.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn settle(&self) -> Result<Option<ReleaseNumber>> {
        let Some(mut release) = self.never_begun()? else { return Ok(None) };
        release.outcome = Outcome::Failed { reason: "interrupted before its first step".to_owned() };
        self.put_release(&release)?;
        Ok(Some(release.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppName;
    use crate::record::Store;

    #[tokio::test]
    async fn the_newest_journal_is_named_last_also_when_the_clock_was_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let name = AppName::parse("api").unwrap();
        let records = Store::at(folder.path()).app(&name).lock(std::time::Duration::ZERO).await.unwrap();
        let journals = records.journals();
        file::make_folder(&journals).unwrap();
        let tomorrow = Timestamp::now().as_microsecond() + 86_400_000_000;
        for at in 0..60 {
            fs::write(journals.join(format!("{}.jsonl", tomorrow + at)), "old").unwrap();
        }
        for text in ["the last but one", "the last"] {
            fs::write(records.journal_path(), text).unwrap();
            records.archive().unwrap();
        }
        let mut times = records.journal_times().unwrap();
        times.sort();
        let last = times[60..].iter().map(|at| fs::read_to_string(records.journal_of(*at)).unwrap());
        assert_eq!(last.collect::<Vec<_>>(), ["the last but one", "the last"]);
    }
}
