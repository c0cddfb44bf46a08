//! One error type: a kind that decides the exit code, a message, a cause, and hints that name the remedy.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// The result of everything in bgd that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The class of a failure. Each has an exit code of its own, documented in docs/ci.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Anything that has no class of its own, such as a file of bgd's that cannot be written.
    Other,
    /// The command line.
    Usage,
    /// The configuration, or what it names on this host.
    Config,
    /// Another bgd holds the lock of the app or the proxy.
    Locked,
    /// The Docker daemon could not be reached, or refused.
    Docker,
    /// Green never got ready.
    NotReady,
    /// Green failed its smoke test.
    Smoke,
    /// A hook failed before anything had changed for whoever sends requests.
    Hook,
    /// The release is live; a hook that came after that failed.
    LateHook,
    /// The release is live and fails, and there is none to go back to that does better.
    Failing,
    /// The proxy refused the new configuration, or did not switch; the former one is back.
    Proxy,
    /// The release was live and was taken back.
    RolledBack,
    /// There is no release to go back to.
    NothingToRollBack,
    /// An earlier deploy did not end: `bgd recover` comes first.
    NeedsRecovery,
    /// An undo failed; nothing more was touched.
    Stuck,
    /// Ctrl-C, SIGTERM or SIGHUP.
    Interrupted,
}

/// A failure that a person can act on.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    details: Vec<Detail>,
    places: Vec<Place>,
    hints: Vec<String>,
    unreachable: bool,
}

/// A longer text that belongs to an error, such as the tail of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// What it is: `last 20 lines of api-green`.
    pub title: String,
    /// The text, as it came.
    pub text: String,
}

/// A place in a file that an error is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there, and what would be right.
    pub message: String,
}

impl Error {
    /// Makes an error of a kind. The message is one line, without a full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            details: Vec::new(),
            places: Vec::new(),
            hints: Vec::new(),
            unreachable: false,
        }
    }

    /// Adds what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a longer text; an empty one is left out.
    #[must_use]
    pub fn detail(mut self, title: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.trim().is_empty() {
            self.details.push(Detail { title: title.into(), text });
        }
        self
    }

    /// Adds places in files that it is about; the texts about them are in its message or its details already.
    #[must_use]
    pub fn at(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.places.extend(places);
        self
    }

    /// The same error under another kind, where the caller knows the class better.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Says that whoever was asked was not there: the same question may be answered in a moment.
    #[must_use]
    pub fn unreachable(mut self) -> Self {
        self.unreachable = true;
        self
    }

    /// Whether whoever was asked was not there, rather than refused.
    pub fn is_unreachable(&self) -> bool {
        self.unreachable
    }

    /// Puts a sentence in front: this error becomes the cause, its hints and details stay on top.
    #[must_use]
    pub fn context(self, message: impl Into<String>) -> Self {
        let Self { kind, message: cause, source, details, places, hints, unreachable } = self;
        let inner = Self { source, unreachable, ..Self::new(kind, cause) };
        let source = Some(Box::from(inner));
        Self { kind, message: message.into(), source, details, places, hints, unreachable }
    }

    /// The class.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The remedies.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The longer texts.
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// The places in files that it is about.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The messages of its causes, nearest first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next: Option<&(dyn StdError + 'static)> = self.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Many libraries repeat their cause in their own message; a reader wants it once.
            if !causes.last().is_some_and(|last: &String| last.contains(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }

    /// The message and its causes in one line, for records and logs.
    pub fn one_line(&self) -> String {
        let mut line = self.message.clone();
        for cause in self.causes() {
            line.push_str(": ");
            line.push_str(&cause.replace('\n', " "));
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Turns a foreign error into one of bgd's, with a sentence that says what was tried.
pub trait Context<T> {
    /// Wraps the error as the cause of one with this kind and message.
    ///
    /// # Errors
    /// Those of `self`, wrapped.
    fn or_error(self, kind: Kind, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn or_error(self, kind: Kind, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::new(kind, message()).caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keeps_hints_on_top_and_the_chain_below() {
        let io = std::io::Error::other("disk full");
        let error = Error::new(Kind::Other, "cannot write the record")
            .caused_by(io)
            .hint("free some space")
            .context("release 3 was not recorded");
        assert_eq!(error.to_string(), "release 3 was not recorded");
        assert_eq!(error.causes(), ["cannot write the record", "disk full"]);
        assert_eq!(error.hints(), ["free some space"]);
        assert_eq!(error.one_line(), "release 3 was not recorded: cannot write the record: disk full");
    }
}
