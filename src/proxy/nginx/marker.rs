use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::time::sleep;

use crate::error::{Error, Kind};
use crate::model::{AppName, ReleaseNumber, Slot};
use crate::probe::{Answer, Failure, FailureKind, Request, Vantage};
use crate::proxy::{Live, Origin};

use super::version::Version;

/// Where the marker servers of all apps listen, inside nginx's own network namespace.
///
/// Below the ports that Linux gives to connections (`net.ipv4.ip_local_port_range`, from 32768): such a connection keeps nginx
/// from listening for as long as it lasts, and for a minute more.
pub const MARKER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 24710);

/// What answers 503 for apps without a live release.
pub const UNREADY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 24712);

/// How long nginx may take to answer a question about itself. On a busy host that can be seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// How often it is asked when the connection is closed, and how long it is let alone before that.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// What an nginx says about an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// What is live; `None` before the first switch.
    pub live: Option<Live>,
    /// Which rendering of the app's file answers.
    pub generation: String,
    /// Whether nginx's workers can look into the folder of the flag files.
    pub sees_flags: bool,
    /// The nginx that answers.
    pub version: Option<Version>,
}

/// The server name of an app's marker. It is short: nginx takes names of up to 46 bytes without a setting.
pub fn name(app: &AppName) -> String {
    format!("{app}.bgd")
}

/// Asks a running nginx about an app; `None` when it does not know the app.
///
/// # Errors
/// nginx did not answer, although somebody listens there.
pub async fn ask(vantage: &dyn Vantage, app: &AppName) -> Result<Option<Marker>, Failure> {
    let request = Request::get(MARKER, name(app), "/.bgd/live", LIMIT);
    let mut left = TRIES;
    loop {
        left -= 1;
        match vantage.request(&request).await {
            Ok(answer) => return Ok(parse(&answer, app)),
            // Without any app of bgd's nobody listens there.
            Err(failure) if failure.kind == FailureKind::Refused => return Ok(None),
            // A worker that ends, after a reload, closes what it has accepted and not read.
            Err(failure) if failure.kind == FailureKind::Closed && left > 0 => sleep(PAUSE).await,
            Err(failure) => return Err(failure),
        }
    }
}

/// Puts a failure to ask nginx about itself into bgd's words.
pub fn unanswered(failure: Failure) -> Error {
    Error::new(Kind::Proxy, "nginx does not answer bgd's questions about itself").caused_by(failure)
}

/// Who gave an answer that the marker server passed on. The header has a time only when an upstream has answered. A template
/// of the user's may leave the header out.
pub fn origin(answer: &Answer, has_own_template: bool) -> Origin {
    match answer.header("x-bgd-time").and_then(|times| times.rsplit(',').next()) {
        Some(last) if last.trim().parse::<f64>().is_ok() => Origin::App,
        None if has_own_template => Origin::Unknown,
        _ => Origin::Proxy,
    }
}

/// Reads an answer. One that speaks of another app comes from that port's default server: nginx does not know this one.
fn parse(answer: &Answer, app: &AppName) -> Option<Marker> {
    if answer.status != 200 {
        return None;
    }
    let mut words = answer.body.split_whitespace();
    if words.next() != Some("bgd") {
        return None;
    }
    let pairs: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    let value = |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    if value("app") != Some(app.as_str()) {
        return None;
    }
    let slot = value("live").and_then(Slot::parse);
    let release = value("release").and_then(|number| number.parse().ok()).map(ReleaseNumber);
    Some(Marker {
        live: slot.map(|slot| Live { slot, release }),
        generation: value("generation")?.to_owned(),
        sees_flags: value("sees") != Some("no"),
        version: value("nginx").and_then(Version::parse),
    })
}

/// Finds the generation in the text of an app's file.
pub fn generation_of(text: &str) -> Option<&str> {
    let start = text.find(" generation=")? + " generation=".len();
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    (end > 0).then_some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: Vec::new(), body: body.to_owned(), took: Duration::ZERO }
    }

    #[test]
    fn an_answer_is_read_when_it_speaks_of_the_app() {
        let app = AppName::parse("api").unwrap();
        let body = "bgd app=api live=green release=17 generation=0a1b nginx=1.30.6\n";
        let marker = parse(&answer(200, body), &app).unwrap();
        assert_eq!(marker.live, Some(Live { slot: Slot::Green, release: Some(ReleaseNumber(17)) }));
        assert_eq!(marker.generation, "0a1b");
        assert_eq!(generation_of(body), Some("0a1b"));
        let flag = parse(&answer(200, "bgd app=api live=blue release=- generation=1"), &app).unwrap();
        assert_eq!(flag.live, Some(Live { slot: Slot::Blue, release: None }));
        let first = parse(&answer(200, "bgd app=api live=none release=- generation=1"), &app).unwrap();
        assert_eq!(first.live, None);
        assert_eq!(parse(&answer(200, "bgd app=web live=blue release=1 generation=1"), &app), None);
        assert_eq!(parse(&answer(200, "<html>"), &app), None);
        assert_eq!(parse(&answer(404, body), &app), None);
    }

    #[test]
    fn what_an_upstream_has_answered_is_told_from_what_nginx_says_itself() {
        let with = |time: Option<&str>| Answer {
            headers: time.map(|time| ("x-bgd-time".to_owned(), time.to_owned())).into_iter().collect(),
            ..answer(200, "")
        };
        assert_eq!(origin(&with(Some("0.003")), false), Origin::App);
        assert_eq!(origin(&with(Some("-, 0.012")), false), Origin::App, "the second one that was tried");
        assert_eq!(origin(&with(Some("-")), false), Origin::Proxy);
        assert_eq!(origin(&with(None), false), Origin::Proxy);
        assert_eq!(origin(&with(None), true), Origin::Unknown);
    }
}
