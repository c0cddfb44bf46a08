//! The work itself, done inside a container's namespaces. bgd does it as root on the container's host, its helper does
//! it elsewhere: both call [`perform`].

mod beneath;
mod diag;
mod dial;
mod files;
mod http;
mod place;
mod processes;
mod tls;
mod walk;

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::sync::Arc;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::docker::Process;

use super::{Answer, Connection, Failure, Request, Socket, sockets};

pub use place::{Net, Place};

/// What is asked. It travels to the helper as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Send a request.
    Request(Request),
    /// Read a file.
    Read(String),
    /// List a folder.
    List(String),
    /// Write a file whole or not at all.
    Write {
        /// Its path.
        path: String,
        /// Its new content.
        content: Vec<u8>,
        /// Whether the temporary name lies in a folder of its own.
        aside: bool,
    },
    /// Make the folder for temporary names in this folder.
    MakeAside(String),
    /// Remove a file.
    Delete(String),
    /// List the TCP sockets.
    Sockets,
    /// List the open TCP connections.
    Connections,
    /// Send SIGHUP to the process, when its title begins so.
    HangUp(String),
    /// List the processes of this container, by its id. Only the host itself can.
    Processes(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Got {
    /// A whole answer.
    Answer(Answer),
    /// No whole answer.
    NoAnswer(Failure),
    /// A file's content, if there is such a file.
    File(Option<Vec<u8>>),
    /// A folder's names, if there is such a folder.
    Names(Option<Vec<String>>),
    /// It is written, or removed.
    Done,
    /// The sockets.
    Sockets(Vec<Socket>),
    /// The open connections.
    Connections(Vec<Connection>),
    /// The processes.
    Processes(Vec<Process>),
    /// It could not be done.
    Trouble(Trouble),
}

/// Why files or sockets could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The class.
    pub kind: TroubleKind,
    /// The system's own words.
    pub message: String,
}

/// The classes of [`Trouble`], as far as a remedy depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TroubleKind {
    /// The container's process has ended.
    Gone,
    /// The folder is not there.
    NoFolder,
    /// The mount is read-only.
    ReadOnly,
    /// Something is mounted on the very file.
    Mounted,
    /// It is a folder, a device or a pipe.
    NotAFile,
    /// Not permitted.
    Denied,
    /// The disk or the quota is full.
    Full,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Makes one.
    pub fn new(kind: TroubleKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        let kind = match error {
            Errno::ESRCH => TroubleKind::Gone,
            Errno::ENOENT | Errno::ENOTDIR => TroubleKind::NoFolder,
            Errno::EROFS => TroubleKind::ReadOnly,
            Errno::EBUSY => TroubleKind::Mounted,
            Errno::EISDIR => TroubleKind::NotAFile,
            Errno::EACCES | Errno::EPERM => TroubleKind::Denied,
            Errno::ENOSPC | Errno::EDQUOT => TroubleKind::Full,
            _ => TroubleKind::Other,
        };
        Self::new(kind, error.desc())
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(number) => Errno::from_raw(number).into(),
            None => Self::new(TroubleKind::Other, error.to_string()),
        }
    }
}

/// Does what is asked, at this place. It never blocks the thread that it is awaited on.
pub async fn perform(place: Arc<Place>, ask: Ask) -> Got {
    let ask = match ask {
        Ask::Request(request) => {
            return http::request(&place, &request).await.map_or_else(Got::NoAnswer, Got::Answer);
        }
        ask => ask,
    };
    // A sync of a slow disk takes long, and the watch must go on meanwhile.
    match tokio::task::spawn_blocking(move || on_disk(&place, ask)).await {
        Ok(got) => got.unwrap_or_else(Got::Trouble),
        Err(error) => Got::Trouble(Trouble::new(TroubleKind::Other, error.to_string())),
    }
}

fn on_disk(place: &Place, ask: Ask) -> Result<Got, Trouble> {
    match ask {
        Ask::Request(_) => Err(Trouble::new(TroubleKind::Other, "a request is not a file")),
        Ask::Sockets => tables(place).map(Got::Sockets),
        Ask::Connections => connections(place).map(Got::Connections),
        Ask::HangUp(title) => place.hang_up(&title).map(|()| Got::Done).map_err(Trouble::from),
        Ask::Processes(container) => place.processes(&container).map(Got::Processes).map_err(Trouble::from),
        Ask::Read(path) => files::read(place.root()?.as_fd(), &path).map(Got::File),
        Ask::List(folder) => files::list(place.root()?.as_fd(), &folder).map(Got::Names),
        Ask::Write { path, content, aside } => {
            files::write(place.root()?.as_fd(), &path, &content, aside).map(|()| Got::Done)
        }
        Ask::MakeAside(folder) => files::make_aside(place.root()?.as_fd(), &folder).map(|()| Got::Done),
        Ask::Delete(path) => files::delete(place.root()?.as_fd(), &path).map(|()| Got::Done),
    }
}

/// Where the kernel does not answer, because it has no such module or it is forbidden, its tables have to do.
fn connections(place: &Place) -> Result<Vec<Connection>, Trouble> {
    match diag::connections(place) {
        Ok(connections) => Ok(connections),
        Err(error) => {
            tracing::debug!(%error, "connections are read from the tables");
            tables(place).map(|sockets| sockets::open(&sockets))
        }
    }
}

fn tables(place: &Place) -> Result<Vec<Socket>, Trouble> {
    let mut all = sockets::parse(&place.text("net/tcp")?);
    match place.text("net/tcp6") {
        Ok(table) => all.extend(sockets::parse(&table)),
        // A kernel without IPv6 has no such table.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(all)
}
