use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that was refused, and the rule that it broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {value:?}: {rule}")]
pub struct InvalidName {
    /// What the name was for, such as `app name`.
    pub kind: &'static str,
    /// The text as given.
    pub value: String,
    /// The rule, in words that tell how to mend it.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $rule:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses the name.
            ///
            /// # Errors
            /// Names the rule that the text breaks.
            pub fn parse(value: &str) -> Result<Self, InvalidName> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(value) {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(InvalidName { kind: $kind, value: value.to_owned(), rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(value: String) -> Result<Self, InvalidName> {
                Self::parse(&value)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// The name of an app: a DNS label, because containers and network aliases are named after it.
    AppName,
    "app name",
    "use 1 to 40 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'",
    |s| {
        (1..=40).contains(&s.len())
            && s.starts_with(|c: char| c.is_ascii_lowercase())
            && !s.ends_with('-')
            && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }
);

impl AppName {
    /// The longest name.
    pub const LONGEST: usize = 40;

    /// The name that is nearest to a text: in small letters, with `-` for all else, cut where it is too long. `None` when the
    /// text has no letter.
    pub fn derived(text: &str) -> Option<Self> {
        let mut name = String::new();
        for c in text.chars() {
            let c = c.to_ascii_lowercase();
            if c.is_ascii_lowercase() || (c.is_ascii_digit() && !name.is_empty()) {
                name.push(c);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        name.truncate(Self::LONGEST);
        Self::parse(name.trim_end_matches('-')).ok()
    }
}

/// Docker's own rule for container, network and volume names: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`.
fn docker_name(s: &str) -> bool {
    s.len() <= 128
        && s.starts_with(|c: char| c.is_ascii_alphanumeric())
        && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

name!(
    /// The name of a container.
    ContainerName,
    "container name",
    "begin with a letter or digit, then use letters, digits, '_', '.' and '-'",
    docker_name
);

name!(
    /// The name of a Docker network.
    NetworkName,
    "network name",
    "begin with a letter or digit, then use letters, digits, '_', '.' and '-'",
    docker_name
);

name!(
    /// The name of an nginx `upstream`: it is written into nginx's configuration.
    UpstreamName,
    "upstream name",
    "use 1 to 63 letters, digits, '_', '.' and '-', beginning with a letter",
    |s| {
        (1..=63).contains(&s.len())
            && s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_could_leave_their_place() {
        for bad in ["", "Api", "-api", "api-", "a/b", "a b", "a;b", "../x", "a\n", "1api"] {
            assert!(AppName::parse(bad).is_err(), "{bad:?} was accepted");
        }
        for bad in ["", "a;b", "a{b", "a b", "$x", "a\nb"] {
            assert!(UpstreamName::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(AppName::parse("api-2").map(String::from), Ok("api-2".to_owned()));
        assert_eq!(UpstreamName::parse("api_backend").map(String::from), Ok("api_backend".to_owned()));
    }

    #[test]
    fn a_name_is_derived_from_any_text_with_a_letter() {
        let derived = |text: &str| AppName::derived(text).map(String::from);
        assert_eq!(derived("My_Shop.v2").as_deref(), Some("my-shop-v2"));
        assert_eq!(derived("2 -- shop!").as_deref(), Some("shop"));
        assert_eq!(derived("größe").as_deref(), Some("gr-e"));
        let cut = format!("{}-b", "a".repeat(39));
        assert_eq!(derived(&cut), Some("a".repeat(39)));
        assert_eq!(derived("42"), None);
    }

    #[test]
    fn a_stored_name_is_checked_when_it_is_read_back() {
        assert!(serde_json::from_str::<AppName>("\"../etc\"").is_err());
    }
}
