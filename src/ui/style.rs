use std::fmt::Display;
use std::io::IsTerminal;

/// Whether and how text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colour is used.
    pub color: bool,
    /// Whether the terminal cannot move its cursor.
    pub dumb: bool,
}

impl Style {
    /// The style of standard error: colour on a terminal, unless `NO_COLOR` is set (no-color.org) or CI runs it.
    pub fn of_stderr(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let dumb = set("CI") || env("TERM").is_none_or(|term| term == "dumb");
        let color = std::io::stderr().is_terminal() && !set("NO_COLOR") && !dumb;
        Self { color, dumb: dumb || set("NO_COLOR") }
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
