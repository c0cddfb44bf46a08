use std::collections::VecDeque;

/// A longer line is told in pieces, in bytes.
const LONGEST: usize = 8 * 1024;
/// So many of the last lines are kept for an error.
const TAIL: usize = 20;

/// Bytes as they come, made into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    tail: VecDeque<String>,
}

impl Lines {
    /// Takes some bytes, and tells the lines that are whole with them.
    pub fn take(&mut self, bytes: &[u8], tell: &mut dyn FnMut(String)) {
        for byte in bytes {
            if *byte != b'\n' {
                self.begun.push(*byte);
            }
            if *byte == b'\n' || self.begun.len() >= LONGEST {
                self.tell(tell);
            }
        }
    }

    /// Tells what came after the last whole line.
    pub fn finish(&mut self, tell: &mut dyn FnMut(String)) {
        if !self.begun.is_empty() {
            self.tell(tell);
        }
    }

    /// The last lines.
    pub fn tail(&self) -> String {
        self.tail.iter().map(|line| format!("{line}\n")).collect()
    }

    fn tell(&mut self, tell: &mut dyn FnMut(String)) {
        let line = plain(&String::from_utf8_lossy(&self.begun));
        self.begun.clear();
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        tell(line);
    }
}

/// A line without what would move a terminal's cursor, colour it or overwrite what stands there.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.peek() == Some(&'[') => {
                chars.next();
                // A control sequence ends with the first of these (ECMA-48, 5.4).
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => text.push('\t'),
            // What a progress bar has overwritten was not meant to stay.
            '\r' => text.clear(),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let (mut lines, mut told) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, &mut |line| told.push(line));
        }
        lines.finish(&mut |line| told.push(line));
        (told, lines.tail())
    }

    #[test]
    fn lines_are_told_when_they_are_whole_and_at_the_end() {
        assert_eq!(lines(&[b"on", b"e\ntwo\n\nth", b"ree"]).0, ["one", "two", "", "three"]);
        assert_eq!(lines(&[b""]).0, Vec::<String>::new());
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(lines(&[&long]).0.iter().map(String::len).collect::<Vec<_>>(), [LONGEST, 1]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let text: String = (0..50).map(|n| format!("{n}\n")).collect();
        let (_, tail) = lines(&[text.as_bytes()]);
        assert!(tail.starts_with("30\n") && tail.ends_with("49\n"), "{tail}");
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let (told, _) = lines(&[b"\x1b[1;31mred\x1b[0m\ttab\x07\r\n10%\r100%\n\xff\n\x1b[2"]);
        assert_eq!(told, ["red\ttab", "100%", "\u{fffd}", ""]);
    }
}
