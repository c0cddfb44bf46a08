use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much of a body is kept, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// An HTTP/1.1 request to an address, with a Host header of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where to connect.
    pub to: SocketAddr,
    /// Whether it goes over TLS. Any certificate will do.
    pub tls: bool,
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The Host header.
    pub host: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body; sent with a Content-Length.
    pub body: Option<String>,
    /// How long everything may take, from connecting to the last byte.
    pub limit: Duration,
}

impl Request {
    /// A GET with a limit.
    pub fn get(to: SocketAddr, host: impl Into<String>, path: impl Into<String>, limit: Duration) -> Self {
        Self {
            to,
            tls: false,
            method: "GET".to_owned(),
            path: path.into(),
            host: host.into(),
            headers: Vec::new(),
            body: None,
            limit,
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, cut off after 64 KiB; what is not UTF-8 is replaced.
    pub body: String,
    /// From connecting to the last byte.
    pub took: Duration,
}

impl Answer {
    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A request that got no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// The class of the failure.
    pub kind: FailureKind,
    /// The system's own words.
    pub message: String,
}

/// Why a request got no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// Nobody listens there.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// Connecting took too long.
    ConnectTimeout,
    /// It connected, and the answer took too long.
    AnswerTimeout,
    /// The connection was closed or reset before the answer was whole.
    Closed,
    /// What came back is not HTTP.
    NotHttp,
    /// The vantage point itself failed: the namespace is gone, or the helper died.
    Vantage,
}

impl FailureKind {
    /// Whether there was a connection, so that it was the other side that failed.
    pub fn has_connected(self) -> bool {
        matches!(self, Self::AnswerTimeout | Self::Closed | Self::NotHttp)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Unreachable => "no route",
            Self::ConnectTimeout => "timed out while connecting",
            Self::AnswerTimeout => "timed out while waiting for the answer",
            Self::Closed => "closed before the answer was whole",
            Self::NotHttp => "the answer is not HTTP",
            Self::Vantage => "could not be asked",
        })
    }
}
