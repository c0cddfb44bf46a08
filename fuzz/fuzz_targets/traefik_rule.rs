//! Any text is read as a rule of Traefik's, without a panic, and what is found for it can be sent as a request.
#![no_main]

use bgd::proxy::traefik::rule::request_for;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(meets) = request_for(text) {
        assert!(meets.path().starts_with('/'), "{meets:?}");
        assert!(meets.allows(meets.path()), "{meets:?}");
        let sent = [meets.host.as_deref().unwrap_or_default(), meets.path()];
        assert!(!sent.concat().contains(|c: char| c.is_control() || c == ' '), "{meets:?}");
        let headers = meets.headers.iter().all(|(name, value)| !(name.clone() + value).contains(char::is_control));
        assert!(headers, "{meets:?}");
    }
});
