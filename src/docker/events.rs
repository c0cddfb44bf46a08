//! The events of containers, as one stream that outlives its connections.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use super::inspect::health_status;
use super::json::text;
use super::wire::{TIMEOUT, Wire, encode, refusal};
use super::{ContainerEvent, EventKind, fail};
use crate::error::{Error, Kind, Result};

/// How long a lost engine may take to come back: a restart of the daemon takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Engines stamp an event before they publish it, so two can arrive in the wrong order.
const DISORDER: i128 = 1_000_000_000;
/// An engine repeats at most 256 events of its past (moby, daemon/events).
const REMEMBERED: usize = 512;

/// Subscribes, and returns when the engine has taken note.
///
/// The engine sends the head of its answer a moment before it subscribes. So the subscription asks for the events since
/// it was begun too, by the engine's own clock.
pub(super) async fn subscribe(
    wire: Wire,
    labels: &[String],
) -> Result<LocalBoxStream<'static, Result<ContainerEvent>>> {
    let filters = serde_json::json!({
        "type": ["container"],
        "event": ["start", "die", "oom", "health_status", "destroy"],
        "label": labels,
    });
    // Engines give one answer to all who ask while it is being made (moby, `collectSystemInfo`), so the first may be of a
    // time before this call. The second one was begun after the first had ended.
    time(&wire).await?;
    let now = time(&wire).await?;
    let mut follower = Follower {
        wire,
        filters: encode(&filters.to_string()),
        begun: now.as_nanosecond(),
        newest: now.as_nanosecond(),
        seen: VecDeque::new(),
        connection: None,
    };
    follower.connection = Some(follower.connect().await.map_err(Lost::into_error)?);
    Ok(stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            Ok(event) => Some((Ok(event), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed_local())
}

/// The time by the engine's clock.
async fn time(wire: &Wire) -> Result<Timestamp> {
    let info = wire.get("/info", &tried).await?.unwrap_or_default();
    text(&info, "SystemTime").parse().map_err(|error| Error::new(Kind::Docker, tried()).caused_by(error))
}

fn tried() -> String {
    "cannot follow the engine's events".to_owned()
}

struct Follower {
    wire: Wire,
    filters: String,
    /// The time of the subscription, in nanoseconds. Older events are not told.
    begun: i128,
    /// The time of the newest event.
    newest: i128,
    /// Events that were told already: the newest last.
    seen: VecDeque<Message>,
    connection: Option<Lines>,
}

/// Why a connection could not be made.
enum Lost {
    /// It may work in a moment.
    Unreachable(Error),
    /// The engine does not want it.
    Refused(Error),
}

impl Lost {
    fn into_error(self) -> Error {
        match self {
            Self::Unreachable(error) | Self::Refused(error) => error,
        }
    }
}

impl Follower {
    async fn connect(&self) -> std::result::Result<Lines, Lost> {
        // An engine repeats its past from the newest event back to the first that is too old, whatever stands before
        // that (moby, daemon/events, `loadBufferedEvents`). So it is asked for more than is wanted; what was seen
        // already, or is older than the subscription, is dropped by `take`.
        let since = self.begun.max(self.newest) - DISORDER;
        let (seconds, nanos) = (since.div_euclid(1_000_000_000), since.rem_euclid(1_000_000_000));
        let path = format!("/events?since={seconds}.{nanos:09}&filters={}", self.filters);
        let opened = tokio::time::timeout(TIMEOUT, self.wire.open(&path))
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
        let response = opened.map_err(|error| {
            Lost::Unreachable(fail::unreachable(self.wire.address(), &error).context(tried()))
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(Lines { body: response.into_body(), buffer: Vec::new() });
        }
        let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let error = Error::new(Kind::Docker, tried()).caused_by(refusal(status, &body));
        // An engine that is stopping answers with an error of its own.
        Err(if status.is_server_error() { Lost::Unreachable(error) } else { Lost::Refused(error) })
    }

    async fn reconnect(&self) -> Result<Lines> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            match self.connect().await {
                Ok(connection) => return Ok(connection),
                Err(Lost::Unreachable(_)) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                Err(lost) => return Err(lost.into_error()),
            }
        }
    }

    async fn next(&mut self) -> Result<ContainerEvent> {
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.reconnect().await?,
            };
            // A connection that ends, breaks or stops in the middle of a line is taken up again.
            let Some(line) = connection.next().await else {
                // An engine that takes connections and drops them must not be asked without pause.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let Ok(message) = serde_json::from_slice::<Message>(&line) else { continue };
            self.connection = Some(connection);
            if let Some(event) = self.take(message) {
                return Ok(event);
            }
        }
    }

    fn take(&mut self, message: Message) -> Option<ContainerEvent> {
        if i128::from(message.nanos) < self.begun || self.seen.contains(&message) {
            return None;
        }
        let event = message.event();
        self.newest = self.newest.max(i128::from(message.nanos));
        self.seen.push_back(message);
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        event
    }
}

/// An event as the engine writes it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Message {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    #[serde(rename = "timeNano")]
    nanos: i64,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes", default)]
    attributes: HashMap<String, String>,
}

impl Message {
    fn event(&self) -> Option<ContainerEvent> {
        let attribute = |key| self.actor.attributes.get(key).map(String::as_str).unwrap_or_default();
        let (action, detail) = self.action.split_once(": ").unwrap_or((&self.action, ""));
        let kind = match action {
            "start" => EventKind::Start,
            "die" => EventKind::Die(attribute("exitCode").parse().unwrap_or(-1)),
            "oom" => EventKind::Oom,
            "destroy" => EventKind::Destroy,
            "health_status" => EventKind::Health(health_status(detail)?),
            _ => return None,
        };
        Some(ContainerEvent { id: self.actor.id.clone(), name: attribute("name").to_owned(), kind })
    }
}

/// The lines of an answer that does not end.
struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Lines {
    /// The next line; `None` when the connection is over.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                return Some(self.buffer.drain(..=end).collect());
            }
            let frame = self.body.frame().await?.ok()?;
            self.buffer.extend_from_slice(&frame.into_data().ok()?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_with_their_details() {
        let event = |action: &str| {
            let line = serde_json::json!({
                "Action": action, "timeNano": 1, "Actor": {"ID": "a", "Attributes": {"name": "n", "exitCode": "137"}}
            });
            serde_json::from_value::<Message>(line).unwrap().event().map(|event| event.kind)
        };
        assert_eq!(event("die"), Some(EventKind::Die(137)));
        assert_eq!(
            event("health_status: unhealthy"),
            Some(EventKind::Health(super::super::HealthStatus::Unhealthy))
        );
        assert_eq!(event("exec_die"), None);
    }
}
