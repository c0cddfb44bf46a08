use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::journal::{self, Journal, JournalState, Replay};
use super::{AppState, Cause, Holder, Lock, file, lock};
use crate::error::{Context, Error, Kind, Result};
use crate::model::{AppName, Outcome, Release, ReleaseNumber};
use crate::proxy::Former;
use crate::step::Step;

/// The state folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a state folder; it is made when something is written.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The user's state folder: `BGD_STATE_DIR`, `/var/lib/bgd` for root, else below the XDG state folder.
    ///
    /// # Errors
    /// When there is no home folder to put it in.
    pub fn of_this_user(env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        if let Some(folder) = set("BGD_STATE_DIR") {
            if !Path::new(&folder).is_absolute() {
                return Err(Error::new(
                    Kind::Config,
                    format!("BGD_STATE_DIR is {folder:?}, which is another folder in each working folder"),
                )
                .hint("set it to an absolute path, such as /var/lib/bgd"));
            }
            return Ok(Self::at(folder));
        }
        if nix::unistd::geteuid().is_root() {
            return Ok(Self::at("/var/lib/bgd"));
        }
        let state = set("XDG_STATE_HOME").map(PathBuf::from);
        let state = state.or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/state")));
        state.map(|folder| Self::at(folder.join("bgd"))).ok_or_else(|| {
            Error::new(Kind::Config, "there is no folder for bgd's records: HOME is not set")
                .hint("set BGD_STATE_DIR")
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of all apps that have records, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn apps(&self) -> Result<Vec<AppName>> {
        let mut apps = self.folders()?;
        // A folder that only a refused deploy made holds a lock and nothing else: not an app yet.
        apps.retain(|name| {
            let app = self.app(name);
            let left = ["releases", "state.json"].map(|name| app.folder.join(name).exists());
            left.contains(&true) || app.journal_path().exists()
        });
        Ok(apps)
    }

    /// Who else is changing an app now, be it the first deploy of one without records.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn others(&self) -> Result<Vec<(AppName, Holder)>> {
        let holder = |name: AppName| Some((self.app(&name).holder()?, name));
        let mine = std::process::id();
        let held = self.folders()?.into_iter().filter_map(holder);
        Ok(held.filter(|(holder, _)| holder.pid != mine).map(|(holder, name)| (name, holder)).collect())
    }

    fn folders(&self) -> Result<Vec<AppName>> {
        let folder = self.root.join("apps");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(file::cannot("read", &folder, error));
            }
        };
        let mut apps = Vec::new();
        for entry in entries {
            let entry = entry.or_error(Kind::Other, || format!("cannot read {}", folder.display()))?;
            apps.extend(entry.file_name().to_str().and_then(|name| AppName::parse(name).ok()));
        }
        apps.sort();
        Ok(apps)
    }

    /// The records of one app, to read.
    pub fn app(&self, name: &AppName) -> AppStore {
        AppStore { folder: self.root.join("apps").join(name.as_str()), name: name.clone() }
    }

    /// Takes the lock of a proxy, waiting for it: other apps write to it for short times only.
    ///
    /// # Errors
    /// Of kind `Locked` when it is not free within a minute.
    pub async fn lock_proxy(&self, proxy: &str) -> Result<Lock> {
        file::check_owner(&self.root, &self.root.join("proxies"))?;
        let limit = std::time::Duration::from_secs(60);
        Lock::wait(&lock::proxy_lock(&self.root, proxy), &format!("the proxy {proxy}"), limit).await
    }
}

/// The records of one app, to read.
#[derive(Debug, Clone)]
pub struct AppStore {
    pub(super) folder: PathBuf,
    name: AppName,
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
        Ok(LockedApp { store: self, _lock: lock })
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

    #[test]
    fn a_relative_state_folder_is_refused() {
        let env = |name: &str| (name == "BGD_STATE_DIR").then(|| "state".to_owned());
        let error = Store::of_this_user(&env).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.hints()[0].contains("absolute"), "{error:?}");
    }

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
