use super::context::{Context, one_of, quoted};
use super::node::{Key, Node, Span, Value};

/// Keys of compose files below which secrets can stand.
const SECRETIVE: [&str; 5] = ["build", "configs", "environment", "log_opt", "secrets"];

/// The keys of one mapping while they are read. What has not been asked for by the end is refused.
pub(crate) struct Fields<'n> {
    /// `health`, `proxy.nginx` …; empty at the top.
    place: &'static str,
    span: Span,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
    /// Refused keys with their remedies.
    refused: Vec<(&'static str, String)>,
    /// Required keys that are not there, with what is expected.
    missing: Vec<(&'static str, String)>,
}

impl<'n> Fields<'n> {
    /// Begins with a mapping.
    pub fn open(cx: &mut Context<'_>, node: &'n Node, place: &'static str) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let noun = if place.is_empty() { "the configuration" } else { "a mapping" };
            // A secret that has slipped out of its place may stand here.
            cx.reject_secret(node, noun, "lines of the form \"key: value\"");
            return None;
        };
        Some(Self {
            place,
            span: node.span,
            entries,
            known: Vec::new(),
            refused: Vec::new(),
            missing: Vec::new(),
        })
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
        match self.span_of(name) {
            Some(span) if node.is_none() => {
                let place = self.inside();
                cx.problems.add(span, format!("{name:?} has no value{place}")).expected(expected);
            }
            Some(_) => {}
            // Told at the end: a mistyped key is told once, as what was typed.
            None => self.missing.push((name, expected.to_owned())),
        }
        node
    }

    /// Whether a key that nobody asked for looks like this one.
    pub fn resembles(&self, name: &str) -> bool {
        self.unknown().any(|key| near_miss(&key.text, &[name]).is_some())
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
        self.refused.push((name, remedy.to_owned()));
        if let Some((key, node)) = self.entries.iter().find(|(key, _)| key.text == name) {
            if !SECRETIVE.contains(&name) {
                cx.problems.public(node);
            }
            cx.problems.add(key.span, format!("{name:?} is refused: {why}")).hint(remedy);
        }
    }

    /// Refuses every key that nobody asked for, and names those that are missing.
    pub fn close(self, cx: &mut Context<'_>) {
        let place = self.inside();
        let mut mistyped = Vec::new();
        for key in self.unknown() {
            let name = key.text.as_str();
            let problem = cx.problems.add(key.span, format!("unknown key {}{place}", quoted(name)));
            let refused: Vec<&str> = self.refused.iter().map(|(name, _)| *name).collect();
            if let Some(near) = near_miss(name, &self.known) {
                problem.hint(format!("did you mean {near:?}?"));
                mistyped.push(near);
            } else if let Some(near) = near_miss(name, &refused) {
                let remedy =
                    self.refused.iter().find(|(name, _)| *name == near).map_or("", |(_, remedy)| remedy);
                problem.hint(format!("did you mean {near:?}? In bgd.yaml: {remedy}"));
            } else if self.place.is_empty() {
                problem.hint("keys for values of your own begin with \"x-\"");
            } else {
                problem.expected(one_of(&self.known));
            }
        }
        for (name, expected) in self.missing.iter().filter(|(name, _)| !mistyped.contains(name)) {
            cx.problems.add(self.span, format!("{name:?} is missing{place}")).expected(expected.as_str());
        }
    }

    fn unknown(&self) -> impl Iterator<Item = &'n Key> {
        self.entries.iter().map(|(key, _)| key).filter(|key| {
            let name = key.text.as_str();
            let extension = self.place.is_empty() && name.starts_with("x-");
            !extension
                && !self.known.contains(&name)
                && !self.refused.iter().any(|(refused, _)| *refused == name)
        })
    }

    fn inside(&self) -> String {
        if self.place.is_empty() { String::new() } else { format!(" in {}", self.place) }
    }
}

/// The known word that was probably meant.
pub(crate) fn near_miss<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
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
