use std::fmt;
use std::io;

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Nobody listened.
    Refused,
    /// No connection for another reason, such as no route or no free port on the client's side.
    Unconnected,
    /// The server had closed an idle connection, unannounced, before the request was written to it.
    ClosedIdle,
    /// The connection ended in order after the request was written, before the first byte of an answer.
    Closed,
    /// The connection was reset.
    Reset,
    /// The connection ended within an answer.
    Truncated,
    /// No whole answer within the time limit.
    TimedOut,
    /// A whole answer, and not a 2xx.
    Status(u16),
    /// What came is not HTTP.
    Malformed,
    /// What came back does not tell of what was sent.
    Mismatch,
    /// A WebSocket ended without a close frame.
    CutWebsocket,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Refused => "refused",
            Self::Unconnected => "unconnected",
            Self::ClosedIdle => "closed-idle",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Truncated => "truncated",
            Self::TimedOut => "timed-out",
            Self::Status(status) => return f.pad(&format!("status-{status}")),
            Self::Malformed => "malformed",
            Self::Mismatch => "mismatch",
            Self::CutWebsocket => "cut-websocket",
        };
        f.pad(name)
    }
}

/// One failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub kind: FailureKind,
    pub message: String,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A connection that could not be opened.
    pub fn to_connect(why: &io::Error) -> Self {
        let kind = match why.kind() {
            io::ErrorKind::ConnectionRefused => FailureKind::Refused,
            io::ErrorKind::ConnectionReset => FailureKind::Reset,
            io::ErrorKind::TimedOut => FailureKind::TimedOut,
            _ => FailureKind::Unconnected,
        };
        Self::new(kind, format!("connecting: {why}"))
    }
}
