//! A section of Markdown that tells how a command went, appended to a file: the job summary of a CI.

mod act;
mod markdown;

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::Style;
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Report};

use act::Acts;

/// Collects what happens, and writes it at the end.
#[derive(Debug)]
pub struct Summary {
    place: Place,
    acts: RefCell<Acts>,
}

/// Where a summary goes.
#[derive(Debug)]
enum Place {
    File(PathBuf),
    /// Standard output, as this style has it.
    Stdout(Style),
}

impl Summary {
    /// One for standard output.
    pub fn to_stdout(style: Style) -> Self {
        Self { place: Place::Stdout(style), acts: RefCell::default() }
    }

    /// One for a file that was asked for, and that therefore has to be there to be written.
    ///
    /// # Errors
    /// Of kind `Usage` when it cannot be written: nothing has been changed then.
    pub fn asked_for(path: &Path) -> Result<Self> {
        open(path).map_err(|error| {
            Error::new(Kind::Usage, format!("cannot write the summary to {}", path.display()))
                .caused_by(error)
                .hint("name a file that you may write, in a folder that is there, with --summary FILE")
                .hint("nothing was changed")
        })?;
        Ok(Self::of_runner(path))
    }

    /// One for the file that a runner names. Whether it can be written shows at the end.
    pub fn of_runner(path: &Path) -> Self {
        Self { place: Place::File(path.to_owned()), acts: RefCell::default() }
    }

    /// Appends what was collected.
    ///
    /// # Errors
    /// When that is not possible; the file may have a part of it then.
    pub fn write(&self) -> Result<()> {
        let text = self.acts.borrow().markdown();
        let path = match &self.place {
            Place::File(path) => path,
            Place::Stdout(style) => {
                // A closed standard output leaves nobody to tell.
                let _ = io::stdout().write_all(style.clean(&text).as_bytes());
                return Ok(());
            }
        };
        // One call: several commands may append to one file at once.
        open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            Error::new(Kind::Other, format!("the summary was not written to {}", path.display()))
                .caused_by(error)
        })
    }
}

/// Opens the file to append to it. Never waits for whoever may read it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

impl Report for Summary {
    fn event(&self, event: Event) {
        self.acts.borrow_mut().add(event);
    }
}

#[cfg(test)]
mod tests;
