//! Looking and writing from where the proxy stands: its network namespace and its file system.

pub mod expect;
pub mod helper;
mod inside;
mod offline;
mod open;
mod request;
pub mod smoke;
mod sockets;
mod standing;

use std::net::SocketAddr;

use async_trait::async_trait;

use crate::error::Result;

pub use open::{Force, Options, VANTAGE_VARIABLE, open, open_with};
pub use request::{Answer, BODY_LIMIT, Failure, FailureKind, Request};
pub use sockets::listens;

/// A place inside a container's network and file system.
///
/// As root on the container's own host bgd enters its namespaces; elsewhere a helper container, made from bgd's own
/// static binary, does the same work. Both give the same answers.
#[async_trait(?Send)]
pub trait Vantage {
    /// Sends one request on a connection of its own and reads the whole answer. Redirects are not followed.
    async fn request(&self, request: &Request) -> Result<Answer, Failure>;

    /// Reads a file; `None` when it is not there.
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// Lists the names in a folder, sorted; `None` when it is not there.
    async fn list(&self, folder: &str) -> Result<Option<Vec<String>>>;

    /// Writes a file whole or not at all: a temporary name in the same folder, sync, rename, sync the folder.
    ///
    /// The new file is readable by everyone (nginx's workers have a user of their own). The temporary name begins
    /// with a dot and ends in `.tmp`; one that a crash left behind is replaced by the next write.
    async fn write(&self, path: &str, content: &[u8]) -> Result<()>;

    /// Removes a file and syncs the folder; one that is gone already is fine.
    async fn delete(&self, path: &str) -> Result<()>;

    /// Sends SIGHUP to the container's main process, when its title begins so. `false` when this place cannot: the
    /// caller then goes through the engine.
    ///
    /// Never through the engine's own `kill`: whatever the signal, it counts as stopped by hand from then on, and the
    /// engine does not bring it back after a restart of its own (moby, `daemon/kill.go`).
    async fn hang_up(&self, _title: &str) -> Result<bool> {
        Ok(false)
    }

    /// All TCP sockets of the network namespace.
    async fn sockets(&self) -> Result<Vec<Socket>>;
}

/// A TCP socket, as `/proc/net/tcp` and `tcp6` tell; IPv4 addresses mapped into IPv6 are unmapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Socket {
    /// This side.
    pub local: SocketAddr,
    /// The other side; all zeros when it listens.
    pub remote: SocketAddr,
    /// How it is.
    pub state: SocketState,
}

/// The states of a socket that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum SocketState {
    /// Both sides may send.
    Established,
    /// Waits for connections.
    Listening,
    /// Any state of opening or closing.
    Other,
}
