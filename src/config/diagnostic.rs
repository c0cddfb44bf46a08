use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Place};

/// What follows from something that is said of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It is taken, and something in it is probably not meant.
    Warning,
    /// It is taken, and something in it has no effect.
    Note,
}

/// One thing that is said of a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// Whether it is wrong.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
    /// The remedy.
    pub hint: Option<String>,
    /// The line of the file, with secrets and control characters replaced.
    pub source_line: String,
    /// The characters of `source_line` that are meant.
    pub caret: Range<usize>,
}

/// How many characters of a source line are shown.
const SHOWN: usize = 100;

impl Diagnostic {
    /// Place and message: `bgd.yaml:4:3: unknown key "intervall" in health`.
    pub fn title(&self) -> String {
        let file = self.file.display();
        match self.line {
            0 => format!("{file}: {}", self.message),
            line => format!("{file}:{line}:{}: {}", self.column, self.message),
        }
    }

    /// Where it is, with what was expected and the hint.
    fn place(&self) -> Place {
        let also = [("expected", &self.expected), ("hint", &self.hint)];
        let also = also.iter().filter_map(|(what, text)| Some(format!("\n{what}: {}", text.as_ref()?)));
        let message = also.fold(self.message.clone(), |message, more| message + &more);
        Place { file: self.file.clone(), line: self.line, column: self.column, message }
    }

    /// The source line with a caret, what was expected, and the hint; may be empty.
    pub fn excerpt(&self) -> String {
        let mut text = String::new();
        let margin = self.line.to_string().len();
        if self.line > 0 && !self.source_line.trim().is_empty() {
            let (line, before) = self.window();
            let room = line.chars().count().saturating_sub(before);
            let width = self.caret.len().min(room).max(1);
            text.push_str(&format!("{} | {line}\n", self.line));
            text.push_str(&format!("{:margin$} | {:before$}{}\n", "", "", "^".repeat(width)));
        }
        if let Some(expected) = &self.expected {
            text.push_str(&format!("{:margin$} = expected: {expected}\n", ""));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("{:margin$} = hint: {hint}\n", ""));
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// The part of the source line around the caret, and how many characters stand before the caret.
    fn window(&self) -> (String, usize) {
        let chars: Vec<char> = self.source_line.chars().collect();
        if chars.len() <= SHOWN {
            return (self.source_line.clone(), self.caret.start);
        }
        let start = self.caret.start.saturating_sub(SHOWN / 2).min(chars.len() - SHOWN);
        let shown: String = chars[start..start + SHOWN].iter().collect();
        let before = if start > 0 { "…" } else { "" };
        let after = if start + SHOWN < chars.len() { "…" } else { "" };
        (format!("{before}{shown}{after}"), self.caret.start - start + before.chars().count())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title())?;
        let excerpt = self.excerpt();
        if !excerpt.is_empty() {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub(crate) Vec<Diagnostic>);

impl Diagnostics {
    /// The single diagnostics.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// The same with a file under another name, as the user gave it.
    pub(crate) fn renamed(mut self, from: &Path, to: &Path) -> Self {
        for diagnostic in self.0.iter_mut().filter(|diagnostic| diagnostic.file == from) {
            diagnostic.file = to.to_owned();
        }
        self
    }

    /// One line that says how many there are, or what the only one says.
    pub fn summary(&self) -> String {
        match self.0.as_slice() {
            [one] => one.title(),
            [first, ..] => format!("{}: {} problems", first.file.display(), self.0.len()),
            [] => "nothing is wrong".to_owned(),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        f.write_str(&self.summary())?;
        for diagnostic in &self.0 {
            write!(f, "\n\n{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        let places = diagnostics.iter().map(Diagnostic::place);
        let error = Self::new(Kind::Config, diagnostics.summary()).at(places);
        if let [one] = diagnostics.0.as_slice() {
            // The message has the title already; of the excerpt only what stands below is new.
            let title = if one.line > 0 { format!("line {}", one.line) } else { "details".to_owned() };
            return error.detail(title, one.excerpt());
        }
        diagnostics.0.iter().fold(error, |error, one| {
            // A detail without a text is left out, and every problem has to be seen.
            let excerpt = one.excerpt();
            error
                .detail(one.title(), if excerpt.is_empty() { "(the whole file)".to_owned() } else { excerpt })
        })
    }
}
