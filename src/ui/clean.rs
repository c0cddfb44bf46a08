//! Text from outside, as it may be printed: without what a terminal or a CI runner would obey.

use std::fmt::Write;

/// Stands in place of a character that is not shown.
const HIDDEN: char = '\u{fffd}';

/// Text without control characters but line breaks and tabs. Colours and other sequences for a terminal go as a whole;
/// a lone carriage return, which runners take for the end of a line, becomes one.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut chars),
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\t' => out.push(c),
            c if is_hidden(c) => out.push(HIDDEN),
            c => out.push(c),
        }
    }
    out
}

/// The same in one line.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<String> = clean(text).lines().map(|line| line.trim().to_owned()).collect();
    lines.join(" ").trim().to_owned()
}

/// Passes over what follows an escape byte: `[…m` and its like, `]…` up to its end, or one character.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
            chars.next_if(|c| matches!(c, '@'..='~'));
        }
        Some(']') => {
            // One that never ends takes no more than its line.
            while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n' | '\r')).is_some() {}
            if chars.next_if_eq(&'\u{1b}').is_some() {
                chars.next_if_eq(&'\\');
            } else {
                chars.next_if_eq(&'\u{7}');
            }
        }
        Some(c) if c.is_ascii_graphic() => {
            chars.next();
        }
        _ => {}
    }
}

/// Control characters, and those without a width that change how the others are shown or compared.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Text in which a GitHub runner finds no workflow command.
///
/// The runner takes `::name …::` at the start of a line, after any blanks, and the older `##[name …]` anywhere in it, from
/// both standard output and standard error (actions/runner, `ActionCommand.cs` and `OutputManager.cs`). It compares as
/// people do, not byte by byte, so whatever has no width does not separate either. A space does.
pub(super) fn without_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut hashes = 0;
        let mut colons = 0;
        let mut at_start = true;
        for c in line.chars() {
            if c == '[' && hashes >= 2 {
                out.push(' ');
            }
            if c == ':' && at_start && colons == 1 {
                out.push(' ');
            }
            out.push(c);
            if !has_width(c) {
                continue;
            }
            hashes = if c == '#' { hashes + 1 } else { 0 };
            colons = if c == ':' { colons + 1 } else { 0 };
            at_start &= c.is_whitespace() || c == ':';
        }
    }
    out
}

/// The same for JSON, whose value stays what it is: `##[` can only stand within a text.
pub(super) fn without_commands_in_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut hashes = 0;
    for c in json.chars() {
        if c == '[' && hashes >= 2 {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
        if has_width(c) {
            hashes = if c == '#' { hashes + 1 } else { 0 };
        }
    }
    out
}

fn has_width(c: char) -> bool {
    !is_hidden(c) && !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}' | '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_terminal_has_nothing_to_obey() {
        let cases = [
            ("plain, tab\tand ünïcode ✓", "plain, tab\tand ünïcode ✓"),
            ("\u{1b}[31;1mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b\u{1b}]8;;http://x\u{1b}\\c", "abc"),
            ("never\u{1b}]0;ends\nnext", "never\nnext"),
            ("half\u{1b}[", "half"),
            ("\u{1b}cx\u{9b}31m", "x\u{fffd}31m"),
            ("10%\r20%\r\ndone", "10%\n20%\ndone"),
            ("nul\0 bell\u{7} bidi\u{202e}", "nul\u{fffd} bell\u{fffd} bidi\u{fffd}"),
        ];
        for (text, shown) in cases {
            assert_eq!(clean(text), shown);
        }
        assert_eq!(one_line(" a\r\n  b\u{1b}[0m\nc\n"), "a b c");
    }

    /// The runner's own reading of a line, as its source has it; whether it compares by width is not known for all of
    /// its platforms, so both are tried.
    fn obeys(line: &str) -> bool {
        let seen: String = line.chars().filter(|c| has_width(*c)).collect();
        [line, &seen].iter().any(|line| {
            let is_new = line.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::"));
            is_new || line.find("##[").is_some_and(|at| line[at..].contains(']'))
        })
    }

    #[test]
    fn a_runner_has_nothing_to_obey() {
        let commands = [
            "::error::x",
            "  ::add-mask::e",
            "\t\u{a0}::set-env name=PATH::/evil",
            "ok\n::stop-commands::x",
            "log: ##[add-mask]e",
            "####[error]x",
            "#\u{200d}#\u{fe0f}[error]x",
            "\u{fe0f}::error::x",
            ":\u{301}:error::x",
            ":::error::x",
            "##[##[error]x]",
        ];
        for text in commands {
            assert!(text.lines().any(obeys), "{text:?} is no command");
            let shown = without_commands(&clean(text));
            assert!(!shown.lines().any(obeys), "{text:?} became {shown:?}");
        }
        for text in ["a::b::c", "# [x] ## y", "12:30:01 GET /", "std::io::Error", "[error]"] {
            assert_eq!(without_commands(text), text);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_commands_nobody(text in "[#:\\[\\]\u{200d}\u{fe0f}\u{1b}\r\n ea]{0,60}") {
            let shown = without_commands(&clean(&text));
            prop_assert!(!shown.lines().any(obeys), "{:?}", shown);
            prop_assert!(!shown.contains(['\u{1b}', '\r']), "{:?}", shown);
            prop_assert_eq!(one_line(&text).lines().count().max(1), 1);
            let value = serde_json::json!({ "a": text });
            let json = without_commands_in_json(&value.to_string());
            prop_assert!(!obeys(&json), "{}", json);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"##": ["##[add-mask]x", "#", ["[", "# #["]]});
        let json = without_commands_in_json(&value.to_string());
        assert!(!obeys(&json), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
