use crate::config::{Env, Fault, interpolate_as_compose};

/// A line of an environment file that compose would refuse too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLine {
    /// Nothing that can be a name stands before the `=`.
    #[error("not a name of a variable with \"=\" and a value")]
    Name,
    /// A quotation mark that is never closed.
    #[error("a quotation mark is never closed")]
    Quote,
    /// Something stands after the closing quotation mark.
    #[error("only a comment can stand after the closing quotation mark")]
    Trailing,
    /// A `${…}` that could not be replaced.
    #[error("{0}")]
    Variable(Fault),
}

/// Variables in the order of the file. Without a value it is taken from the environment.
pub(crate) type Variables = Vec<(String, Option<String>)>;

/// Parses an environment file by compose's rules, which are not those of `docker run --env-file`: `export ` may stand in
/// front, quotation marks are taken off, ` #` begins a comment, and variables are replaced but between single ones.
///
/// Later lines see earlier ones; a variable that is not set is empty.
///
/// # Errors
/// The first line that is wrong, from 1. Its text is not part of the error, for it may be a secret.
pub(crate) fn parse(text: &str, env: Env<'_>) -> Result<Variables, (usize, InvalidLine)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables: Variables = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let end = rest.find('\n').unwrap_or(rest.len());
        let head = rest[..end].trim();
        if head.is_empty() || head.starts_with('#') {
            rest = rest.get(end + 1..).unwrap_or_default();
            continue;
        }
        let lookup = |name: &str| -> Option<String> {
            let earlier = variables.iter().rev().find(|(known, _)| known == name);
            // What is exported in the shell wins over the file, for references too.
            env(name).or_else(|| earlier.and_then(|(_, value)| value.clone())).or(Some(String::new()))
        };
        let (name, value, after) = one(rest, &lookup).map_err(|why| (line, why))?;
        variables.push((name, value));
        rest = after;
    }
    Ok(variables)
}

/// One assignment at the beginning of the text, and what follows it.
fn one<'t>(text: &'t str, env: Env<'_>) -> Result<(String, Option<String>, &'t str), InvalidLine> {
    let text = text.trim_start();
    let text = text.strip_prefix("export ").map_or(text, str::trim_start);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(InvalidLine::Name);
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let Some(value) = rest.strip_prefix('=') else {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let bare = line.trim().is_empty();
        return if bare { Ok((name.to_owned(), None, after)) } else { Err(InvalidLine::Name) };
    };
    let value = value.trim_start_matches([' ', '\t']);
    let (value, after) = match value.chars().next() {
        Some(quote @ ('\'' | '"')) => quoted(&value[1..], quote, env)?,
        _ => {
            let (line, after) = value.split_once('\n').unwrap_or((value, ""));
            let line = match line.strip_prefix('#') {
                Some(_) => "",
                None => line.find(" #").map_or(line, |at| &line[..at]),
            };
            (expanded(line.trim(), env)?, after)
        }
    };
    Ok((name.to_owned(), Some(value), after))
}

fn quoted<'t>(text: &'t str, quote: char, env: Env<'_>) -> Result<(String, &'t str), InvalidLine> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    let end = loop {
        match chars.next().ok_or(InvalidLine::Quote)? {
            (at, c) if c == quote => break at,
            (_, '\\') if quote == '"' => match chars.next().ok_or(InvalidLine::Quote)?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                '$' => value.push_str("$$"),
                c @ ('"' | '\\') => value.push(c),
                c => value.extend(['\\', c]),
            },
            (_, c) => value.push(c),
        }
    };
    let rest = &text[end + 1..];
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
        return Err(InvalidLine::Trailing);
    }
    Ok((if quote == '"' { expanded(&value, env)? } else { value }, after))
}

fn expanded(text: &str, env: Env<'_>) -> Result<String, InvalidLine> {
    interpolate_as_compose(text, env)
        .map_err(|faults| InvalidLine::Variable(faults.into_iter().next().unwrap_or(Fault::Unclosed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Variables {
        parse(text, &|name: &str| (name == "SHELL_A").then(|| "sh".to_owned())).unwrap()
    }

    #[test]
    fn a_file_reads_as_compose_reads_it() {
        let text = "\u{feff}# c\n\nA=1\nexport B = two words  # comment\nC='$A \"raw\" #'\nD=\"x\\ty ${A}\"  # c\r\nE=\nF\nG=a#b\nH=${SHELL_A}-$A-$NO\nI=\"a\nb\"\nJ=\"\\$A\"\n";
        let some = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        assert_eq!(
            parsed(text),
            [
                some("A", "1"),
                some("B", "two words"),
                some("C", "$A \"raw\" #"),
                some("D", "x\ty 1"),
                some("E", ""),
                ("F".to_owned(), None),
                some("G", "a#b"),
                some("H", "sh-1-"),
                some("I", "a\nb"),
                some("J", "$A"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = |text: &str| parse(text, &|_: &str| None).unwrap_err();
        assert_eq!(wrong("A=1\n=x"), (2, InvalidLine::Name));
        assert_eq!(wrong("A=1\nB C"), (2, InvalidLine::Name));
        assert_eq!(wrong("A=\"x\n\n"), (1, InvalidLine::Quote));
        assert_eq!(wrong("\nA='x' y"), (2, InvalidLine::Trailing));
        assert_eq!(wrong("A=${"), (1, InvalidLine::Variable(Fault::Unclosed)));
    }
}
