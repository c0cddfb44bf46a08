//! The records of an app, read as far as they can be read: damage to one file must not hide what the others say.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::model::{App, Release, ReleaseNumber};
use crate::record::{AppState, AppStore, Holder, JournalState};

/// Everything that is recorded of an app.
pub(super) struct Recorded {
    pub store: AppStore,
    /// Which releases were live; empty also when the file is gone.
    pub state: Result<AppState>,
    /// Every release of which there is a file.
    pub releases: BTreeMap<ReleaseNumber, Result<Release>>,
    pub journal: Result<JournalState>,
    /// Another bgd that is changing the app.
    pub holder: Option<Holder>,
    /// Why the folder of the releases cannot be read.
    pub folder: Option<Error>,
}

impl Recorded {
    pub fn read(store: AppStore) -> Self {
        let (numbers, folder) = match store.numbers() {
            Ok(numbers) => (numbers, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let read = |number| Some((number, store.release(number).transpose()?));
        let releases = numbers.into_iter().filter_map(read).collect();
        let mine = std::process::id();
        Self {
            state: store.state(),
            releases,
            journal: store.journal(),
            holder: store.holder().filter(|holder| holder.pid != mine),
            folder,
            store,
        }
    }

    /// The record of a release, when it can be read.
    pub fn release(&self, number: ReleaseNumber) -> Option<&Release> {
        self.releases.get(&number)?.as_ref().ok()
    }

    /// All releases whose record can be read, oldest first.
    pub fn readable(&self) -> impl DoubleEndedIterator<Item = &Release> {
        self.releases.values().filter_map(|read| read.as_ref().ok())
    }

    /// The release that became live last, by the records.
    pub fn live(&self) -> Option<ReleaseNumber> {
        self.state.as_ref().ok()?.live()
    }

    /// Whether a deploy is neither under way nor unfinished, so that the records should tell what is live.
    pub fn is_quiet(&self) -> bool {
        self.holder.is_none() && matches!(self.journal, Ok(JournalState::None | JournalState::Ended(_)))
    }

    /// A configuration by which the proxy can be asked: the one of the live release, else the newest one.
    pub fn app(&self) -> Option<&App> {
        let live = self.live().and_then(|live| self.release(live));
        live.or_else(|| self.readable().next_back()).map(|release| &release.app)
    }
}

/// An error with its remedies, in a line.
pub(super) fn told(error: &Error) -> String {
    let hints = error.hints().iter().map(|hint| format!("; {hint}"));
    error.one_line() + &hints.collect::<String>()
}
