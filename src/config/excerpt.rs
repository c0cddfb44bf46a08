use super::node::Span;

/// What stands in place of a value that is not to be seen.
const MASK: &str = "***";

/// A source line as it may be shown, with the place of the caret in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub text: String,
    /// Characters before the caret.
    pub offset: usize,
    /// Characters under the caret.
    pub width: usize,
}

/// The keys after which a value may be shown though the file could not be parsed.
const HARMLESS: [&str; 54] = [
    "app",
    "image",
    "port",
    "network",
    "replicas",
    "health",
    "http",
    "interval",
    "timeout",
    "retries",
    "start_period",
    "deadline",
    "smoke",
    "get",
    "post",
    "expect",
    "status",
    "within",
    "proxy",
    "nginx",
    "container",
    "config_dir",
    "upstream",
    "traefik",
    "mode",
    "dynamic_dir",
    "entrypoints",
    "priority",
    "server",
    "host",
    "listen",
    "max_body",
    "read_timeout",
    "tls",
    "watch",
    "window",
    "drain",
    "retire",
    "rename",
    "pull",
    "restart",
    "memory",
    "cpus",
    "user",
    "hooks",
    "services",
    "networks",
    "profiles",
    "env_file",
    "platform",
    "working_dir",
    "hostname",
    "driver",
    "order",
];

/// The line with every hidden value replaced.
pub(super) fn masked(line: &str, span: Span, width: usize, hidden: &[Span]) -> Excerpt {
    let chars: Vec<char> = line.chars().collect();
    let mut ranges: Vec<(usize, usize)> = hidden
        .iter()
        .filter(|hidden| hidden.line <= span.line && span.line <= hidden.end_line)
        .map(|hidden| {
            let start = if hidden.line == span.line { hidden.column - 1 } else { indent(&chars) };
            let end = if hidden.end_line == span.line { hidden.end_column - 1 } else { chars.len() };
            (start.min(chars.len()), end.min(chars.len()))
        })
        .filter(|(start, end)| start < end)
        .collect();
    ranges.sort_unstable();
    let caret = span.column.saturating_sub(1).min(chars.len());
    let caret_end = (caret + width).min(chars.len());
    let mut out = Excerpt { text: String::new(), offset: 0, width: 0 };
    // Positions of the caret move with every mask that stands before them.
    let (mut offset, mut end) = (None, None);
    let mut at = 0;
    let mut shown = 0;
    while at <= chars.len() {
        let mask = ranges.iter().find(|(start, end)| *start <= at && at < *end).map(|(_, end)| *end);
        let next = mask.unwrap_or(at + 1);
        if offset.is_none() && caret < next {
            offset = Some(shown);
        }
        if at >= chars.len() {
            break;
        }
        if mask.is_some() {
            out.text.push_str(MASK);
            shown += MASK.len();
        } else {
            out.text.push(printable(chars[at]));
            shown += 1;
        }
        if end.is_none() && caret_end <= next {
            end = Some(shown);
        }
        at = next;
    }
    out.offset = offset.unwrap_or(shown);
    out.width = end.unwrap_or(shown).saturating_sub(out.offset).max(1);
    out.text.truncate(out.text.trim_end().len());
    out
}

/// The line of a file that is not YAML: only structure and values of harmless keys are kept.
pub(super) fn unparsed(line: &str, column: usize) -> Excerpt {
    let chars: Vec<char> = line.chars().collect();
    let start = chars.iter().position(|c| !c.is_whitespace() && *c != '-').unwrap_or(chars.len());
    let word: String =
        chars[start..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
    let after = start + word.len();
    let nothing_to_hide = !chars[start..].iter().any(|c| c.is_alphanumeric());
    let has_key = chars.get(after) == Some(&':');
    let kept = if nothing_to_hide {
        chars.len()
    } else if has_key && HARMLESS.contains(&word.as_str()) {
        // A line that lost its end may go on with another key, of which nothing is known.
        let separates = |at: usize| match chars[at] {
            ':' => chars.get(at + 1).is_none_or(|c| c.is_whitespace()),
            c => matches!(c, '=' | '#'),
        };
        (after + 1..chars.len()).find(|at| separates(*at)).map_or(chars.len(), |at| at + 1)
    } else if has_key {
        after + 1
    } else {
        start
    };
    let mut text: String = chars[..kept].iter().copied().map(printable).collect();
    if kept < chars.len() {
        text.push_str(if kept > start { " ***" } else { MASK });
    }
    text.truncate(text.trim_end().len());
    let offset = column.saturating_sub(1).min(kept);
    Excerpt { text, offset, width: 1 }
}

fn indent(chars: &[char]) -> usize {
    chars.iter().position(|c| !c.is_whitespace()).unwrap_or(chars.len())
}

/// A character that takes one column and does nothing to a terminal.
fn printable(c: char) -> char {
    match c {
        '\t' | '\r' => ' ',
        c if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            '\u{fffd}'
        }
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(column: usize, end_column: usize) -> Span {
        Span { line: 1, column, end_line: 1, end_column }
    }

    #[test]
    fn masks_move_the_caret() {
        let line = "env: {A: hunter2, port: x}";
        let shown = masked(line, span(19, 23), 4, &[span(10, 17)]);
        assert_eq!(shown, Excerpt { text: "env: {A: ***, port: x}".to_owned(), offset: 14, width: 4 });
        let on_it = masked(line, span(10, 17), 7, &[span(10, 17)]);
        assert_eq!((on_it.offset, on_it.width), (9, 3));
        let at_end = masked("port:", span(6, 6), 1, &[]);
        assert_eq!((at_end.offset, at_end.width), (5, 1));
    }

    #[test]
    fn a_value_over_several_lines_is_masked_on_each() {
        let hidden = [Span { line: 1, column: 4, end_line: 3, end_column: 5 }];
        let at = |line| Span { line, column: 1, end_line: line, end_column: 2 };
        assert_eq!(masked("A: hunter2", at(1), 1, &hidden).text, "A: ***");
        assert_eq!(masked("   hunter2", at(2), 1, &hidden).text, "   ***");
        assert_eq!(masked("   h", at(3), 1, &hidden).text, "   ***");
        assert_eq!(masked("B: 1", at(4), 1, &hidden).text, "B: 1");
    }

    #[test]
    fn a_file_that_is_not_yaml_shows_only_harmless_values() {
        let cases = [
            ("  interval: 2s, x", "  interval: 2s, x"),
            ("  http: /xTOKEN: hunter2", "  http: /xTOKEN: ***"),
            ("  TOKEN: \"hunter2", "  TOKEN: ***"),
            ("- TOKEN=hunter2: x", "- ***"),
            ("hunter2", "***"),
            ("  env: {A: hunter2", "  env: ***"),
            ("  ]", "  ]"),
        ];
        for (line, shown) in cases {
            assert_eq!(unparsed(line, 1).text, shown);
        }
    }
}
