use std::io;
use std::os::fd::OwnedFd;

use nix::sched::{CloneFlags, setns};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

use super::place::{Net, Place};

const STACK: usize = 64 * 1024;

/// Makes a socket in the place's network namespace.
///
/// A socket stays in the namespace in which it was made, so only its making has to happen there; connecting is left
/// to the caller's thread, where it can be waited for and given up.
pub(super) async fn socket(place: &Place, v4: bool) -> io::Result<TcpSocket> {
    match place.net() {
        Net::Current => make(v4),
        Net::Enter => make_in(place.net_namespace()?, v4).await,
    }
}

async fn make_in(namespace: OwnedFd, v4: bool) -> io::Result<TcpSocket> {
    let (made, socket) = oneshot::channel();
    // The thread ends after this, so no other work ever finds itself in a foreign namespace.
    std::thread::Builder::new().name("netns".to_owned()).stack_size(STACK).spawn(move || {
        let socket =
            setns(namespace, CloneFlags::CLONE_NEWNET).map_err(io::Error::from).and_then(|()| make(v4));
        // Nobody waits any more when the caller has given up.
        drop(made.send(socket));
    })?;
    socket
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the thread that enters the network namespace died")))
}

fn make(v4: bool) -> io::Result<TcpSocket> {
    if v4 { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}
