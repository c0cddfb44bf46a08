//! A request that a rule of Traefik's matches.

use std::borrow::Cow;

use crate::probe::Request;

/// What a request needs so that a rule matches it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meets {
    /// The Host header, when the rule asks for one.
    pub host: Option<String>,
    /// The path, when the rule asks for one.
    pub path: Option<String>,
    /// Whether everything below the path matches too.
    pub is_prefix: bool,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Meets {
    /// The path that is asked for, where nothing better is known.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("/")
    }

    /// Whether the rule allows this path.
    pub fn allows(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        self.path.as_deref().is_none_or(|own| path == own || (self.is_prefix && path.starts_with(own)))
    }

    /// The path by which a client asks for what the app calls `path`: below the prefix of the rule, which a middleware takes
    /// off, where the rule allows no other.
    pub fn outside<'p>(&self, path: &'p str) -> Cow<'p, str> {
        if self.allows(path) {
            return path.into();
        }
        match &self.path {
            Some(prefix) if self.is_prefix => format!("{}{path}", prefix.trim_end_matches('/')).into(),
            Some(only) => only.clone().into(),
            None => path.into(),
        }
    }

    /// Gives a request the headers that the rule asks for.
    pub fn apply(&self, request: &mut Request) {
        request.headers.extend(self.headers.iter().cloned());
    }
}

/// Finds a GET request that a rule matches; `None` when the rule asks for what cannot be told from its text (a regular
/// expression, the client's address, a query) or makes no sense.
pub fn request_for(rule: &str) -> Option<Meets> {
    let mut parser = Parser { rest: rule, depth: 0 };
    let tree = parser.any()?;
    if !parser.rest.trim_start().is_empty() {
        return None;
    }
    candidates(&tree).into_iter().find(|meets| matches(&tree, meets) == Some(true))
}

/// A rule, parsed. The grammar is that of Traefik's documentation, "Routers, Rule": matchers, `!`, `&&`, `||`, brackets.
#[derive(Debug)]
enum Rule {
    Matcher(String, Vec<String>),
    Not(Box<Rule>),
    All(Vec<Rule>),
    Any(Vec<Rule>),
}

/// A rule in one spelling: equal rules that are written otherwise have the same. `None` when it cannot be parsed.
pub fn canonical(rule: &str) -> Option<String> {
    let mut parser = Parser { rest: rule, depth: 0 };
    let tree = parser.any()?;
    parser.rest.trim_start().is_empty().then(|| spelled(&tree))
}

fn spelled(rule: &Rule) -> String {
    // The order of what is combined, and what stands twice, make no difference.
    let sorted = |mut texts: Vec<String>, with: &str| {
        texts.sort();
        texts.dedup();
        if texts.len() == 1 { texts.remove(0) } else { format!("({})", texts.join(with)) }
    };
    match rule {
        Rule::Not(rule) => format!("!{}", spelled(rule)),
        Rule::All(rules) => {
            let is_any_path = |rule: &&Rule| matches!(rule, Rule::Matcher(name, paths) if name == "pathprefix" && paths.iter().any(|path| path == "/"));
            let asked: Vec<String> = rules.iter().filter(|rule| !is_any_path(rule)).map(spelled).collect();
            let texts = if asked.is_empty() { rules.iter().map(spelled).collect() } else { asked };
            sorted(texts, "&&")
        }
        Rule::Any(rules) => sorted(rules.iter().map(spelled).collect(), "||"),
        // Several hosts or paths in one matcher are alternatives.
        Rule::Matcher(name, arguments) if matches!(name.as_str(), "host" | "path" | "pathprefix") => {
            let lower = |text: &String| if name == "host" { text.to_lowercase() } else { text.clone() };
            sorted(arguments.iter().map(|text| format!("{name}({:?})", lower(text))).collect(), "||")
        }
        Rule::Matcher(name, arguments) => format!("{name}({arguments:?})"),
    }
}

/// How deep brackets and `!` may be nested.
const DEPTH: usize = 64;

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Option<Rule> {
        let mut rules = vec![self.all()?];
        while self.take("||") {
            rules.push(self.all()?);
        }
        Some(if rules.len() == 1 { rules.remove(0) } else { Rule::Any(rules) })
    }

    fn all(&mut self) -> Option<Rule> {
        let mut rules = vec![self.one()?];
        while self.take("&&") {
            rules.push(self.one()?);
        }
        Some(if rules.len() == 1 { rules.remove(0) } else { Rule::All(rules) })
    }

    fn one(&mut self) -> Option<Rule> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let rule = if self.take("!") {
            Some(Rule::Not(Box::new(self.one()?)))
        } else if self.take("(") {
            let inner = self.any()?;
            self.take(")").then_some(inner)
        } else {
            self.matcher()
        };
        self.depth -= 1;
        rule
    }

    fn matcher(&mut self) -> Option<Rule> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric())?;
        let name = self.rest[..end].to_ascii_lowercase();
        self.rest = &self.rest[end..];
        if name.is_empty() || !self.take("(") {
            return None;
        }
        let mut arguments = vec![self.text()?];
        while self.take(",") {
            arguments.push(self.text()?);
        }
        self.take(")").then_some(Rule::Matcher(name, arguments))
    }

    /// A Go string: raw in backquotes, or with escapes in double quotes. One with escapes is left alone.
    fn text(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '`' | '"'))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        if quote == '"' && text.contains('\\') {
            return None;
        }
        self.rest = rest;
        Some(text.to_owned())
    }
}

/// How many combinations are looked at; rules of people have a handful.
const MOST: usize = 64;

fn candidates(rule: &Rule) -> Vec<Meets> {
    let mut found = match rule {
        Rule::Not(_) => vec![Meets::default()],
        Rule::Any(rules) => rules.iter().flat_map(candidates).collect(),
        Rule::All(rules) => rules.iter().fold(vec![Meets::default()], |so_far, rule| {
            let more = candidates(rule);
            let pairs = so_far.iter().flat_map(|one| more.iter().filter_map(|two| merged(one, two)));
            pairs.take(MOST).collect()
        }),
        Rule::Matcher(name, arguments) => of_matcher(name, arguments),
    };
    found.truncate(MOST);
    found
}

/// Whether a text can stand in a request as it is. A `?` or `#` in a rule's path matches no path of a request.
fn can_be_sent(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#'))
}

fn of_matcher(name: &str, arguments: &[String]) -> Vec<Meets> {
    let is_path = name.starts_with("path");
    let each = |make: fn(&String) -> Meets| {
        let fit = arguments.iter().filter(|text| can_be_sent(text) && (!is_path || text.starts_with('/')));
        fit.map(make).collect()
    };
    match (name, arguments) {
        ("host", _) => each(|host| Meets { host: Some(host.clone()), ..Meets::default() }),
        ("path", _) => each(|path| Meets { path: Some(path.clone()), ..Meets::default() }),
        ("pathprefix", _) => {
            each(|path| Meets { path: Some(path.clone()), is_prefix: true, ..Meets::default() })
        }
        ("method", _) => vec![Meets::default()],
        ("header" | "headers", [name, value]) if can_be_sent(name) && !value.contains(char::is_control) => {
            vec![Meets { headers: vec![(name.clone(), value.clone())], ..Meets::default() }]
        }
        _ => Vec::new(),
    }
}

fn merged(one: &Meets, two: &Meets) -> Option<Meets> {
    let host = match (&one.host, &two.host) {
        (Some(a), Some(b)) if !a.eq_ignore_ascii_case(b) => return None,
        (a, b) => a.clone().or_else(|| b.clone()),
    };
    let (path, is_prefix) = match (&one.path, &two.path) {
        (Some(a), Some(b)) if a.len() >= b.len() && two.allows(a) => (Some(a.clone()), one.is_prefix),
        (Some(a), Some(b)) if b.len() > a.len() && one.allows(b) => (Some(b.clone()), two.is_prefix),
        (Some(_), Some(_)) => return None,
        (Some(a), None) => (Some(a.clone()), one.is_prefix),
        (None, b) => (b.clone(), two.is_prefix),
    };
    Some(Meets { host, path, is_prefix, headers: [one.headers.clone(), two.headers.clone()].concat() })
}

/// Whether a rule matches a request; `None` when that cannot be told.
fn matches(rule: &Rule, meets: &Meets) -> Option<bool> {
    match rule {
        Rule::Not(rule) => matches(rule, meets).map(|matched| !matched),
        Rule::All(rules) => {
            let all: Vec<_> = rules.iter().map(|rule| matches(rule, meets)).collect();
            if all.contains(&Some(false)) {
                Some(false)
            } else {
                all.iter().all(Option::is_some).then_some(true)
            }
        }
        Rule::Any(rules) => {
            let any: Vec<_> = rules.iter().map(|rule| matches(rule, meets)).collect();
            if any.contains(&Some(true)) {
                Some(true)
            } else {
                any.iter().all(Option::is_some).then_some(false)
            }
        }
        Rule::Matcher(name, arguments) => match (name.as_str(), arguments.as_slice()) {
            ("host", hosts) => {
                let host = meets.host.as_deref().unwrap_or_default();
                Some(hosts.iter().any(|own| own.eq_ignore_ascii_case(host)))
            }
            ("path", paths) => Some(paths.iter().any(|path| path == meets.path())),
            ("pathprefix", paths) => Some(paths.iter().any(|path| meets.path().starts_with(path.as_str()))),
            ("method", methods) => Some(methods.iter().any(|method| method.eq_ignore_ascii_case("GET"))),
            ("header" | "headers", [name, value]) => {
                Some(meets.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value))
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(rule: &str) -> Option<(String, String)> {
        request_for(rule).map(|meets| (meets.host.clone().unwrap_or_default(), meets.path().to_owned()))
    }

    #[test]
    fn a_request_is_found_for_what_people_write() {
        let of = |rule| found(rule).map(|(host, path)| format!("{host}{path}"));
        assert_eq!(of("Host(`a.example.com`)").as_deref(), Some("a.example.com/"));
        assert_eq!(of("Host(`a`) && PathPrefix(`/api`)").as_deref(), Some("a/api"));
        assert_eq!(of("Host(\"a\")&&Path(\"/x\")").as_deref(), Some("a/x"));
        assert_eq!(of("(Host(`a`) || Host(`b`)) && Method(`GET`)").as_deref(), Some("a/"));
        assert_eq!(of("PathPrefix(`/`)").as_deref(), Some("/"));
        assert_eq!(of("HostRegexp(`.+`) || Host(`b`)").as_deref(), Some("b/"));
        assert_eq!(of("Host(`a`) && !PathPrefix(`/admin`)").as_deref(), Some("a/"));
        assert_eq!(of("Host(`a`, `b`)").as_deref(), Some("a/"));
        assert_eq!(of("Host(`a`) && PathPrefix(`/x`) && PathPrefix(`/x/y`)").as_deref(), Some("a/x/y"));
        let with_header = request_for("Host(`a`) && Header(`X-Tenant`, `t`)").unwrap();
        assert_eq!(with_header.headers, [("X-Tenant".to_owned(), "t".to_owned())]);
    }

    #[test]
    fn what_cannot_be_met_is_not_pretended() {
        for rule in [
            "HostRegexp(`.+`)",
            "Host(`a`) && ClientIP(`10.0.0.0/8`)",
            "Host(`a`) && !ClientIP(`10.0.0.0/8`)",
            "Host(`a`) && Query(`a`, `b`)",
            "Host(`a`) && !Host(`a`)",
            "Host(`a`) && Host(`b`)",
            "Host(`a`) && Method(`POST`)",
            "Host(`a`",
            "Host(a)",
            "Path(`/x?y`)",
            "Path(`x`)",
            "PathPrefix(`/a b`)",
            "Host(`a\nb`)",
            "Header(`X-A`, `b\r\nX-B: c`)",
            "",
            "&&",
        ] {
            assert_eq!(request_for(rule), None, "{rule}");
        }
    }

    #[test]
    fn one_rule_has_one_spelling() {
        let same = [
            "Host(`a.b`) && PathPrefix(`/x`)",
            "PathPrefix(\"/x\")&&Host( \"A.B\" )",
            "(Host(`a.b`)) && (PathPrefix(`/x`))",
        ];
        let first = canonical(same[0]);
        assert!(first.is_some() && same.iter().all(|rule| canonical(rule) == first));
        assert_eq!(canonical("Host(`a`, `b`)"), canonical("Host(`b`) || Host(`a`)"));
        assert_eq!(canonical("Host(`a`) && PathPrefix(`/`)"), canonical("Host(`a`)"));
        assert_ne!(canonical("Host(`a`)"), canonical("!Host(`a`)"));
        assert_ne!(canonical("Path(`/A`)"), canonical("Path(`/a`)"));
        assert_eq!(canonical("Host(a)"), None);
    }

    #[test]
    fn a_path_is_allowed_where_the_rule_says_so() {
        let meets = request_for("Host(`a`) && PathPrefix(`/api`)").unwrap();
        assert!(meets.allows("/api/health?x=1") && !meets.allows("/health"));
        assert!(request_for("Host(`a`)").unwrap().allows("/health"));
        assert!(!request_for("Path(`/x`)").unwrap().allows("/x/y"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(rule in "[A-Za-z()!&|`\", /é]{0,80}") {
            request_for(&rule);
        }

        #[test]
        fn nested_rules_end(depth in 0usize..200_000) {
            let rule = format!("{}Host(`a`){}", "(".repeat(depth), ")".repeat(depth));
            prop_assert_eq!(request_for(&rule).is_some(), depth < DEPTH);
        }
    }
}
