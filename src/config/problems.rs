use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Source;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::excerpt::{self, Excerpt};
use super::node::{Node, Span, Value};

/// Collects everything that is wrong, and what of the file may be shown in saying so.
///
/// A value is hidden in source lines until a reader that knows its key has called it public: a mistyped `enviroment:` must
/// not print the passwords below it.
#[derive(Clone, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    /// Where values stand, keys left aside.
    values: HashSet<Span>,
    /// Where comments stand that are a few plain words.
    comments: HashSet<Span>,
    public: HashSet<Span>,
    secret: HashSet<Span>,
}

/// One problem on its way to a [`Diagnostic`].
#[derive(Clone)]
pub(crate) struct Problem {
    span: Span,
    severity: Severity,
    message: String,
    expected: Option<String>,
    hint: Option<Hint>,
    /// Another file than the configuration, and the line there as it may be shown.
    elsewhere: Option<(PathBuf, String)>,
    /// The text could not be read as YAML to its end, so that not all of its values are known.
    syntax: bool,
    /// Nothing else that is said of the same value is worth saying.
    conclusive: bool,
}

/// What to do.
#[derive(Clone)]
enum Hint {
    Text(String),
    /// With a line in it, which is known only when the files of the text are told apart.
    At {
        before: &'static str,
        there: Span,
        after: &'static str,
    },
}

impl Hint {
    fn said(self, files: &[(PathBuf, usize)], file: &Path) -> String {
        match self {
            Self::Text(text) => text,
            Self::At { before, there, after } => {
                let (other, line) = place(files, there.line);
                let of = if other == file { String::new() } else { format!(" of {}", other.display()) };
                format!("{before} line {line}{of}{after}")
            }
        }
    }
}

impl Problem {
    /// Says what would be right.
    pub fn expected(&mut self, expected: impl Into<String>) -> &mut Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do.
    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(Hint::Text(hint.into()));
        self
    }

    /// Says what to do about something that stands elsewhere in the text: the line goes between the two parts.
    pub fn hint_at(&mut self, before: &'static str, there: Span, after: &'static str) -> &mut Self {
        self.hint = Some(Hint::At { before, there, after });
        self
    }

    /// Moves the problem to another file; `line` is shown as it is.
    pub fn elsewhere(&mut self, file: PathBuf, line: String) -> &mut Self {
        self.elsewhere = Some((file, line));
        self
    }

    /// Silences what else is found to be wrong with the same value: it follows from this.
    pub fn conclusive(&mut self) -> &mut Self {
        self.conclusive = true;
        self
    }

    /// Marks a failure of the YAML parser.
    pub fn syntax(&mut self) -> &mut Self {
        self.syntax = true;
        self
    }
}

impl Problems {
    /// Adds a problem, for which the configuration is refused.
    pub fn add(&mut self, span: Span, message: impl Into<String>) -> &mut Problem {
        self.push(span, Severity::Error, message.into())
    }

    /// Adds what is taken, and probably not meant.
    pub fn warn(&mut self, span: Span, message: impl Into<String>) -> &mut Problem {
        self.push(span, Severity::Warning, message.into())
    }

    /// Adds what is taken, and good to know.
    pub fn note(&mut self, span: Span, message: impl Into<String>) -> &mut Problem {
        self.push(span, Severity::Note, message.into())
    }

    fn push(&mut self, span: Span, severity: Severity, message: String) -> &mut Problem {
        let problem = Problem {
            span,
            severity,
            message,
            expected: None,
            hint: None,
            elsewhere: None,
            syntax: false,
            conclusive: false,
        };
        let at = self.list.len();
        self.list.push(problem);
        &mut self.list[at]
    }

    /// Whether nothing is wrong so far. Warnings and notes are nothing wrong.
    pub fn is_empty(&self) -> bool {
        !self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Notes that a comment stands there, which may be shown where no hidden value is on its line.
    pub fn comment(&mut self, span: Span) {
        self.comments.insert(span);
    }

    /// Notes that a value stands there.
    pub fn value(&mut self, span: Span) {
        self.values.insert(span);
    }

    /// Puts what is wrong with a file as a whole under its name, while no other file has been read.
    pub fn of_whole_file(&mut self, file: &Path) {
        for problem in self.list.iter_mut().filter(|problem| problem.span == Span::default()) {
            problem.elsewhere.get_or_insert_with(|| (file.to_owned(), String::new()));
        }
    }

    /// Allows a value to be shown, and the single values of a list. Mappings wait until their own keys are read.
    pub fn public(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(_) if node.span.line == node.span.end_line => {
                self.public.insert(node.span);
            }
            Value::List(items) => {
                let one_line = |item: &&Node| item.span.line == item.span.end_line;
                let singles = items.iter().filter(|item| item.scalar().is_some()).filter(one_line);
                self.public.extend(singles.map(|item| item.span));
            }
            Value::Null | Value::Scalar(_) | Value::Map(_) => {}
        }
    }

    /// Forbids that a value or anything below it is shown, whoever allows it elsewhere.
    pub fn secret(&mut self, node: &Node) {
        match &node.value {
            Value::Null => {}
            Value::Scalar(_) => {
                self.secret.insert(node.span);
            }
            Value::List(items) => items.iter().for_each(|item| self.secret(item)),
            Value::Map(entries) => entries.iter().for_each(|(_, node)| self.secret(node)),
        }
    }

    /// Turns what is wrong into diagnostics, in the order of the file.
    pub fn into_diagnostics(self, source: &Source) -> Diagnostics {
        self.into_diagnostics_of(&source.text, &[(source.path.clone(), 0)])
    }

    /// The same for a text that is several files in a row: each with the number of lines before it.
    pub fn into_diagnostics_of(self, text: &str, files: &[(PathBuf, usize)]) -> Diagnostics {
        Diagnostics(self.diagnosed(text, files, |severity| severity == Severity::Error))
    }

    /// Warnings and notes of a text that is taken, in the order of the file.
    pub fn into_remarks_of(self, text: &str, files: &[(PathBuf, usize)]) -> Vec<Diagnostic> {
        self.diagnosed(text, files, |severity| severity != Severity::Error)
    }

    fn diagnosed(
        self,
        text: &str,
        files: &[(PathBuf, usize)],
        wanted: impl Fn(Severity) -> bool,
    ) -> Vec<Diagnostic> {
        let Self { mut list, values, comments, public, secret } = self;
        list.retain(|problem| wanted(problem.severity));
        // Where the parser gave up, the values that it never saw are not known either.
        let broken = list.iter().any(|problem| problem.syntax);
        let concluded: HashSet<Span> = list.iter().filter(|p| p.conclusive).map(|p| p.span).collect();
        list.retain(|problem| problem.conclusive || !concluded.contains(&problem.span));
        list.sort_by_key(|problem| (problem.elsewhere.is_some(), problem.span.line, problem.span.column));
        let mut hidden: Vec<Span> =
            values.into_iter().filter(|span| !public.contains(span) || secret.contains(span)).collect();
        // A "#" in a secret makes a comment of its end.
        let lines_of_hidden: HashSet<usize> =
            hidden.iter().flat_map(|span| span.line..=span.end_line).collect();
        hidden.extend(comments.into_iter().filter(|span| lines_of_hidden.contains(&span.line)));
        let lines: Vec<&str> = text.split('\n').collect();
        let mut seen = HashSet::new();
        let mut diagnostics = Vec::with_capacity(list.len());
        for Problem { span, severity, message, expected, hint, elsewhere, .. } in list {
            // An alias repeats the node that its anchor names, and with it what is wrong there.
            let file = elsewhere.as_ref().map(|(file, _)| file.clone());
            if !seen.insert((file, span.line, span.column, message.clone())) {
                continue;
            }
            let width =
                if span.end_line == span.line { span.end_column.saturating_sub(span.column) } else { 1 };
            let line = span.line.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default();
            let (own, own_line) = place(files, span.line);
            let (file, line, shown) = match elsewhere {
                Some((file, text)) => (file, span.line, Excerpt { text, offset: 0, width: 1 }),
                None if broken => (own.to_owned(), own_line, excerpt::unparsed(line, span.column)),
                None => (own.to_owned(), own_line, excerpt::masked(line, span, width, &hidden)),
            };
            let hint = hint.map(|hint| hint.said(files, &file));
            diagnostics.push(Diagnostic {
                file,
                line,
                column: span.column,
                severity,
                message,
                expected,
                hint,
                source_line: shown.text,
                caret: shown.offset..shown.offset + shown.width,
            });
        }
        diagnostics
    }
}

/// The file that a line of the whole text is in, and which line it is there. What is on no line is of the first file.
fn place(files: &[(PathBuf, usize)], line: usize) -> (&Path, usize) {
    let found = files.iter().rev().find(|(_, before)| line > *before).or(files.first());
    found.map_or((Path::new(""), line), |(file, before)| (file, line.saturating_sub(*before)))
}
