//! What happens during a deploy, as a stream of values. Printers fold them; `--output json` writes them as they are.

use std::time::Duration;

use serde::Serialize;

use crate::error::{Detail, Place};
use crate::model::{AppName, ReleaseNumber, Slot};
use crate::record::Cause;
use crate::step::Step;

/// The version of the JSON form, (major).(minor): fields are only added within a major.
pub const FORMAT: &str = "1.1";

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A deploy, rollback or recovery begins.
    Begin {
        /// The app.
        app: AppName,
        /// Why the release becomes live.
        cause: Cause,
        /// The release that is to become live.
        release: ReleaseNumber,
        /// Its image, as asked for.
        image: String,
        /// The slot that it takes.
        slot: Slot,
        /// The release that is live.
        former: Option<ReleaseNumber>,
        /// The steps, in order.
        steps: Vec<Step>,
    },
    /// A step begins.
    StepStarted {
        /// The step.
        step: Step,
        /// What it does, for people.
        message: String,
    },
    /// A step has come some way.
    Progress {
        /// The step.
        step: Step,
        /// How far.
        done: u64,
        /// Out of how much, when that is known.
        total: Option<u64>,
        /// What it is at, for people.
        message: String,
    },
    /// A step is done.
    StepDone {
        /// The step.
        step: Step,
        /// How long it took, in milliseconds.
        #[serde(rename = "took_ms", serialize_with = "millis")]
        took: Duration,
        /// What came of it, for people; may be empty.
        message: String,
    },
    /// A hook has written a line.
    HookOutput {
        /// Its step.
        step: Step,
        /// The line, without what only a terminal understands.
        line: String,
    },
    /// A step failed; what it did is being undone, if it can be.
    StepFailed {
        /// The step.
        step: Step,
        /// Why, in a line.
        reason: String,
    },
    /// The effect of a step is being taken back.
    Undoing {
        /// The step.
        step: Step,
        /// What is done, for people.
        message: String,
    },
    /// Good to know.
    Note {
        /// In a line.
        message: String,
    },
    /// A person should look at it.
    Warning {
        /// In a line.
        message: String,
        /// What to do, if anything.
        remedy: Option<String>,
    },
    /// Something is surplus: it is about to be removed, or would be.
    Surplus {
        /// The app.
        app: AppName,
        /// What it is.
        thing: Thing,
        /// Its name.
        name: String,
        /// Why it is surplus, for people.
        why: String,
    },
    /// Something looks like surplus, and stays.
    Left {
        /// The app.
        app: AppName,
        /// What it is.
        thing: Thing,
        /// Its name.
        name: String,
        /// Why it stays, for people.
        why: String,
    },
    /// Something that was surplus is removed.
    Removed {
        /// The app.
        app: AppName,
        /// What it was.
        thing: Thing,
        /// Its name.
        name: String,
    },
    /// It ended well.
    Done {
        /// The app.
        app: AppName,
        /// The release that is live.
        release: ReleaseNumber,
        /// The slot that is live.
        slot: Slot,
        /// How long everything took, in milliseconds.
        #[serde(rename = "took_ms", serialize_with = "millis")]
        took: Duration,
        /// What a person may want to type next.
        next: Vec<String>,
    },
    /// It ended with an error.
    Failed(Failure),
}

/// How a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The class, as in the table of exit codes.
    pub class: &'static str,
    /// The exit code.
    pub code: u8,
    /// What went wrong, in a line.
    pub message: String,
    /// Its causes, nearest first.
    pub causes: Vec<String>,
    /// Longer texts that belong to it, such as the tail of a log.
    pub details: Vec<Detail>,
    /// What to do.
    pub hints: Vec<String>,
    /// The places in files that are meant.
    pub places: Vec<Place>,
}

/// What a prune removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// A container, by its name.
    Container,
    /// The record of a release, by its number.
    Record,
    /// The journal of a deploy, by when that ended.
    Journal,
    /// An image, by the name under which it was deployed, and its id.
    Image,
    /// An anonymous volume, by its name.
    Volume,
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Container => "container",
            Self::Record => "record",
            Self::Journal => "journal",
            Self::Image => "image",
            Self::Volume => "volume",
        })
    }
}

/// Takes the events of a deploy as they happen.
pub trait Report {
    /// Takes one.
    fn event(&self, event: Event);

    /// Tells a note.
    fn note(&self, message: String) {
        self.event(Event::Note { message });
    }

    /// Tells a warning.
    fn warn(&self, message: String, remedy: Option<String>) {
        self.event(Event::Warning { message, remedy });
    }
}

fn millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}
