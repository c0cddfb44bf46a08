/// A line of an env-file that Docker would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// Nothing before the `=`.
    #[error("the name before \"=\" is missing")]
    NoName,
    /// White space in the name.
    #[error("the name of a variable holds white space")]
    Space,
    /// Not UTF-8, or a NUL.
    #[error("the line is not UTF-8 text")]
    NotText,
}

/// An assignment of an env-file; without a value it is taken from bgd's own environment.
pub type Assignment = (String, Option<String>);

/// Parses an env-file by the rules of `docker run --env-file`.
///
/// Lines are `KEY=VALUE` or `KEY`; empty lines and lines that begin with `#` are passed over. Values are taken as they
/// stand: quotation marks belong to them and nothing is expanded. Each result comes with its line, from 1.
pub fn parse_env_file(bytes: &[u8]) -> Vec<(usize, Result<Assignment, InvalidLine>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.enumerate().filter_map(|(at, line)| Some((at + 1, parse_line(line)?))).collect()
}

fn parse_line(line: &[u8]) -> Option<Result<Assignment, InvalidLine>> {
    let Ok(line) = std::str::from_utf8(line) else { return Some(Err(InvalidLine::NotText)) };
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    if line.contains('\0') {
        return Some(Err(InvalidLine::NotText));
    }
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        // Docker trims only here: white space after a value belongs to the value.
        None => (line.trim_end(), None),
    };
    Some(match name {
        "" => Err(InvalidLine::NoName),
        name if name.contains(char::is_whitespace) => Err(InvalidLine::Space),
        name => Ok((name.to_owned(), value)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_env_file_reads_as_docker_reads_it() {
        let text = b"\xef\xbb\xbfA=1\r\n# comment\n\n  B= two words \nC\nD=\"quoted\"\nE=a=b\nF=\n";
        let some = |name: &str, value: &str| Ok((name.to_owned(), Some(value.to_owned())));
        assert_eq!(
            parse_env_file(text),
            [
                (1, some("A", "1")),
                (4, some("B", " two words ")),
                (5, Ok(("C".to_owned(), None))),
                (6, some("D", "\"quoted\"")),
                (7, some("E", "a=b")),
                (8, some("F", "")),
            ]
        );
    }

    #[test]
    fn lines_that_docker_refuses_are_refused() {
        let lines = parse_env_file(b"=x\nA B=1\nexport A=1\n\xff=1\nOK=1");
        let errors: Vec<_> =
            lines.iter().filter_map(|(line, result)| Some((*line, result.clone().err()?))).collect();
        use InvalidLine::{NoName, NotText, Space};
        assert_eq!(errors, [(1, NoName), (2, Space), (3, Space), (4, NotText)]);
    }
}
