use super::context::Env;
use super::env_file::{InvalidLine, Variables};
use super::interpolate::{Fault, interpolate_env_file};

/// Parses an environment file by compose's rules: `export ` may stand in front, quotation marks are taken off, ` #` begins a
/// comment, and variables are replaced but between single quotation marks. Later lines see earlier ones.
///
/// Sources: `dotenv/parser.go` of compose-go, and python-dotenv, which compose 1 uses. Where the two differ, this does as
/// compose-go does, but for a `$NAME` that is not set: compose 1 takes it for a text, and so does this.
///
/// The text of a line that is wrong is not part of what is returned, for it may be a secret.
pub(super) fn parse(text: &str, env: Env<'_>) -> (Variables, Vec<(usize, InvalidLine)>) {
    let text = text.replace("\r\n", "\n");
    let (mut variables, mut wrong) = (Variables::new(), Vec::new());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let end = rest.find('\n').unwrap_or(rest.len());
        let next = rest.get(end + 1..).unwrap_or_default();
        let head = rest[..end].trim();
        if head.is_empty() || head.starts_with('#') {
            rest = next;
            continue;
        }
        let lookup = |name: &str| -> Option<String> {
            let earlier = variables.iter().rev().find(|(known, _)| known == name);
            // What is exported in the shell wins over the file, for references too.
            env(name).or_else(|| earlier.and_then(|(_, value)| value.clone()))
        };
        rest = match one(rest, &lookup) {
            Ok((name, value, after)) => {
                variables.push((name, value));
                after
            }
            Err(why) => {
                // All that follows may stand between the quotation marks.
                let is_open = why == InvalidLine::Quote;
                wrong.push((line, why));
                if is_open { "" } else { next }
            }
        };
    }
    (variables, wrong)
}

/// One assignment at the beginning of the text, and what follows it.
fn one<'t>(text: &'t str, env: Env<'_>) -> Result<(String, Option<String>, &'t str), InvalidLine> {
    let text = text.trim_start();
    let exported = text.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let text = exported.map_or(text, str::trim_start);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err(InvalidLine::Name);
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let Some(value) = rest.strip_prefix(['=', ':']) else {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let bare = line.trim().is_empty();
        return if bare { Ok((name.to_owned(), None, after)) } else { Err(InvalidLine::Name) };
    };
    let value = value.trim_start_matches([' ', '\t']);
    let (value, after) = match value.chars().next() {
        Some(quote @ ('\'' | '"')) => quoted(&value[1..], quote, env)?,
        _ => {
            let (line, after) = value.split_once('\n').unwrap_or((value, ""));
            let line = line.find(" #").map_or(line, |at| &line[..at]);
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
            (_, '\\') => match (quote, chars.next().ok_or(InvalidLine::Quote)?.1) {
                ('\'', '\'') => value.push('\''),
                ('"', c) => escaped(c, &mut value),
                (_, c) => value.extend(['\\', c]),
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

/// What a backslash and a letter mean between double quotation marks.
fn escaped(c: char, value: &mut String) {
    match c {
        'a' => value.push('\u{7}'),
        'b' => value.push('\u{8}'),
        'f' => value.push('\u{c}'),
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        'v' => value.push('\u{b}'),
        '$' => value.push_str("$$"),
        c @ ('"' | '\\') => value.push(c),
        c => value.extend(['\\', c]),
    }
}

fn expanded(text: &str, env: Env<'_>) -> Result<String, InvalidLine> {
    interpolate_env_file(text, env)
        .map_err(|faults| InvalidLine::Variable(faults.into_iter().next().unwrap_or(Fault::Name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Variables {
        let (variables, wrong) = parse(text, &|name: &str| (name == "SHELL_A").then(|| "sh".to_owned()));
        assert_eq!(wrong, []);
        variables
    }

    /// A line, and the value of `A` after it: what both compose 1.29 and 2.40 print of it.
    const BOTH: [(&str, &str); 22] = [
        ("A=hello world   # a comment", "hello world"),
        ("export A=1", "1"),
        ("export\tA=1", "1"),
        ("A = spaced ", "spaced"),
        ("A=", ""),
        ("A=\"p@ss#w0rd $5\"", "p@ss#w0rd $5"),
        ("A=\"v\"#c", "v"),
        ("A='v' # c", "v"),
        ("A='it\\'s'", "it's"),
        ("A='a\\nb'", "a\\nb"),
        ("A=a\\nb\\\\c", "a\\nb\\\\c"),
        ("A=\"a\\tb\\nc\\\"d\\\\e\\q\"", "a\tb\nc\"d\\e\\q"),
        ("A=\"l1\nl2\n\nl4\" # c", "l1\nl2\n\nl4"),
        ("A=a\"b c\"d", "a\"b c\"d"),
        ("A={\"a\":\"b c\"}", "{\"a\":\"b c\"}"),
        ("A=x#c", "x#c"),
        ("A= # c", "# c"),
        ("A=#c", "#c"),
        ("A=$5", "$5"),
        ("B=h\nA=x${B}y", "xhy"),
        ("A=x${NO}y${NO:-d}", "xyd"),
        ("A=crlf\r\n", "crlf"),
    ];

    #[test]
    fn a_line_means_what_it_means_to_both_versions_of_compose() {
        for (text, expected) in BOTH {
            let read = parsed(text);
            let last = read.last().unwrap();
            assert_eq!((last.0.as_str(), last.1.as_deref()), ("A", Some(expected)), "{text}");
        }
    }

    #[test]
    fn where_they_differ_it_means_what_it_means_to_the_newer_one() {
        let text = "B=h\nSET=$B\nUNSET=$2y$10$abc\nRAW='${B}'\nDOUBLED=a$$b\nESC=\"\\$B\"\nYAML: v\nSHELL=$SHELL_A\nBARE\n";
        let read = parsed(text);
        let of = |name: &str| read.iter().find(|(known, _)| known == name).unwrap().1.clone();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("SET"), some("h"));
        // But for this one: a hash is not to lose its end.
        assert_eq!(of("UNSET"), some("$2y$10$abc"));
        assert_eq!(of("RAW"), some("${B}"));
        assert_eq!(of("DOUBLED"), some("a$b"));
        assert_eq!(of("ESC"), some("$B"));
        assert_eq!(of("YAML"), some("v"));
        assert_eq!(of("SHELL"), some("sh"));
        assert_eq!(of("BARE"), None);
    }

    #[test]
    fn every_line_that_is_wrong_is_told() {
        let wrong = |text: &str| parse(text, &|_: &str| None).1;
        let text = "A=1\n=x\nB C\nB C=1\nMIIE+q/=\n\nA='x' y\nB=${1}\nC=\"x\n=y\n";
        assert_eq!(
            wrong(text),
            [
                (2, InvalidLine::Name),
                (3, InvalidLine::Name),
                (4, InvalidLine::Name),
                (5, InvalidLine::Name),
                (7, InvalidLine::Trailing),
                (8, InvalidLine::Variable(Fault::Name)),
                (9, InvalidLine::Quote),
            ]
        );
    }
}
