use super::context::{Context, one_of};
use super::node::{Key, Node, Span, Value};

/// The keys of one mapping while they are read. What has not been asked for by the end is refused.
pub(super) struct Fields<'n> {
    /// `health`, `proxy.nginx` …; empty at the top.
    place: &'static str,
    span: Span,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Begins with a mapping.
    pub fn open(cx: &mut Context<'_>, node: &'n Node, place: &'static str) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let noun = if place.is_empty() { "the configuration" } else { "a mapping" };
            cx.reject(node, noun, "lines of the form \"key: value\"");
            return None;
        };
        Some(Self { place, span: node.span, entries, known: Vec::new(), refused: Vec::new() })
    }

    /// The value of a key, which from now on is known and may be shown. A key without a value counts as absent.
    pub fn take(&mut self, cx: &mut Context<'_>, name: &'static str) -> Option<&'n Node> {
        let node = self.take_secret(name)?;
        cx.problems.public(node);
        Some(node)
    }

    /// The value of a key, which stays hidden.
    pub fn take_secret(&mut self, name: &'static str) -> Option<&'n Node> {
        self.take_or_null(name).filter(|node| !matches!(node.value, Value::Null))
    }

    /// Like [`Self::take_secret`], with a key that has no value.
    pub fn take_or_null(&mut self, name: &'static str) -> Option<&'n Node> {
        self.known.push(name);
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The value of a key that has to be there.
    pub fn require(&mut self, cx: &mut Context<'_>, name: &'static str, expected: &str) -> Option<&'n Node> {
        let node = self.take(cx, name);
        if node.is_none() {
            let (span, what) = match self.span_of(name) {
                Some(span) => (span, "has no value"),
                None => (self.span, "is missing"),
            };
            let place = self.inside();
            cx.problems.add(span, format!("{name:?} {what}{place}")).expected(expected);
        }
        node
    }

    /// Where a key stands.
    pub fn span_of(&self, name: &str) -> Option<Span> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(key, _)| key.span)
    }

    /// Where the mapping itself stands.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Refuses a key that a reader of compose files would expect, with the reason and the remedy.
    pub fn refuse(&mut self, cx: &mut Context<'_>, name: &'static str, why: &str, remedy: &str) {
        self.refused.push(name);
        if let Some(span) = self.span_of(name) {
            cx.problems.add(span, format!("{name:?} is refused: {why}")).hint(remedy);
        }
    }

    /// Refuses every key that nobody asked for.
    pub fn close(self, cx: &mut Context<'_>) {
        for (key, _) in self.entries {
            let name = key.text.as_str();
            let extension = self.place.is_empty() && name.starts_with("x-");
            if extension || self.known.contains(&name) || self.refused.contains(&name) {
                continue;
            }
            let place = self.inside();
            let problem =
                cx.problems.add(key.span, format!("unknown key {}{place}", super::context::quoted(name)));
            match near_miss(name, &self.known) {
                Some(near) => problem.hint(format!("did you mean {near:?}?")),
                None if self.place.is_empty() => {
                    problem.hint("keys for values of your own begin with \"x-\"")
                }
                None => problem.expected(one_of(&self.known)),
            };
        }
    }

    fn inside(&self) -> String {
        if self.place.is_empty() { String::new() } else { format!(" in {}", self.place) }
    }
}

/// The known word that was probably meant.
pub(super) fn near_miss<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |s: &str| s.to_ascii_lowercase().replace(['-', '_'], "");
    let wanted = plain(text);
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&wanted, &plain(word)), *word))
        .filter(|(distance, word)| {
            *distance <= (word.len().min(wanted.len()) / 3).max(1) && !wanted.is_empty()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_near() {
        let known = ["interval", "timeout", "retries", "app", "env", "stop_grace_period"];
        assert_eq!(near_miss("intervall", &known), Some("interval"));
        assert_eq!(near_miss("intreval", &known), Some("interval"));
        assert_eq!(near_miss("stop-grace-period", &known), Some("stop_grace_period"));
        assert_eq!(near_miss("App", &known), Some("app"));
        assert_eq!(near_miss("frobnicate", &known), None);
        assert_eq!(near_miss("", &known), None);
        assert_eq!(near_miss("xyz", &known), None);
    }
}
