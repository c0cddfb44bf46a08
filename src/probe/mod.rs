//! Looking and writing from where the proxy stands: its network namespace and its file system.

mod asked;
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
use std::time::Duration;

use async_trait::async_trait;

use crate::docker::Process;
use crate::error::Result;

pub use asked::{Asked, cheap_path};
pub use open::{Force, Options, VANTAGE_VARIABLE, open, open_with};
pub use request::{Answer, BODY_LIMIT, Failure, FailureKind, Request};
pub use sockets::listens;

/// The folder for temporary files beside a file whose folder is watched.
pub const ASIDE: &str = ".bgd";

/// A place inside a container's network and file system.
///
/// As root on the container's own host bgd enters its namespaces; elsewhere a helper container, made from bgd's own
/// static binary, does the same work. Both give the same answers.
#[async_trait(?Send)]
pub trait Vantage {
    /// Whether it still can be used, as far as is known. One whose helper has ended cannot.
    fn stands(&self) -> bool {
        true
    }

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

    /// The same, but the temporary name lies in [`ASIDE`], a folder beside the file that is made when it is missing.
    ///
    /// A proxy that watches the folder sees one event and not three: Traefik takes the first of a burst at once and
    /// would look at the next one, the rename, only after its throttle.
    async fn write_aside(&self, path: &str, content: &[u8]) -> Result<()> {
        self.write(path, content).await
    }

    /// Makes the folder [`ASIDE`] in this one, ahead of the first [`Vantage::write_aside`]; one that is there is fine.
    async fn make_aside(&self, _folder: &str) -> Result<()> {
        Ok(())
    }

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

    /// Lists the processes of the container, by its id. `None` when this place cannot: the caller then asks the engine,
    /// which gives the same and takes some milliseconds for it.
    async fn processes(&self, _container: &str) -> Option<Vec<Process>> {
        None
    }

    /// All TCP sockets of the network namespace.
    async fn sockets(&self) -> Result<Vec<Socket>>;

    /// The open TCP connections of the network namespace, as seen from its side, and when something moved on them where
    /// the kernel tells.
    async fn connections(&self) -> Result<Vec<Connection>> {
        Ok(sockets::open(&self.sockets().await?))
    }
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

/// An open TCP connection. IPv4 addresses mapped into IPv6 are unmapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Connection {
    /// This side.
    pub local: SocketAddr,
    /// The other side.
    pub remote: SocketAddr,
    /// When something moved on it, where that is known.
    pub moved: Option<Moved>,
}

/// How long ago something moved on a connection, to the tick of the kernel's clock: 1 to 10 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moved {
    /// Since this side sent data.
    pub sent: Duration,
    /// Since this side received data.
    pub received: Duration,
    /// Since the other side acknowledged something.
    pub acknowledged: Duration,
    /// Whether this side ever sent anything.
    pub was_asked: bool,
    /// Whether this side ever received anything.
    pub was_answered: bool,
}

/// What a proxy's connection to an app carries, as far as what moved on it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Nothing was ever asked on it.
    Nothing,
    /// The proxy has asked for something, and nothing has come back since.
    Request,
    /// Something came back last, this long ago. The request may have ended with that, or its answer pauses: a stream of
    /// events, a long poll, a WebSocket.
    Unclear(Duration),
    /// The kernel does not tell what moved.
    Unknown,
}

impl Connection {
    /// Tells what the connection carries.
    pub fn carries(&self) -> Carries {
        let Some(moved) = self.moved else { return Carries::Unknown };
        let Moved { sent, received, acknowledged, was_asked, was_answered } = moved;
        // A connection that was opened ahead of need begins with all times alike.
        if !was_asked {
            return Carries::Nothing;
        }
        // When both moved within one tick, an acknowledgement that came later shows that the app was given another request
        // meanwhile.
        if !was_answered || sent < received || (sent == received && acknowledged < received) {
            return Carries::Request;
        }
        Carries::Unclear(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_last_tells_whether_a_request_is_under_way() {
        let carries = |sent, received, acknowledged| {
            let millis = Duration::from_millis;
            let moved = Moved {
                sent: millis(sent),
                received: millis(received),
                acknowledged: millis(acknowledged),
                was_asked: true,
                was_answered: true,
            };
            let any = SocketAddr::from(([127, 0, 0, 1], 1));
            Connection { local: any, remote: any, moved: Some(moved) }.carries()
        };
        let unclear = |millis| Carries::Unclear(Duration::from_millis(millis));
        assert_eq!(carries(5_000, 9_000, 5_000), Carries::Request, "asked, and silent for five seconds");
        assert_eq!(carries(300, 100, 100), unclear(100), "answered just now");
        assert_eq!(carries(9_900, 9_600, 9_600), unclear(9_600), "answered in part, or whole, long ago");
        assert_eq!(carries(900, 900, 860), Carries::Request, "asked again in the same tick");
        assert_eq!(carries(900, 900, 900), unclear(900));
    }
}
