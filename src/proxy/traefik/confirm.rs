use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::model::{Health, ReleaseNumber, Slot};
use crate::probe::{Answer, Failure, Request, Vantage};
use crate::proxy::Live;

use super::api::Api;
use super::door::Door;
use super::driver::TraefikDriver;
use super::means::Scene;
use super::text::Published;

/// How long Traefik may take beyond its throttle: with many containers on a busy host more than ten seconds were seen.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long Traefik may fail to reach a release that it routes to: Docker's DNS may be busy.
const UNREACHED: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);
/// Fresh connections that have to agree.
const BURST: usize = 3;

/// What has to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The configuration is in force and the release answers through it.
    Answered,
    /// The configuration is in force, whatever the release does.
    InForce,
}

/// What one look has shown.
enum Seen {
    Proved,
    NotYet(String),
    /// Traefik has the configuration and does not reach the release.
    Unreached(String),
}

impl TraefikDriver {
    /// Waits until Traefik has taken what is published, everywhere.
    pub(super) async fn confirm(
        &self,
        scene: &Scene<'_>,
        expected: Option<&Published>,
        proof: Proof,
    ) -> Result<()> {
        if scene.door.is_err() && scene.settings.api.is_none() {
            return Err(self.blind(scene));
        }
        let deadline = DEADLINE + scene.settings.throttle;
        let start = Instant::now();
        let mut unreached: Option<Instant> = None;
        loop {
            let seen = match self.look(scene, expected, proof).await {
                Seen::Proved => return Ok(()),
                Seen::NotYet(seen) => {
                    unreached = None;
                    seen
                }
                Seen::Unreached(seen) => {
                    if unreached.get_or_insert_with(Instant::now).elapsed() >= UNREACHED {
                        return Err(self.refused(scene, expected, &seen).await);
                    }
                    seen
                }
            };
            if start.elapsed() >= deadline {
                return Err(self.refused(scene, expected, &seen).await);
            }
            sleep(PAUSE).await;
        }
    }

    async fn look(&self, scene: &Scene<'_>, expected: Option<&Published>, proof: Proof) -> Seen {
        if let Ok(door) = scene.door {
            let request = self.marker_request(door, expected);
            // One at first: mostly it is not yet so, and each request goes to the app.
            'asked: for burst in [1, BURST - 1] {
                let asked = (0..burst).map(|_| scene.seat.vantage.request(&request));
                for answer in join_all(asked).await {
                    if is_in_the_way(door, &answer) && api(scene).is_some() {
                        // The API has to do.
                        break 'asked;
                    }
                    match judge(&answer, expected, proof) {
                        Seen::Proved => {}
                        other => return other,
                    }
                }
            }
        }
        if let Some(api) = api(scene)
            && let Some(what) = api.differs(self.means.as_ref(), &self.app.name, expected).await
        {
            return Seen::NotYet(what);
        }
        Seen::Proved
    }

    /// The request that the marker's router takes. A path that is cheap for the app, where the rule allows it.
    pub(super) fn marker_request(&self, door: &Door, published: Option<&Published>) -> Request {
        let path = match &self.app.health {
            Health::Http { path, .. } if door.meets.allows(path) => path,
            _ => door.meets.path(),
        };
        let asked = published.map_or_else(|| self.means.marker(&self.app.name), |known| known.asked.clone());
        door.request(&self.app.name, path, None, &asked, LIMIT)
    }

    /// A request to the marker's router.
    pub(super) fn request_at(&self, door: &Door, path: &str, host: Option<&str>, limit: Duration) -> Request {
        door.request(&self.app.name, path, host, &self.means.marker(&self.app.name), limit)
    }

    /// Nothing could tell what Traefik does.
    pub(super) fn blind(&self, scene: &Scene<'_>) -> Error {
        let why = scene.door.err().unwrap_or_default();
        let message = format!("bgd cannot ask Traefik in {} what it routes to: {why}", self.proxy.container);
        let error = Error::new(Kind::Proxy, message);
        super::preflight::WAYS_TO_ASK.iter().fold(error, |error, way| error.hint(*way))
    }

    async fn refused(&self, scene: &Scene<'_>, expected: Option<&Published>, seen: &str) -> Error {
        let wanted = match expected.and_then(|expected| expected.live.release) {
            Some(release) => format!("route to release {release}"),
            None => "drop the route".to_owned(),
        };
        let message = format!("Traefik in {} does not {wanted}: {seen}", scene.seat.container.name);
        let log = self.complaints(scene).await;
        Error::new(Kind::Proxy, message).detail("Traefik's log says", log)
    }

    /// The last errors in Traefik's log: a file that it does not take is told nowhere else.
    pub(super) async fn complaints(&self, scene: &Scene<'_>) -> String {
        let tail = self.engine.log_tail(&scene.seat.container.id, 200).await.unwrap_or_default();
        let tail = without_colours(&tail);
        let is_complaint = |line: &&str| {
            ["ERR", "level=error", "\"level\":\"error\"", "FTL"].iter().any(|e| line.contains(e))
        };
        let mut lines: Vec<&str> = tail.lines().rev().filter(is_complaint).take(5).collect();
        lines.dedup();
        lines.reverse();
        lines.join("\n")
    }
}

/// Traefik's API, when it answers.
pub fn api<'a>(scene: &Scene<'a>) -> Option<Api<'a>> {
    let (at, base) = scene.settings.api.as_ref()?;
    Some(Api { vantage: &*scene.seat.vantage, at: *at, base })
}

/// What an answer says is live; `None` when it is not the marker's.
pub fn told(answer: &Answer) -> Option<Live> {
    let slot = Slot::parse(answer.header("x-bgd-slot")?)?;
    let release = answer.header("x-bgd-release").and_then(|number| number.parse().ok()).map(ReleaseNumber);
    Some(Live { slot, release })
}

/// Asks the marker what is live, and by which text.
pub async fn ask(vantage: &dyn Vantage, request: &Request) -> Result<Option<(Live, String)>, Failure> {
    let answer = vantage.request(request).await?;
    let generation = answer.header("x-bgd-generation").unwrap_or_default().to_owned();
    Ok(told(&answer).map(|live| (live, generation)))
}

fn judge(answer: &Result<Answer, Failure>, expected: Option<&Published>, proof: Proof) -> Seen {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return Seen::NotYet(failure.to_string()),
    };
    let generation = answer.header("x-bgd-generation");
    if generation != expected.map(|expected| expected.generation.as_str()) {
        return Seen::NotYet(match (told(answer).and_then(|live| live.release), generation) {
            (Some(release), _) => format!("the entry point still answers for release {release}"),
            (None, _) => format!("the entry point answers {} and knows no route of bgd's", answer.status),
        });
    }
    if proof == Proof::Answered && expected.is_some() && is_from_traefik(answer) {
        return Seen::Unreached(format!(
            "it answers {} because it does not reach the release",
            answer.status
        ));
    }
    Seen::Proved
}

/// Whether a middleware of the entry point's own may have answered in the place of the marker.
fn is_in_the_way(door: &Door, answer: &Result<Answer, Failure>) -> bool {
    let has_marker = |answer: &Answer| answer.header("x-bgd-generation").is_some();
    // What has no route is answered by Traefik itself, before any middleware.
    let may_be = |answer: &Answer| answer.status != 404 && !has_marker(answer);
    !door.middlewares.is_empty() && answer.as_ref().is_ok_and(may_be)
}

/// Whether Traefik gave the answer because it got none: its texts are those of Go's `http.StatusText`.
fn is_from_traefik(answer: &Answer) -> bool {
    matches!(
        (answer.status, answer.body.trim()),
        (502, "Bad Gateway") | (504, "Gateway Timeout") | (503, "no available server")
    )
}

/// A log without the escape sequences by which terminals colour it.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &after[end + 1..]);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Ok(Answer { status, headers, body: body.to_owned(), took: Duration::ZERO })
    }

    #[test]
    fn only_the_expected_generation_proves_something() {
        let expected = Published {
            live: Live { slot: Slot::Green, release: Some(ReleaseNumber(2)) },
            router: "bgd-api".into(),
            marker: "bgd-api_marker".into(),
            service: "bgd-api-r2".into(),
            url: "http://api-r2:3000".into(),
            generation: "ab".into(),
            asked: "api".into(),
        };
        let new = [("x-bgd-generation", "ab"), ("x-bgd-release", "2"), ("x-bgd-slot", "green")];
        let old = [("x-bgd-generation", "aa"), ("x-bgd-release", "1"), ("x-bgd-slot", "blue")];
        let judged = |answer, proof| judge(&answer, Some(&expected), proof);
        assert!(matches!(judged(answer(401, "", &new), Proof::Answered), Seen::Proved));
        assert!(
            matches!(judged(answer(200, "", &old), Proof::Answered), Seen::NotYet(s) if s.contains("release 1"))
        );
        assert!(matches!(judged(answer(404, "", &[]), Proof::Answered), Seen::NotYet(_)));
        assert!(matches!(judged(answer(502, "Bad Gateway", &new), Proof::Answered), Seen::Unreached(_)));
        assert!(matches!(judged(answer(502, "Bad Gateway", &new), Proof::InForce), Seen::Proved));
        assert!(matches!(judged(answer(502, "of the app's own", &new), Proof::Answered), Seen::Proved));
        assert!(matches!(judge(&answer(404, "", &[]), None, Proof::InForce), Seen::Proved));
        assert!(matches!(judge(&answer(200, "", &new), None, Proof::InForce), Seen::NotYet(_)));
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("\u{1b}[90mat\u{1b}[0m \u{1b}[31mERR\u{1b}[0m x"), "at ERR x");
        assert_eq!(without_colours("\u{1b}["), "");
    }
}
