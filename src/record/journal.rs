//! The intent log of one deploy: a line is on disk before the effect that it announces.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file;
use crate::error::{Context, Error, Kind, Result};
use crate::model::ReleaseNumber;
use crate::step::Step;

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// The first line: what is going to be done.
    Begin {
        /// The version of the format.
        format: String,
        /// When.
        at: Timestamp,
        /// Why the release becomes live.
        cause: super::Cause,
        /// The release that is to become live.
        release: ReleaseNumber,
        /// The release that was live.
        former: Option<ReleaseNumber>,
        /// The steps, in order.
        steps: Vec<Step>,
    },
    /// Something happened to a step.
    Step {
        /// When.
        at: Timestamp,
        /// Which step.
        step: Step,
        /// What happened.
        happened: Happened,
    },
    /// The last line: nothing is left to do.
    End {
        /// When.
        at: Timestamp,
        /// How it ended.
        ending: Ending,
    },
}

/// What happened to a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    /// Its effect may happen from now on.
    Started,
    /// Its effect is there.
    Succeeded,
    /// It was watched, and both releases fail: what was live before is left as it is.
    Held,
    /// Its effect may be there in part.
    Failed {
        /// Why, in a line.
        reason: String,
    },
    /// It was gone past, as only a hook can be: it failed when nothing could be undone any more, or it is not known
    /// whether it ran.
    Skipped {
        /// Why, in a line.
        reason: String,
    },
    /// Its effect may be taken back from now on.
    Undoing,
    /// Its effect is gone.
    Undone,
    /// Its effect could not be taken back.
    UndoFailed {
        /// Why, in a line.
        reason: String,
    },
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All steps are done.
    Completed,
    /// All effects were taken back.
    Unwound {
        /// Why, in a line.
        reason: String,
    },
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes up to the end of the last line that is surely on disk.
    whole_bytes: u64,
    /// Set when what a failed write left behind could not be cut off: nothing may follow it.
    is_torn: bool,
}

impl Journal {
    /// Begins a journal. One that is there already is an error: it has to be recovered first.
    pub(super) fn create(path: &Path, begin: &Entry) -> Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| file::cannot("begin the journal", path, error))?;
        let mut journal = Self { file, path: path.to_owned(), whole_bytes: 0, is_torn: false };
        journal.append(begin)?;
        file::sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        Ok(journal)
    }

    /// Goes on with a journal that an interrupted deploy left, after cutting off a torn last line.
    pub(super) fn resume(path: &Path, whole_bytes: u64) -> Result<Self> {
        let failed = |error| file::cannot("go on with the journal", path, error);
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(failed)?;
        file.set_len(whole_bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), whole_bytes, is_torn: false })
    }

    /// Writes a line and syncs it.
    ///
    /// # Errors
    /// When it is not surely on disk; the effect that it announces must not happen then.
    pub fn append(&mut self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_string(entry)
            .or_error(Kind::Other, || format!("cannot write the journal {}", self.path.display()))?;
        line.push('\n');
        let failed = |error| file::cannot("write the journal", &self.path, error);
        if self.is_torn {
            return Err(failed(io::Error::other("an earlier line of it is not whole")));
        }
        let written = self.file.write_all_at(line.as_bytes(), self.whole_bytes);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            let error = failed(error);
            // A full disk takes part of a line. The next one, when there is room again, must not follow that.
            self.is_torn = self.file.set_len(self.whole_bytes).is_err();
            return Err(error);
        }
        self.whole_bytes += line.len() as u64;
        Ok(())
    }

    /// Writes what happened to a step.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn step(&mut self, step: Step, happened: Happened) -> Result<()> {
        self.append(&Entry::Step { at: Timestamp::now(), step, happened })
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn end(&mut self, ending: Ending) -> Result<()> {
        self.append(&Entry::End { at: Timestamp::now(), ending })
    }
}

/// What a journal on disk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalState {
    /// There is none, or nothing had been begun.
    None,
    /// A deploy that has not ended.
    Open(Replay),
    /// A deploy that has ended; the file was not moved away yet.
    Ended(Replay),
}

/// A journal, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// When the deploy began.
    pub began: Timestamp,
    /// Why the release was to become live.
    pub cause: super::Cause,
    /// The release that was to become live.
    pub release: ReleaseNumber,
    /// The release that was live.
    pub former: Option<ReleaseNumber>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What happened, in order.
    pub happened: Vec<(Step, Happened)>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// Bytes up to the end of the last whole line.
    pub whole_bytes: u64,
    /// Whether the beginning of one more line was found after them: bgd was killed, or the disk was full, while it
    /// was written.
    pub is_torn: bool,
}

impl Replay {
    /// The last thing that happened to a step.
    pub fn last(&self, step: Step) -> Option<&Happened> {
        self.happened.iter().rev().find(|(s, _)| *s == step).map(|(_, happened)| happened)
    }

    /// Whether a step may have had an effect that was not taken back.
    pub fn may_have_effect(&self, step: Step) -> bool {
        !matches!(self.last(step), None | Some(Happened::Undone))
    }
}

/// Reads a journal from disk.
pub(super) fn load(path: &Path) -> Result<JournalState> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(JournalState::None),
        Err(error) => Err(file::cannot("read the journal", path, error)
            .with_kind(Kind::Stuck)
            .hint("nothing was touched: whether a deploy is unfinished stands in that file. Make it readable, or move it away when `bgd status` shows what is to be live")),
    }
}

/// Reads a journal. A torn last line is as if it had never been written: its effect has not begun.
///
/// # Errors
/// A damaged line anywhere else, a last line that is no beginning of one of bgd's, or a format that is newer.
pub fn parse(bytes: &[u8], path: &Path) -> Result<JournalState> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut replay: Option<Replay> = None;
    let mut lines = 0;
    for (at, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        lines = at + 1;
        let entry = read_line(line, at, path)?;
        match (entry, &mut replay) {
            (Entry::Begin { format, at, cause, release, former, steps }, None) => {
                file::check_format(&format, path).map_err(newer)?;
                replay = Some(Replay {
                    began: at,
                    cause,
                    release,
                    former,
                    steps,
                    happened: Vec::new(),
                    ending: None,
                    whole_bytes: whole as u64,
                    is_torn: whole < bytes.len(),
                });
            }
            (Entry::Step { step, happened, .. }, Some(replay)) if replay.ending.is_none() => {
                replay.happened.push((step, happened));
            }
            (Entry::End { ending, .. }, Some(replay)) if replay.ending.is_none() => {
                replay.ending = Some(ending);
            }
            _ => return Err(damaged(path, at, "it does not follow from the lines before it")),
        }
    }
    let starts: &[&str] = match &replay {
        None => &[r#"{"begin":{"#],
        Some(replay) if replay.ending.is_none() => &[r#"{"step":{"#, r#"{"end":{"#],
        Some(_) => &[],
    };
    if !is_beginning(&bytes[whole..], starts) {
        return Err(damaged(path, lines, "it is neither whole nor the beginning of a line of bgd's"));
    }
    Ok(match replay {
        None => JournalState::None,
        Some(replay) if replay.ending.is_some() => JournalState::Ended(replay),
        Some(replay) => JournalState::Open(replay),
    })
}

/// Whether bytes can be what a power cut left of a line that starts in one of these ways. Where a file had grown and
/// its data was not on disk yet, a file system shows zeros.
fn is_beginning(bytes: &[u8], starts: &[&str]) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let text = &bytes[..end];
    let may_start = |start: &&str| {
        let common = text.len().min(start.len());
        text[..common] == start.as_bytes()[..common]
    };
    text.is_empty() || starts.iter().any(may_start)
}

fn read_line(line: &[u8], at: usize, path: &Path) -> Result<Entry> {
    #[derive(Deserialize)]
    struct Head {
        begin: HeadBegin,
    }
    #[derive(Deserialize)]
    struct HeadBegin {
        format: String,
    }
    serde_json::from_slice(line).map_err(|error| {
        // A newer format may have entries of another shape; say that rather than "damaged".
        let newer = serde_json::from_slice::<Head>(line)
            .ok()
            .and_then(|head| file::check_format(&head.begin.format, path).err().map(newer));
        newer.unwrap_or_else(|| damaged(path, at, &error.to_string()))
    })
}

/// The error of a journal of a newer format.
fn newer(error: Error) -> Error {
    error.with_kind(Kind::Stuck).hint("nothing was touched")
}

fn damaged(path: &Path, line: usize, why: &str) -> Error {
    Error::new(Kind::Stuck, format!("line {} of the journal {} is damaged: {why}", line + 1, path.display()))
        .hint("nothing was touched. See with `docker ps --filter label=bgd.app` and `bgd status` what runs and what is live")
        .hint("when what is live is right, move the journal away and run `bgd status` again")
}

/// The first line of a journal.
pub(super) fn begin(
    cause: super::Cause,
    release: ReleaseNumber,
    former: Option<ReleaseNumber>,
    steps: Vec<Step>,
) -> Entry {
    Entry::Begin { format: file::format(), at: Timestamp::now(), cause, release, former, steps }
}

#[cfg(test)]
mod tests;
