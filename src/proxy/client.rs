use serde::{Deserialize, Serialize};

use crate::probe::{Answer, Failure, FailureKind, Request};

/// A request that goes the way of a client's: to a public listener, with a host of the route's, and without a header by
/// which the proxy could tell that it is bgd's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// The request, to be sent from where the proxy stands.
    pub request: Request,
    /// The path that the app sees of it.
    pub path: String,
    /// What a person looks at when the answer is not the app's.
    pub remedy: String,
}

/// What a client got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientGot {
    /// An answer of this status.
    Status(u16),
    /// No whole answer, and why.
    Nothing(String),
    /// It was not asked for, and why.
    NotAsked(String),
}

/// Whether a request came to the containers of a release, by the bytes that these received meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// It did: without it next to nothing comes to them.
    Yes,
    /// So much came to them, then and afterwards, that it may have been among it.
    Maybe,
    /// It did not: fewer bytes came than it has.
    No,
}

/// How good an answer is for a client; the best one comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 1xx and 2xx.
    Success,
    /// 3xx.
    Redirect,
    /// 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// No whole answer.
    Nothing,
}

impl Class {
    /// The class of a status.
    pub fn of(status: u16) -> Self {
        match status {
            ..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

impl ClientGot {
    /// The class of what was got; `None` when nobody asked.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Status(status) => Some(Class::of(*status)),
            Self::Nothing(_) => Some(Class::Nothing),
            Self::NotAsked(_) => None,
        }
    }

    /// Whether a client got something better before. What was not asked cannot be compared.
    pub fn is_worse_than(&self, before: &Self) -> bool {
        self.class().zip(before.class()).is_some_and(|(now, before)| now > before)
    }
}

impl From<Result<Answer, Failure>> for ClientGot {
    fn from(ended: Result<Answer, Failure>) -> Self {
        match ended {
            Ok(answer) => Self::Status(answer.status),
            // The place from which it was to be asked failed, or the request cannot be sent: it says nothing of the proxy.
            Err(failure) if failure.kind == FailureKind::Vantage => Self::NotAsked(failure.message),
            Err(failure) => Self::Nothing(failure.to_string()),
        }
    }
}

impl std::fmt::Display for ClientGot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "answered {status}"),
            Self::Nothing(why) => write!(f, "not answered ({why})"),
            Self::NotAsked(why) => write!(f, "not asked ({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_got_is_compared_by_its_class() {
        let nothing = ClientGot::Nothing("connection refused".into());
        let not_asked = ClientGot::NotAsked("TLS".into());
        let status = ClientGot::Status;
        let better_first = [status(204), status(301), status(404), status(502), nothing];
        for (at, better) in better_first.iter().enumerate() {
            for worse in &better_first[at + 1..] {
                assert!(worse.is_worse_than(better) && !better.is_worse_than(worse), "{better}, {worse}");
            }
            assert!(!not_asked.is_worse_than(better) && !better.is_worse_than(&not_asked));
        }
        assert!(!status(503).is_worse_than(&status(500)));
    }

    #[test]
    fn what_was_kept_is_read_again() {
        for got in [ClientGot::Status(200), ClientGot::Nothing("x".into()), ClientGot::NotAsked("y".into())] {
            let text = serde_json::to_string(&got).unwrap();
            assert_eq!(serde_json::from_str::<ClientGot>(&text).unwrap(), got);
        }
    }
}
