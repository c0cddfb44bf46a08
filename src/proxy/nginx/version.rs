use std::fmt;

/// A version of nginx.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

/// How traffic is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a reload: since 1.27.4 it breaks no idle connection, and names are resolved while nginx runs.
    Reload,
    /// By a flag file that every request looks at: older versions break idle connections at a reload.
    Flag,
}

impl Version {
    /// Reads `1.30.6`, or the line `nginx version: nginx/1.30.6 (Ubuntu)`; OpenResty's `1.27.1.2` counts as 1.27.1.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.find('/').map_or(text, |slash| &text[slash + 1..]);
        let number = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let mut parts = number.split('.').map(|part| part.parse().ok());
        Some(Self(parts.next()??, parts.next()??, parts.next()??))
    }

    /// How traffic is moved on this version.
    pub fn method(self) -> Method {
        if self >= Self(1, 27, 4) { Method::Reload } else { Method::Flag }
    }

    /// Whether it knows the directive `http2 on`.
    pub fn knows_http2_directive(self) -> bool {
        self >= Self(1, 25, 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let new = Version::parse("nginx version: nginx/1.30.6").unwrap();
        assert_eq!((new.to_string().as_str(), new.method()), ("1.30.6", Method::Reload));
        assert_eq!(Version::parse("1.27.3").unwrap().method(), Method::Flag);
        assert_eq!(Version::parse("1.27.4").unwrap().method(), Method::Reload);
        let openresty = Version::parse("nginx version: openresty/1.27.1.2").unwrap();
        assert_eq!(openresty, Version(1, 27, 1));
        assert!(!Version::parse("1.25.0 (x)").unwrap().knows_http2_directive());
        assert_eq!(Version::parse("nginx"), None);
        assert_eq!(Version::parse("1.x.2"), None);
    }
}
