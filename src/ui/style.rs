use std::fmt::Display;
use std::io::IsTerminal;

use super::clean;

/// Whether and how text is coloured, and who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colour is used.
    pub color: bool,
    /// Whether the terminal cannot move its cursor.
    pub dumb: bool,
    /// Whether a runner of GitHub Actions reads each line, and obeys those that are commands.
    pub github: bool,
}

impl Style {
    /// The style of standard error: colour on a terminal, unless `NO_COLOR` is set (no-color.org) or CI runs it.
    pub fn of_stderr(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let github = env("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let dumb = set("CI") || github || env("TERM").is_none_or(|term| term == "dumb");
        let color = std::io::stderr().is_terminal() && !set("NO_COLOR") && !dumb;
        Self { color, dumb: dumb || set("NO_COLOR"), github }
    }

    /// Text from outside as it may be printed: it colours nothing, moves no cursor and commands no runner.
    pub fn clean(self, text: &str) -> String {
        let text = clean::clean(text);
        if self.github { clean::without_commands(&text) } else { text }
    }

    /// JSON as it may be printed: it has the same value, and commands no runner.
    pub fn clean_json(self, json: String) -> String {
        if self.github { clean::without_commands_in_json(&json) } else { json }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Something went wrong.
    pub fn bad(self, text: impl Display) -> String {
        self.paint("1;31", text)
    }

    /// Something went well.
    pub fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Something to look at.
    pub fn warning(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// Something that matters less.
    pub fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// Something that matters more.
    pub fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }
}
