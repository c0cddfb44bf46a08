//! Turns what goes wrong between bgd and the engine into errors that a person can act on.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error as Bollard;

use super::Address;
use crate::error::{Error, Kind};

/// The status with which the engine refused, if it was the engine that refused.
pub(super) fn status(error: &Bollard) -> Option<u16> {
    match error {
        Bollard::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// An error of the kind `Docker`: what was tried, and the engine's own message as its cause.
pub(super) fn failed(error: Bollard, message: impl Into<String>) -> Error {
    let wrapped = Error::new(Kind::Docker, message);
    match error {
        Bollard::DockerResponseServerError { message, status_code } => {
            wrapped.caused_by(own_words(&message, status_code))
        }
        Bollard::DockerStreamError { error } => wrapped.caused_by(error),
        Bollard::RequestTimeoutError => no_answer(wrapped),
        other => match io_kind(&other) {
            Some(kind) => lost(wrapped, kind).caused_by(other),
            None => wrapped.caused_by(other),
        },
    }
}

/// The engine's message in one line, or its status when it gave none.
pub(super) fn own_words(message: &str, status: u16) -> String {
    let message = message.trim();
    if message.is_empty() { format!("the engine answered {status}") } else { message.replace('\n', " ") }
}

/// Adds that the engine did not answer in time.
pub(super) fn no_answer(error: Error) -> Error {
    error
        .caused_by("the engine did not answer in time")
        .hint("see whether the daemon is stuck: `docker info`, `journalctl -u docker`")
}

/// An error of the connection to the engine, with the remedy that fits the address.
pub(super) fn unreachable(address: &Address, error: &io::Error) -> Error {
    let base = Error::new(Kind::Docker, format!("cannot reach Docker at {address}"));
    let base = match (address, error.kind()) {
        (Address::Unix(_), io::ErrorKind::NotFound) => base
            .caused_by("there is no such socket")
            .hint("is the daemon running? `sudo systemctl start docker`"),
        (Address::Unix(_), io::ErrorKind::PermissionDenied) => base
            .caused_by("permission denied")
            .hint("run bgd with sudo")
            .hint("or join the group docker: `sudo usermod -aG docker $USER`, then log in again"),
        (Address::Unix(_), io::ErrorKind::ConnectionRefused) => base
            .caused_by("the socket is there, but nobody listens")
            .hint("is the daemon running? `sudo systemctl start docker`"),
        (Address::Tcp(_), io::ErrorKind::ConnectionRefused) => base
            .caused_by("connection refused")
            .hint("is the daemon running there, and does it listen on TCP (`dockerd -H tcp://…`)?"),
        (_, io::ErrorKind::TimedOut) => no_answer(base),
        _ => base.caused_by(error.to_string()),
    };
    let base = if may_come_back(error.kind()) { base.unreachable() } else { base };
    match address {
        Address::Tcp(_) => base.hint("check DOCKER_HOST"),
        Address::Unix(_) => base,
    }
}

fn lost(error: Error, kind: io::ErrorKind) -> Error {
    match kind {
        io::ErrorKind::PermissionDenied => {
            error.hint("run bgd with sudo, or join the group docker: `sudo usermod -aG docker $USER`")
        }
        io::ErrorKind::TimedOut => error.hint("is the daemon running? `systemctl status docker`"),
        _ => error.hint("is the daemon running? `systemctl status docker`").unreachable(),
    }
}

/// Whether waiting can help: an engine that is being restarted refuses, is not there, or closes what it had begun.
fn may_come_back(kind: io::ErrorKind) -> bool {
    !matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::TimedOut)
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        if error
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed())
        {
            return Some(io::ErrorKind::UnexpectedEof);
        }
        next = error.source();
    }
    None
}
