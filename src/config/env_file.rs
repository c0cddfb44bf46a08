use std::path::{Path, PathBuf};

use super::context::{Context, Env, quoted};
use super::dotenv;
use super::fields::Fields;
use super::interpolate::Fault;
use super::node::{Node, Span, Value};
use crate::model::Secret;

/// A line of an environment file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// Nothing that can be a name stands before the `=`.
    #[error("the line is not the name of a variable with \"=\" and a value")]
    Name,
    /// A quotation mark that is never closed.
    #[error("the quotation mark before this value is never closed")]
    Quote,
    /// Something stands after the closing quotation mark.
    #[error("text stands after the closing quotation mark, where only a comment can")]
    Trailing,
    /// A `${…}` that could not be replaced.
    #[error("{0}")]
    Variable(Fault),
    /// A NUL character.
    #[error("the value holds a NUL character")]
    Nul,
}

impl InvalidLine {
    fn remedy(&self) -> &'static str {
        match self {
            Self::Name => "write KEY=VALUE, or KEY alone to take it from the environment of bgd",
            Self::Quote => "close it; between \" and \" write \\\" for one that belongs to the value",
            Self::Trailing => "put the whole value between quotation marks, or \" #\" before the comment",
            Self::Variable(_) => "where \"$\" belongs to the value, put the value between ' and '",
            Self::Nul => "remove it: no environment variable can hold one",
        }
    }
}

/// Variables in the order of the file. Without a value it is taken from the environment.
pub type Variables = Vec<(String, Option<String>)>;

/// How a file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// As compose reads it: quotation marks, comments, `export`.
    #[default]
    Dotenv,
    /// As `docker run --env-file` reads it: a value is what stands behind the `=`. Compose's `format: raw`.
    Raw,
}

/// Parses the text of an environment file. With the variables come the lines that are wrong, from 1.
pub fn parse_env_file(text: &str, format: Format, env: Env<'_>) -> (Variables, Vec<(usize, InvalidLine)>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (variables, mut wrong) = match format {
        Format::Dotenv => dotenv::parse(text, env),
        Format::Raw => raw(text),
    };
    if let Some(line) = text.lines().position(|line| line.contains('\0')) {
        wrong.push((line + 1, InvalidLine::Nul));
    }
    (variables, wrong)
}

fn raw(text: &str) -> (Variables, Vec<(usize, InvalidLine)>) {
    let (mut variables, mut wrong) = (Variables::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            // White space after a value belongs to the value, but not white space after a name.
            None => (line.trim_end(), None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            wrong.push((at + 1, InvalidLine::Name));
        } else {
            variables.push((name.to_owned(), value));
        }
    }
    (variables, wrong)
}

/// Reads `env_file`: the variables of all files in their order. What has no value in them has the one of the environment,
/// and is left out when it is not set there, as in compose.
pub(crate) fn read(cx: &mut Context<'_>, node: &Node) -> Vec<(String, Option<Secret>)> {
    let mut found = Vec::new();
    let expected = "the name of a file, or a list of names";
    let items = match &node.value {
        // Compose takes the long form in a list only; alone it can mean nothing else.
        Value::Map(_) => std::slice::from_ref(node),
        Value::Null => &[],
        _ => cx.one_or_list(node, "a file", expected).unwrap_or_default(),
    };
    for item in items {
        let Some((path, required, format)) = entry(cx, item) else { continue };
        let variables = of_file(cx, item, &path, required, format);
        let set = variables.into_iter().map(|(name, value)| {
            let value = value.or_else(|| (cx.env)(&name)).map(Secret::new);
            (name, value)
        });
        found.extend(set);
    }
    found
}

/// One entry: a text, or compose's `{ path, required, format }`.
fn entry(cx: &mut Context<'_>, node: &Node) -> Option<(PathBuf, bool, Format)> {
    let Value::Map(_) = &node.value else { return Some((cx.file(node)?, true, Format::default())) };
    let mut fields = Fields::open(cx, node, "env_file")?;
    let path = fields.require(cx, "path", "the name of a file");
    let required = fields.take(cx, "required").and_then(|node| cx.boolean(node)).unwrap_or(true);
    let formats = [("raw", Format::Raw), ("dotenv", Format::Dotenv)];
    let format = fields.take(cx, "format").and_then(|node| cx.choice(node, "a format", &formats));
    fields.close(cx);
    Some((cx.file(path?)?, required, format.unwrap_or_default()))
}

fn of_file(cx: &mut Context<'_>, node: &Node, path: &Path, required: bool, format: Format) -> Variables {
    let text = (cx.read_file)(path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8 text"))
    });
    let text = match text {
        Ok(text) => Secret::new(text),
        Err(error) => {
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            if required || !is_missing {
                let why = if is_missing { "there is no such file".to_owned() } else { error.to_string() };
                cx.problems
                    .add(node.span, format!("cannot read the env_file {}: {why}", shown(node, path)))
                    .hint("paths are relative to the folder of the configuration");
            }
            return Variables::new();
        }
    };
    let (variables, wrong) = parse_env_file(text.expose(), format, cx.env);
    for (line, why) in wrong {
        let span = Span { line, column: 1, end_line: line, end_column: 2 };
        cx.problems
            .add(span, why.to_string())
            .hint(why.remedy())
            // The line may be a secret, so it is not shown.
            .elsewhere(PathBuf::from(shown(node, path)), String::new());
    }
    variables
}

/// The path as it may be shown: as it is written where it came from a variable.
fn shown(node: &Node, path: &Path) -> String {
    match node.scalar().and_then(|scalar| scalar.written.as_deref()) {
        _ if node.span.line != node.span.end_line => "that is named here".to_owned(),
        Some(written) => quoted(written),
        None if path.to_string_lossy().contains(char::is_control) => quoted(&path.to_string_lossy()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_file_reads_as_docker_reads_it() {
        let text =
            "\u{feff}A=1\r\n# comment\n\n  B= two words \nC\nD=\"quoted\"\nE=a=$b # c\nF=\nA B=1\n=x\n";
        let (variables, wrong) = parse_env_file(text, Format::Raw, &|_| None);
        let some = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        assert_eq!(
            variables,
            [
                some("A", "1"),
                some("B", " two words "),
                ("C".to_owned(), None),
                some("D", "\"quoted\""),
                some("E", "a=$b # c"),
                some("F", ""),
            ]
        );
        assert_eq!(wrong, [(9, InvalidLine::Name), (10, InvalidLine::Name)]);
    }
}
