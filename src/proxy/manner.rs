use crate::model::AppName;
use crate::probe::Request;

/// How the requests of clients look to the app when the proxy has passed them on. What bgd asks the app for by itself looks
/// the same, unless the configuration says otherwise: many frameworks refuse any other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// The Host header; `None` where the route names no host.
    pub host: Option<String>,
    /// `X-Forwarded-Proto`; `None` where the proxy sends none, or passes on what it gets.
    pub proto: Option<String>,
}

impl Manner {
    /// The Host header of a request: the route's, else the app's name.
    pub fn host_or<'m>(&'m self, app: &'m AppName) -> &'m str {
        self.host.as_deref().unwrap_or(app.as_str())
    }

    /// Gives a request what the proxy would give it. What the request has already stays.
    pub fn apply(&self, request: &mut Request) {
        const PROTO: &str = "X-Forwarded-Proto";
        if let Some(proto) = &self.proto
            && !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(PROTO))
        {
            request.headers.push((PROTO.to_owned(), proto.clone()));
        }
    }
}

/// Whether a host is one name, and no pattern: only such a name is sent.
pub fn is_plain(host: &str) -> bool {
    !host.is_empty()
        && host != "_"
        && host != "localhost"
        && !host.starts_with(['.', '~'])
        && !host.contains(['*', '$', '{', '(', '^'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_no_name() {
        assert!(is_plain("shop.example.com") && is_plain("shop"));
        for pattern in ["_", "", "*.example.com", ".example.com", "~^api", "www.example.*", "$hostname"] {
            assert!(!is_plain(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_the_configuration_says_comes_first() {
        let manner = Manner { host: None, proto: Some("https".to_owned()) };
        let limit = std::time::Duration::from_secs(1);
        let mut request = Request::get(([127, 0, 0, 1], 80).into(), "a", "/", limit);
        request.headers.push(("x-forwarded-proto".to_owned(), "http".to_owned()));
        manner.apply(&mut request);
        assert_eq!(request.headers.len(), 1);
        request.headers.clear();
        manner.apply(&mut request);
        assert_eq!(request.headers, [("X-Forwarded-Proto".to_owned(), "https".to_owned())]);
    }
}
