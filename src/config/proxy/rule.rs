//! The rule of a Traefik router, as far as it can be judged without Traefik.

/// Why Traefik would not take a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidRule {
    /// Nothing but spaces.
    #[error("it is empty")]
    Empty,
    /// It would end the line of a file, or hide something in it.
    #[error("it holds a line break or another control character")]
    Control,
    /// A backtick or a quotation mark without its second.
    #[error("{0} is never closed")]
    Quote(char),
    /// More of one bracket than of the other.
    #[error("its parentheses do not match")]
    Parentheses,
    /// A value in single quotation marks.
    #[error("values stand between backticks, not between single quotation marks")]
    SingleQuote,
    /// No `NAME(…)` at all.
    #[error("no matcher stands in it")]
    Matcher,
}

/// Checks a rule. Which matchers there are depends on Traefik's version, so their names are Traefik's own business.
///
/// Values are strings of the language Go (`doc.traefik.io/traefik/reference/routing-configuration/http/routing/rules-and-priority`):
/// raw between backticks, or with escapes between double quotation marks.
pub(super) fn check(rule: &str) -> Result<(), InvalidRule> {
    if rule.trim().is_empty() {
        return Err(InvalidRule::Empty);
    }
    if rule.contains(char::is_control) {
        return Err(InvalidRule::Control);
    }
    let (mut depth, mut matchers, mut before) = (0_u32, 0_u32, ' ');
    let mut chars = rule.chars();
    while let Some(c) = chars.next() {
        match c {
            '`' | '"' => skip_value(&mut chars, c)?,
            '\'' => return Err(InvalidRule::SingleQuote),
            '(' => {
                depth += 1;
                matchers += u32::from(before.is_ascii_alphanumeric());
            }
            ')' => depth = depth.checked_sub(1).ok_or(InvalidRule::Parentheses)?,
            _ => {}
        }
        before = c;
    }
    match (depth, matchers) {
        (0, 0) => Err(InvalidRule::Matcher),
        (0, _) => Ok(()),
        _ => Err(InvalidRule::Parentheses),
    }
}

/// Goes on behind the quotation mark that closes a value.
fn skip_value(chars: &mut std::str::Chars<'_>, quote: char) -> Result<(), InvalidRule> {
    loop {
        match chars.next() {
            Some(c) if c == quote => return Ok(()),
            // A backslash means itself between backticks.
            Some('\\') if quote == '"' => {
                chars.next();
            }
            Some(_) => {}
            None => return Err(InvalidRule::Quote(quote)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_traefik_are_taken() {
        for rule in [
            "Host(`api.example.com`)",
            "Host(`a.example.com`) && (PathPrefix(`/v1`) || !Method(`POST`, `PUT`))",
            "HostRegexp(`^[a-z]{1,3}\\.example\\.com$`)",
            "Header(`X-Odd`, `)(\"'{{`)",
            "Host(\"api.example.com\") && Header(\"X\", \"a\\\")\")",
            "PathPrefix(`/`)",
        ] {
            assert_eq!(check(rule), Ok(()), "{rule}");
        }
    }

    #[test]
    fn what_traefik_would_not_read_is_refused() {
        for (rule, why) in [
            ("", InvalidRule::Empty),
            ("  ", InvalidRule::Empty),
            ("Host(`a`)\nX: y", InvalidRule::Control),
            ("Host(`a\u{0}`)", InvalidRule::Control),
            ("Host(`a)", InvalidRule::Quote('`')),
            ("Host(\"a\\\")", InvalidRule::Quote('"')),
            ("Host(`a`", InvalidRule::Parentheses),
            ("Host(`a`))", InvalidRule::Parentheses),
            (")Host(`a`)(", InvalidRule::Parentheses),
            ("Host('a')", InvalidRule::SingleQuote),
            ("api.example.com", InvalidRule::Matcher),
            ("(`a`)", InvalidRule::Matcher),
        ] {
            assert_eq!(check(rule), Err(why), "{rule:?}");
        }
    }
}
