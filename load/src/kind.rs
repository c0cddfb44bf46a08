use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A way to use a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One connection per client and a request every 50 ms: mostly idle connections.
    PacedKeepalive,
    /// One connection per client, the next request right after the answer.
    Keepalive,
    /// A connection per request, one right after the other.
    PerConnection,
    /// `GET /slow?ms=300`, a connection per request: always in flight.
    Slow,
    /// `POST /digest` with 64 KiB every 50 ms over one connection per client; the answer has to be the [`digest`] of these.
    ///
    /// An echo would not do: proxies written in Go cut off long answers that come right behind the end of a body, switch or
    /// no switch (traefik#11767).
    ///
    /// [`digest`]: crate::digest()
    Post,
    /// A WebSocket that stays open, with an echo every 200 ms.
    Websocket,
    /// `POST /digest` with 4 KiB that come over 12 s, a connection per request.
    SlowUpload,
    /// `GET /stream?ms=8000`, a connection per request: headers and first bytes, 8 s of silence, the rest.
    SilentStream,
    /// A WebSocket that stays open, with an echo every 8 s and silence between them.
    SilentWebsocket,
}

impl Kind {
    /// Every kind, in the order in which reports list them.
    pub const ALL: [Self; 9] = [
        Self::PacedKeepalive,
        Self::Keepalive,
        Self::PerConnection,
        Self::Slow,
        Self::Post,
        Self::Websocket,
        Self::SlowUpload,
        Self::SilentStream,
        Self::SilentWebsocket,
    ];

    /// The name by which the command line and reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PacedKeepalive => "paced-keepalive",
            Self::Keepalive => "keepalive",
            Self::PerConnection => "per-connection",
            Self::Slow => "slow",
            Self::Post => "post",
            Self::Websocket => "websocket",
            Self::SlowUpload => "slow-upload",
            Self::SilentStream => "silent-stream",
            Self::SilentWebsocket => "silent-websocket",
        }
    }

    /// The time from one request to the next, where it does not simply follow the answer.
    pub(crate) fn pace(self) -> Option<Duration> {
        match self {
            Self::PacedKeepalive | Self::Post => Some(Duration::from_millis(50)),
            Self::Websocket => Some(Duration::from_millis(200)),
            Self::SilentWebsocket => Some(Duration::from_secs(8)),
            // The next one begins before the last has ended only with more clients; so they are spread over that time.
            Self::SlowUpload => Some(Duration::from_secs(12)),
            Self::SilentStream => Some(Duration::from_secs(8)),
            Self::Keepalive | Self::PerConnection | Self::Slow => None,
        }
    }

    /// The time over which the body is sent, in equal parts.
    pub(crate) fn upload(self) -> Option<Duration> {
        (self == Self::SlowUpload).then_some(Duration::from_secs(12))
    }

    /// What a request takes by itself, beside the time that it may take.
    pub(crate) fn takes(self) -> Duration {
        match self {
            Self::SlowUpload => Duration::from_secs(12),
            Self::SilentStream => Duration::from_secs(8),
            _ => Duration::ZERO,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no such kind of load: {name}; there are: {names}")
        })
    }
}
