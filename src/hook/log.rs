use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::lines::Lines;
use crate::error::{Context, Kind, Result};

/// The file that holds what the hooks of a release wrote; mode 0600.
///
/// A hook on the host writes to it by itself, so that it does not miss bgd when that is killed; and while it does, the file
/// is locked, by which the next bgd knows that it still runs.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
    /// Up to where it has been told.
    told: u64,
    lines: Lines,
}

impl Log {
    /// Opens the file, which is made when there is none; what it holds stays.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let tried = || format!("cannot open {}", path.display());
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).or_error(Kind::Other, tried)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        // A link would lead to a file that is not of the records.
        let file = options.custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits()).open(path);
        let file = file.or_error(Kind::Other, tried)?;
        let told = file.metadata().or_error(Kind::Other, tried)?.len();
        Ok(Self { file, path: path.to_owned(), told, lines: Lines::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line of bgd's own, which is not told.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&mut self, line: &str) -> Result<()> {
        let tried = || format!("cannot write {}", self.path.display());
        let written = self.file.write_all(format!("--- {line}\n").as_bytes());
        written.or_error(Kind::Other, tried)?;
        self.told = self.file.metadata().or_error(Kind::Other, tried)?.len();
        Ok(())
    }

    /// The file, for a process to write to, locked for as long as that has it open.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn for_process(&self) -> io::Result<File> {
        // What an earlier hook left running in the background may hold the lock: then nothing can be told by it.
        let _taken = self.file.try_lock();
        self.file.try_clone()
    }

    /// Whether a process still has the file that [`Log::for_process`] gave it.
    pub fn is_in_use(&self) -> bool {
        match self.file.try_lock() {
            Ok(()) => {
                let _unlocked = self.file.unlock();
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        }
    }

    /// Takes what a hook in a container wrote, and tells it.
    pub fn take(&mut self, bytes: &[u8], tell: &mut dyn FnMut(String)) {
        // A full disk must not end a migration half way: what is told is told all the same.
        if let Err(error) = self.file.write_all(bytes) {
            tracing::debug!("{} is not whole: {error}", self.path.display());
        }
        self.lines.take(bytes, tell);
    }

    /// Tells what a process has written since the last time.
    pub fn follow(&mut self, tell: &mut dyn FnMut(String)) {
        let mut piece = [0; 16 * 1024];
        while let Ok(count @ 1..) = self.file.read_at(&mut piece, self.told) {
            self.told += count as u64;
            self.lines.take(&piece[..count], tell);
        }
    }

    /// Tells the rest; a line may have no end.
    pub fn finish(&mut self, tell: &mut dyn FnMut(String)) {
        self.lines.finish(tell);
    }

    /// The last lines that were told.
    pub fn tail(&self) -> String {
        self.lines.tail()
    }
}
