use std::io;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::duration::{parse_age, parse_duration};
use super::interpolate::{Fault, interpolate, interpolate_as_compose};
use super::node::{Node, Scalar, Value};
use super::problems::{Problem, Problems};
use super::size::parse_bytes;

/// Looks a variable of the environment up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;
/// Reads a file that the configuration names.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// What every reader of a part needs: where problems go, and the world outside the file.
pub(crate) struct Context<'a> {
    pub problems: Problems,
    /// The folder of the configuration, against which paths resolve.
    pub folder: &'a Path,
    pub env: Env<'a>,
    pub read_file: ReadFile<'a>,
}

impl Context<'_> {
    /// Replaces the variables in every value of the tree.
    pub fn interpolate(&mut self, root: &mut Node) {
        self.interpolate_with(root, interpolate);
    }

    /// The same by the rules of compose files.
    pub fn interpolate_as_compose(&mut self, root: &mut Node) {
        self.interpolate_with(root, interpolate_as_compose);
    }

    fn interpolate_with(
        &mut self,
        root: &mut Node,
        interpolate: fn(&str, Env<'_>) -> Result<String, Vec<Fault>>,
    ) {
        let Self { problems, env, .. } = self;
        root.each_scalar(&mut |span, scalar| {
            if !scalar.text.contains('$') {
                return;
            }
            match interpolate(&scalar.text, *env) {
                Ok(text) if text.contains('\0') => {
                    problems.add(span, "a variable holds a NUL character").conclusive();
                }
                Ok(text) if text != scalar.text => {
                    scalar.written = Some(std::mem::replace(&mut scalar.text, text));
                }
                Ok(_) => {}
                Err(faults) => faults.into_iter().for_each(|fault| {
                    let hint = hint_for(&fault);
                    let text = match &fault {
                        // A quotation mark that closes too late makes a message of what stands below it.
                        Fault::Required { name, .. } if span.line != span.end_line => {
                            format!("the variable {name} is required")
                        }
                        fault => fault.to_string(),
                    };
                    let problem = problems.add(span, text).conclusive();
                    if let Some(hint) = hint {
                        problem.hint(hint);
                    }
                }),
            }
        });
    }

    /// Says that a value is not what its key asks for. A variable's value is not shown, only its name.
    pub fn reject(&mut self, node: &Node, noun: &str, expected: impl Into<String>) -> &mut Problem {
        let message = match &node.value {
            // Text over several lines may have swallowed what stands below it, secrets included.
            Value::Scalar(_) if node.span.line != node.span.end_line => {
                format!("a text of several lines stands in place of {noun}")
            }
            Value::Scalar(Scalar { written: Some(written), .. }) => {
                format!("the value of {} is not {noun}", quoted(written))
            }
            Value::Scalar(scalar) => format!("{} is not {noun}", quoted(&scalar.text)),
            Value::Null => format!("{noun} is missing here"),
            Value::List(_) | Value::Map(_) => format!("{} stands in place of {noun}", node.kind()),
        };
        self.problems.add(node.span, message).expected(expected)
    }

    /// Like [`Self::reject`] for a value that is never shown.
    pub fn reject_secret(&mut self, node: &Node, noun: &str, expected: &str) -> &mut Problem {
        self.problems.add(node.span, format!("{} stands in place of {noun}", node.kind())).expected(expected)
    }

    /// A single value as text.
    pub fn text<'n>(&mut self, node: &'n Node, noun: &str) -> Option<&'n str> {
        match &node.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => {
                self.reject(node, noun, "a text");
                None
            }
        }
    }

    /// A text that passes a check; `expected` says which.
    pub fn checked<'n>(
        &mut self,
        node: &'n Node,
        noun: &str,
        expected: &str,
        accepts: impl FnOnce(&str) -> bool,
    ) -> Option<&'n str> {
        self.parsed(node, noun, expected, |text| accepts(text).then_some(())).and_then(|()| {
            let scalar = node.scalar()?;
            Some(scalar.text.as_str())
        })
    }

    /// A text that a function turns into something else.
    pub fn parsed<T>(
        &mut self,
        node: &Node,
        noun: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = node.scalar().and_then(|scalar| parse(&scalar.text));
        if value.is_none() {
            self.reject(node, noun, expected);
        }
        value
    }

    /// A whole number between two bounds.
    pub fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &mut self,
        node: &Node,
        noun: &str,
        least: T,
        most: T,
    ) -> Option<T> {
        let expected = format!("a whole number from {least} to {most}");
        self.parsed(node, noun, &expected, |text| {
            text.parse().ok().filter(|number| *number >= least && *number <= most)
        })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node) -> Option<bool> {
        self.parsed(node, "true or false", "true or false", |text| match text {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        })
    }

    /// A duration.
    pub fn duration(&mut self, node: &Node) -> Option<Duration> {
        match node.scalar().map(|scalar| parse_duration(&scalar.text)) {
            Some(Ok(duration)) => Some(duration),
            Some(Err(why)) => {
                self.reject(node, "a duration", "500ms, 2s, 10m, 1h or 1m30s").hint(why.to_string());
                None
            }
            None => {
                self.reject(node, "a duration", "500ms, 2s, 10m, 1h or 1m30s");
                None
            }
        }
    }

    /// A duration that is longer than nothing.
    pub fn positive_duration(&mut self, node: &Node) -> Option<Duration> {
        let duration = self.duration(node)?;
        if duration.is_zero() {
            self.reject(node, "long enough", "a duration longer than 0");
            return None;
        }
        Some(duration)
    }

    /// An age longer than nothing, in days or as a duration.
    pub fn age(&mut self, node: &Node) -> Option<Duration> {
        let age = self.parsed(node, "an age", "90d, 12h or another duration", |text| parse_age(text).ok())?;
        if age.is_zero() {
            self.reject(node, "old enough", "an age of more than 0");
            return None;
        }
        Some(age)
    }

    /// A number of bytes.
    pub fn bytes(&mut self, node: &Node) -> Option<i64> {
        self.parsed(node, "a size", "a number with b, k, m or g, as in 512m", parse_bytes)
    }

    /// One word out of several.
    pub fn choice<T: Copy>(&mut self, node: &Node, noun: &str, words: &[(&str, T)]) -> Option<T> {
        let text = node.scalar().map(|scalar| scalar.text.as_str());
        if let Some((_, value)) = words.iter().find(|(word, _)| Some(*word) == text) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = text.and_then(|text| super::fields::near_miss(text, &names));
        let problem = self.reject(node, noun, one_of(&names));
        if let Some(near) = near {
            problem.hint(format!("did you mean {near:?}?"));
        }
        None
    }

    /// A list.
    pub fn list<'n>(&mut self, node: &'n Node, noun: &str, expected: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.reject(node, noun, expected);
                None
            }
        }
    }

    /// A list, or a single value that counts as a list of one.
    pub fn one_or_list<'n>(&mut self, node: &'n Node, noun: &str, expected: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::Scalar(_) => Some(std::slice::from_ref(node)),
            _ => self.list(node, noun, expected),
        }
    }

    /// The path of a file that the configuration names.
    pub fn file(&mut self, node: &Node) -> Option<PathBuf> {
        let name = self.checked(node, "the name of a file", "a path", |text| !text.is_empty())?;
        let path = self.resolve(name);
        if path.is_none() {
            self.reject(node, "the name of a file", "a path without \"~\", because HOME is not set");
        }
        path
    }

    /// An absolute path from one that may be relative to the configuration's folder. `~` is the home folder.
    pub fn resolve(&self, path: &str) -> Option<PathBuf> {
        let home = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let joined = match home {
            Some(rest) => PathBuf::from((self.env)("HOME")?).join(rest.trim_start_matches('/')),
            None => self.folder.join(path),
        };
        Some(clean(&joined))
    }
}

/// Removes `.` and `..` without a look at the disk, as compose does.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}

fn hint_for(fault: &Fault) -> Option<String> {
    match fault {
        Fault::Unset(name) => Some(format!("set {name}, or write ${{{name}:-}} where empty is right")),
        Fault::Unclosed | Fault::Name => Some("write \"$$\" for a \"$\" that means itself".to_owned()),
        Fault::Required { .. } | Fault::Operator(_) | Fault::Depth => None,
    }
}

/// A text in quotation marks, cut where it gets long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

/// `a, b or c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}
