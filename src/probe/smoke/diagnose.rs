//! From what came back to what it means.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::probe::expect::Mismatch;
use crate::probe::{Answer, Failure, FailureKind, Socket, SocketState, listens};

/// How much of a body is shown, in characters.
const SHOWN: usize = 200;

/// What happened, and what to do about it.
type Diagnosis = (String, Option<String>);

/// Explains a request that got no whole answer.
pub(super) fn no_answer(failure: &Failure, limit: Duration) -> Diagnosis {
    let words = failure.kind.to_string();
    match failure.kind {
        FailureKind::Refused => (
            words,
            Some("nothing listens there: is `port` the one on which the app listens, and on 0.0.0.0?".to_owned()),
        ),
        FailureKind::ConnectTimeout => (
            format!("no connection within {} ms", limit.as_millis()),
            Some("the app takes no connections, or a firewall drops them between its network and the proxy's".to_owned()),
        ),
        FailureKind::AnswerTimeout => (
            format!("connected, and no whole answer within {} ms", limit.as_millis()),
            Some("the app hangs, or needs more time: look at its log, or raise `expect.within`".to_owned()),
        ),
        FailureKind::Unreachable => (
            format!("{words} ({})", failure.message),
            Some("is the app on a network that the proxy is on too?".to_owned()),
        ),
        FailureKind::Closed => (
            format!("{words} ({})", failure.message),
            Some("the app broke the connection off: its log may say why".to_owned()),
        ),
        FailureKind::NotHttp => (
            words,
            Some("the app speaks something else on this port, such as HTTPS or HTTP/2 without TLS; bgd asks in plain HTTP/1.1".to_owned()),
        ),
        FailureKind::Vantage => (format!("the proxy's network {words}: {}", failure.message), None),
    }
}

/// Explains an answer that is not as expected.
pub(super) fn unexpected(answer: &Answer, mismatch: &Mismatch, host: &str) -> Diagnosis {
    let words = mismatch.to_string();
    let Mismatch::Status { actual, .. } = mismatch else {
        return (words, None);
    };
    match (actual, answer.header("location")) {
        (300..=399, Some(location)) => {
            let location = cut(location);
            let secure = if location.starts_with("https://") {
                ", or tell the app that the client came over TLS: `headers: { X-Forwarded-Proto: https }`"
            } else {
                ""
            };
            (
                format!("answered {actual} to {location}"),
                Some(format!(
                    "redirects are not followed: expect it with `expect: {{ status: {actual} }}`, ask for where it leads{secure}"
                )),
            )
        }
        (400 | 403 | 421, _) => (
            words,
            Some(format!(
                "the app may refuse the Host {host:?}: set one that it serves with `headers: {{ Host: … }}`"
            )),
        ),
        (401, _) => {
            (words, Some("it wants to know who asks: set `headers: { Authorization: … }`".to_owned()))
        }
        (500.., _) => (words, Some("the app's log may say why".to_owned())),
        _ => (words, None),
    }
}

/// Says where the app listens, when it is not where it was asked; `None` when it does listen there.
pub(super) fn listening(sockets: &[Socket], at: SocketAddr) -> Option<(String, String)> {
    if listens(sockets, at) {
        return None;
    }
    let port = at.port();
    // Docker's own name server listens on 127.0.0.11 inside every container.
    let all = || {
        sockets.iter().filter(|socket| {
            socket.state == SocketState::Listening && socket.local.ip().to_string() != "127.0.0.11"
        })
    };
    if let Some(socket) = all().find(|socket| socket.local.port() == port) {
        let here = socket.local.ip();
        return Some((
            format!("the container listens on port {port} only at {here}"),
            "let the app listen on 0.0.0.0 (or [::]), not on localhost: other containers reach it over the network".to_owned(),
        ));
    }
    let open: BTreeSet<u16> =
        all().filter(|socket| !socket.local.ip().is_loopback()).map(|socket| socket.local.port()).collect();
    let local: BTreeSet<u16> =
        all().filter(|socket| socket.local.ip().is_loopback()).map(|socket| socket.local.port()).collect();
    let ports = |ports: &BTreeSet<u16>| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let nothing = format!("nothing listens on port {port}");
    Some(match (open.is_empty(), local.is_empty()) {
        (false, _) => (
            format!("{nothing}; the container listens on {}", ports(&open)),
            format!(
                "set `port: {}`, or let the app listen on {port}",
                open.iter().next().copied().unwrap_or(port)
            ),
        ),
        (true, false) => (
            format!("{nothing}; the container listens on {} only at localhost", ports(&local)),
            format!("let the app listen on 0.0.0.0:{port}"),
        ),
        (true, true) => (
            format!("{nothing}; the container listens on no port at all"),
            "the app has not come up, or has crashed inside: look at its log".to_owned(),
        ),
    })
}

/// The beginning of a body, on one line; `None` when there is nothing to show.
pub(super) fn excerpt(body: &str) -> Option<String> {
    let text = cut(body);
    (!text.is_empty()).then_some(text)
}

fn cut(text: &str) -> String {
    let text = text.trim();
    // Terminal sequences and line breaks of a foreign text stay out of bgd's own output.
    let mut cut: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        cut.push('…');
    }
    cut
}
