use crate::client::{Shared, TIME_LIMIT};
use crate::kind::Kind;
use crate::running::Running;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A load to be put on a server.
#[derive(Debug, Clone)]
pub struct Load {
    pub(crate) target: SocketAddr,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) clients: BTreeMap<Kind, usize>,
    pub(crate) netns: Option<PathBuf>,
    pub(crate) attentive: bool,
    pub(crate) time_limit: Duration,
    pub(crate) pace: Option<Duration>,
}

impl Load {
    /// Aims at an address, with a Host header of its own.
    pub fn new(target: SocketAddr, host: impl Into<String>) -> Self {
        Self {
            target,
            host: host.into(),
            path: "/version".to_string(),
            clients: BTreeMap::new(),
            netns: None,
            attentive: false,
            time_limit: TIME_LIMIT,
            pace: None,
        }
    }

    /// Adds clients of one kind.
    #[must_use]
    pub fn with(mut self, kind: Kind, clients: usize) -> Self {
        *self.clients.entry(kind).or_default() += clients;
        self
    }

    /// Changes what the keep-alive kinds and `per-connection` get, which is `/version`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Opens the connections inside a network namespace, such as `/proc/PID/ns/net`. Needs root.
    #[must_use]
    pub fn netns(mut self, path: impl Into<PathBuf>) -> Self {
        self.netns = Some(path.into());
        self
    }

    /// Makes clients look whether an idle connection has ended before they write to it.
    #[must_use]
    pub fn attentive(mut self) -> Self {
        self.attentive = true;
        self
    }

    /// Changes the time that a request may take, which is [`TIME_LIMIT`].
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Begins requests of the kinds that otherwise follow the answer at once no more often than this, per client: for a load
    /// that leaves the machine to others.
    #[must_use]
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Starts the clients, on a thread and a runtime of their own.
    ///
    /// Errors: the namespace cannot be entered, or the system gives no thread.
    pub fn start(self) -> io::Result<Running> {
        Running::start(Shared::new(self))
    }
}
