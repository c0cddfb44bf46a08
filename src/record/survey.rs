use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::AppStore;
use crate::error::{Context, Kind, Result};
use crate::model::{Release, ReleaseNumber};

/// What is stored of an app, with everything that cannot be read named.
#[derive(Debug, Default)]
pub struct Survey {
    /// The releases, oldest first, whose records may be removed.
    pub releases: Vec<Release>,
    /// Releases whose records are read and never removed: they are not files of bgd's making.
    pub fixed: Vec<Release>,
    /// When each deploy whose journal is kept has ended.
    pub journals: Vec<Timestamp>,
    /// What is not as bgd left it, and what is the matter.
    pub odd: BTreeMap<PathBuf, String>,
    /// Numbers of records that could not be read: what they need is not known.
    pub unread: BTreeSet<ReleaseNumber>,
}

impl Survey {
    /// The numbers of all records, read or not.
    pub fn numbers(&self) -> BTreeSet<ReleaseNumber> {
        let read = self.releases.iter().chain(&self.fixed).map(|release| release.number);
        read.chain(self.unread.iter().copied()).collect()
    }

    /// All releases that could be read.
    pub fn read(&self) -> impl Iterator<Item = &Release> {
        self.releases.iter().chain(&self.fixed)
    }
}

impl AppStore {
    /// Reads everything that is stored of the app. What cannot be read is told, and is no error.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn survey(&self) -> Result<Survey> {
        let mut survey = Survey::default();
        let releases = self.folder.join("releases");
        let is_own = is_plain(&releases, &mut survey);
        for path in entries(&releases)? {
            let Some(number) = stem(&path, ".json").and_then(|stem| stem.parse().ok()).map(ReleaseNumber)
            else {
                survey.odd.insert(path, "it is no record of bgd's".to_owned());
                continue;
            };
            // Only the form in which bgd writes a number names a record of bgd's: 3.json, and not 03.json.
            if path != self.release_path(number) {
                survey.odd.insert(path, "it is no record of bgd's".to_owned());
                continue;
            }
            let is_plain = is_plain(&path, &mut survey);
            match self.release(number) {
                Ok(Some(release)) if release.number == number && is_own && is_plain => {
                    survey.releases.push(release);
                }
                Ok(Some(release)) if release.number == number => survey.fixed.push(release),
                Ok(Some(release)) => {
                    survey.odd.insert(path, format!("it holds release {}", release.number));
                    survey.unread.insert(number);
                }
                Ok(None) => {
                    survey.unread.insert(number);
                }
                Err(error) => {
                    survey.odd.insert(path, error.one_line());
                    survey.unread.insert(number);
                }
            }
        }
        survey.releases.sort_by_key(|release| release.number);
        self.survey_journals(&mut survey)?;
        Ok(survey)
    }

    /// When each deploy whose journal is kept has ended.
    pub(super) fn journal_times(&self) -> Result<Vec<Timestamp>> {
        let mut survey = Survey::default();
        self.survey_journals(&mut survey)?;
        Ok(survey.journals)
    }

    fn survey_journals(&self, survey: &mut Survey) -> Result<()> {
        let folder = self.journals();
        if !is_plain(&folder, survey) {
            return Ok(());
        }
        for path in entries(&folder)? {
            let micros = stem(&path, ".jsonl").and_then(|stem| stem.parse().ok());
            let at = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
            match at.filter(|at| path == self.journal_of(*at)) {
                Some(at) if is_plain(&path, survey) => survey.journals.push(at),
                Some(_) => {}
                None => {
                    survey.odd.insert(path, "it is no journal of bgd's".to_owned());
                }
            }
        }
        Ok(())
    }
}

/// Whether this is what bgd makes, a file or a folder, and not a link to one.
fn is_plain(path: &Path, survey: &mut Survey) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    if is_link {
        survey.odd.insert(path.to_owned(), "it is a link".to_owned());
    }
    !is_link
}

/// The entries of a folder but for temporary files; none when it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("cannot read {}", folder.display());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).or_error(Kind::Other, doing),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.or_error(Kind::Other, doing)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn stem<'p>(path: &'p Path, ending: &str) -> Option<&'p str> {
    path.file_name()?.to_str()?.strip_suffix(ending)
}
