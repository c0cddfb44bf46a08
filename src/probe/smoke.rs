//! The smoke test: a request to green before it gets any traffic, and what a failure most likely means.

mod diagnose;

use std::net::SocketAddr;
use std::time::Duration;

use super::expect::{self, Mismatch};
use super::{Answer, Failure, FailureKind, Request, Socket, Vantage};
use crate::error::{Error, Kind};
use crate::model::{AppName, Secret, SmokeTest, shown_path};
use crate::proxy::Manner;

/// The pause before a failed test is asked again.
pub const PAUSE: Duration = Duration::from_millis(250);

/// A smoke test that failed, the last attempt of it, with its diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeFailure {
    /// What happened, one line: `GET /health on 172.18.0.3:3000: connection refused`.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// The beginning of the answer's body; header values of the test are blotted out.
    pub excerpt: Option<String>,
    cause: Cause,
    test: String,
    at: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    NoAnswer(FailureKind),
    Unexpected,
}

/// Asks a smoke test of the container at an address, from a vantage point, until it passes or its retries are used up.
///
/// What the test does not say, such as the Host header, is as the proxy would send it.
///
/// # Errors
/// The last attempt's failure. When [`SmokeFailure::wants_sockets`] says so, the sockets of green's own namespace make
/// it clearer: [`SmokeFailure::explain`].
pub async fn run(
    test: &SmokeTest,
    at: SocketAddr,
    (manner, app): (&Manner, &AppName),
    via: &dyn Vantage,
) -> Result<Answer, SmokeFailure> {
    let mut request = request(test, at, manner.host_or(app));
    manner.apply(&mut request);
    let mut left = test.retries;
    loop {
        let failure = match via.request(&request).await {
            Ok(answer) => match expect::check(&test.expect, &answer) {
                Ok(()) => return Ok(answer),
                Err(mismatch) => SmokeFailure::unexpected(test, &request, &answer, &mismatch),
            },
            Err(failure) => SmokeFailure::no_answer(test, &request, &failure),
        };
        if left == 0 {
            return Err(failure);
        }
        left -= 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// The request of a test.
fn request(test: &SmokeTest, at: SocketAddr, default_host: &str) -> Request {
    let (hosts, headers): (Vec<_>, Vec<_>) =
        test.headers.iter().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
    let within = test.expect.within;
    Request {
        tls: false,
        to: at,
        method: test.method.as_str().to_owned(),
        path: test.path.clone(),
        host: hosts.first().map_or(default_host, |(_, host)| host.expose()).to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
        body: test.body.clone(),
        // A little longer than allowed: "answered after 620 ms" says more than "did not answer".
        limit: within + within.clamp(Duration::from_secs(1), Duration::from_secs(5)),
    }
}

impl SmokeFailure {
    fn no_answer(test: &SmokeTest, request: &Request, failure: &Failure) -> Self {
        let name = name(test, request);
        let (words, hint) = diagnose::no_answer(failure, request.limit);
        Self {
            message: format!("{name}: {words}"),
            hint,
            excerpt: None,
            cause: Cause::NoAnswer(failure.kind),
            test: name,
            at: request.to,
        }
    }

    fn unexpected(test: &SmokeTest, request: &Request, answer: &Answer, mismatch: &Mismatch) -> Self {
        let name = name(test, request);
        let (words, hint) = diagnose::unexpected(answer, mismatch, &request.host);
        let secrets: Vec<&str> = test
            .headers
            .iter()
            .filter(|(header, _)| !header.eq_ignore_ascii_case("host"))
            .map(|(_, value)| Secret::expose(value))
            .chain(test.body.as_deref())
            .chain(test.path.split_once('?').into_iter().flat_map(|(_, query)| values(query)))
            .collect();
        Self {
            message: blot(&format!("{name}: {words}"), &secrets),
            hint: hint.map(|hint| blot(&hint, &secrets)),
            excerpt: diagnose::excerpt(&blot(&answer.body, &secrets)),
            cause: Cause::Unexpected,
            test: name,
            at: request.to,
        }
    }

    /// Whether the sockets of green's namespace would tell more.
    pub fn wants_sockets(&self) -> bool {
        matches!(
            self.cause,
            Cause::NoAnswer(FailureKind::Refused | FailureKind::ConnectTimeout | FailureKind::NotHttp)
        )
    }

    /// Says on which ports green really listens, when it is not the one that was asked.
    #[must_use]
    pub fn explain(mut self, sockets: &[Socket]) -> Self {
        if self.wants_sockets()
            && let Some((words, hint)) = diagnose::listening(sockets, self.at)
        {
            self.message = format!("{}: {words}", self.test);
            self.hint = Some(hint);
        }
        self
    }
}

impl From<SmokeFailure> for Error {
    fn from(failure: SmokeFailure) -> Self {
        let mut error = Self::new(Kind::Smoke, format!("smoke test failed: {}", failure.message));
        if let Some(hint) = failure.hint {
            error = error.hint(hint);
        }
        error.detail("beginning of the answer", failure.excerpt.unwrap_or_default())
    }
}

fn name(test: &SmokeTest, request: &Request) -> String {
    format!("{} {} on {}", test.method.as_str(), shown_path(&test.path), request.to)
}

/// A query as a whole, and the value of each of its parts.
fn values(query: &str) -> impl Iterator<Item = &str> {
    let parts = query.split('&').map(|part| part.split_once('=').map_or(part, |(_, value)| value));
    std::iter::once(query).chain(parts)
}

/// Blots out what a page of errors may have repeated of the request. Longer values go first, so that one that contains
/// another leaves nothing behind.
fn blot(text: &str, secrets: &[&str]) -> String {
    let mut secrets: Vec<&str> = secrets
        .iter()
        .flat_map(|secret| std::iter::once(*secret).chain(secret.split_ascii_whitespace()))
        // Blotting out every "1" would make the text unreadable and hide nothing.
        .filter(|secret| secret.len() >= 4)
        .collect();
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

#[cfg(test)]
mod tests;
