/// Why a command line could not be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWords {
    /// A quotation mark that is never closed.
    #[error("a quotation mark is never closed")]
    Quote,
    /// A backslash at the very end.
    #[error("a backslash stands at the end")]
    Backslash,
}

/// Splits a command line into words by the rules of a POSIX shell, with nothing expanded.
///
/// Compose does the same for `command` and `entrypoint`; no shell runs, so `&&`, `|` and `>` are plain words.
///
/// # Errors
/// An open quotation mark, or a backslash with nothing after it.
pub fn split_words(line: &str) -> Result<Vec<String>, InvalidWords> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(InvalidWords::Quote)? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => match chars.next().ok_or(InvalidWords::Backslash)? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), InvalidWords> {
    loop {
        match chars.next().ok_or(InvalidWords::Quote)? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or(InvalidWords::Quote)? {
                '\n' => {}
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_as_in_a_shell() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("  a  b\tc\n", &["a", "b", "c"]),
            ("sh -c 'echo \"hi\"'", &["sh", "-c", "echo \"hi\""]),
            (r#"a "b \" c" d\ e"#, &["a", "b \" c", "d e"]),
            (r#""a\n""#, &["a\\n"]),
            ("''", &[""]),
            ("a''b\"c\"", &["abc"]),
            ("a && b", &["a", "&&", "b"]),
        ];
        for (line, words) in cases {
            assert_eq!(split_words(line).unwrap(), words, "{line}");
        }
        assert_eq!(split_words("a 'b"), Err(InvalidWords::Quote));
        assert_eq!(split_words("a \"b\\"), Err(InvalidWords::Quote));
        assert_eq!(split_words("a\\"), Err(InvalidWords::Backslash));
    }
}
