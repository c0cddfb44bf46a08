//! Text from outside as Markdown that shows it and nothing else.

use crate::ui::clean;

/// Characters of a text within a line or a cell.
const LONGEST: usize = 2_000;
/// Bytes of a text in a block. GitHub takes a summary of one step of up to 1 MiB, and none that is larger.
const LARGEST: usize = 16_384;

/// A text in a line: nothing in it is markup, a link or the end of a cell.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let text: Vec<char> = clean::one_line(text).chars().take(LONGEST).collect();
    for (at, c) in text.iter().copied().enumerate() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            ':' if text[at..].starts_with(&[':', '/', '/']) => out.push_str("&#58;"),
            '@' if !before.is_alphanumeric() => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A text of several lines in a block that no line of it can end; a long one is cut at its start.
pub(super) fn block(text: &str) -> String {
    let text = clean::clean(text);
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(LARGEST);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let cut = if start > 0 { "…" } else { "" };
    let text = &text[start..];
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}text\n{cut}{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_stays_in_its_cell_and_its_block(text in "[`|<>\\\\#~\r\n ab]{0,60}") {
            let cell = inline(&text);
            prop_assert!(!cell.contains(['\n', '\r', '<', '>']), "{:?}", cell);
            let bare = cell.replace("\\\\", "").replace("\\|", "").replace("\\`", "");
            prop_assert!(!bare.contains(['|', '`']), "{:?}", cell);
            let shown = block(&text);
            let lines: Vec<&str> = shown.lines().collect();
            let fence = lines[0].trim_end_matches("text");
            prop_assert!(lines[1..].iter().rev().skip(1).all(|line| !line.contains(fence)), "{:?}", shown);
            prop_assert_eq!(lines.last(), Some(&fence));
        }
    }

    #[test]
    fn nothing_in_a_line_is_markup() {
        let text = "a|b `c` <img src=x> [l](http://x) *b* _i_ &amp; @me #1\n::error::x";
        let shown = "a\\|b \\`c\\` &lt;img src=x&gt; \\[l\\](http&#58;//x) \\*b\\* \\_i\\_ &amp;amp; &#64;me \\#1 ::error::x";
        assert_eq!(inline(text), shown);
        let image = "registry.example:5000/my-org/api:1.1@sha256:abc";
        assert_eq!(inline(image), image, "what needs no care stays as it is");
    }

    #[test]
    fn no_line_ends_a_block() {
        let text = "one\n```\n# out\n`````` \n</details>\n";
        let shown = block(text);
        let fence = "`".repeat(7);
        assert_eq!(shown, format!("{fence}text\n{}\n{fence}\n", text.trim_end()));
        assert!(!text.contains(&fence));
        assert_eq!(block("plain"), "```text\nplain\n```\n");
    }

    #[test]
    fn a_long_text_keeps_its_end() {
        let shown = block(&format!("{}the end", "é".repeat(LARGEST)));
        assert!(shown.len() < LARGEST + 100 && shown.ends_with("the end\n```\n"), "{}", shown.len());
        assert!(inline(&"x".repeat(9 * LONGEST)).len() <= LONGEST);
    }
}
