use super::Shared;
use crate::connection::connect;
use crate::failure::{Failure, FailureKind};
use crate::kind::Kind;
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::time::{Interval, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

/// One client: a session after the other, each as long as the server holds it.
pub async fn run(shared: Arc<Shared>, kind: Kind, pace: Option<Interval>) {
    let Some(mut pace) = pace else { return };
    while !shared.is_stopping() {
        let mut began = Instant::now();
        match session(&shared, kind, &mut pace, &mut began).await {
            Ok(()) => {}
            Err(failure) => shared.failed(kind, failure, began).await,
        }
    }
}

/// Connects and echoes at a pace until the server closes in order or the load is stopped. `began` is when the echo or the
/// connection began that it is at.
async fn session(
    shared: &Shared,
    kind: Kind,
    pace: &mut Interval,
    began: &mut Instant,
) -> Result<(), Failure> {
    let (mut socket, version) = shared.in_time(kind, open(shared)).await?;
    shared.tally().answered(kind, Some(&version), began.elapsed());
    for number in 0_u64.. {
        tokio::select! {
            _ = pace.tick() => {}
            // Nothing is due from the server now, so what comes is its close frame or a mistake.
            message = next(&mut socket) => {
                *began = Instant::now();
                return match message? {
                    Some(unasked) => Err(Failure::new(FailureKind::Mismatch, format!("unasked for: {unasked:?}"))),
                    None => closed(shared, &mut socket).await,
                };
            }
            () = shared.stopped() => break,
        }
        *began = Instant::now();
        let sent = format!("echo {number}");
        match shared.in_time(kind, echo(&mut socket, &sent)).await? {
            Some(came) if came == sent => {
                shared.tally().answered(kind, Some(&version), began.elapsed());
            }
            Some(came) => {
                return Err(Failure::new(FailureKind::Mismatch, format!("sent {sent:?}, came {came:?}")));
            }
            None => return closed(shared, &mut socket).await,
        }
    }
    socket.close(None).await.map_err(failure)?;
    finish(shared, &mut socket).await
}

/// Connects, and reads the version, with which the app greets.
async fn open(shared: &Shared) -> Result<(Socket, String), Failure> {
    let stream = connect(shared.load.target).await.map_err(|why| Failure::to_connect(&why))?;
    shared.tally().connected();
    let _ = stream.set_nodelay(true);
    let url = format!("ws://{}/ws", shared.load.host);
    let (mut socket, _) = client_async(url, stream).await.map_err(failure)?;
    match next(&mut socket).await? {
        Some(version) => Ok((socket, version)),
        None => Err(Failure::new(FailureKind::Closed, "closed before the greeting")),
    }
}

async fn echo(socket: &mut Socket, text: &str) -> Result<Option<String>, Failure> {
    match socket.send(Message::text(text)).await {
        Ok(()) => next(socket).await,
        // The close frame may be here already, unread: reading tells.
        Err(why) => match next(socket).await {
            Ok(None) => Ok(None),
            _ => Err(failure(why)),
        },
    }
}

/// The next text, or nothing when a close frame came.
async fn next(socket: &mut Socket) -> Result<Option<String>, Failure> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Some(text.as_str().to_string())),
            Some(Ok(Message::Close(_))) => return Ok(None),
            Some(Ok(Message::Binary(bytes))) => {
                return Err(Failure::new(FailureKind::Mismatch, format!("{} bytes, not text", bytes.len())));
            }
            Some(Ok(_)) => {}
            Some(Err(why)) => return Err(failure(why)),
            None => return Err(Failure::new(FailureKind::CutWebsocket, "ended without a close frame")),
        }
    }
}

async fn closed(shared: &Shared, socket: &mut Socket) -> Result<(), Failure> {
    shared.tally().websocket_closed();
    finish(shared, socket).await
}

/// Answers the other side's close frame, or waits for its answer to ours, and for the end of the connection.
async fn finish(shared: &Shared, socket: &mut Socket) -> Result<(), Failure> {
    let rest = async {
        while let Some(message) = socket.next().await {
            match message {
                Ok(_) => {}
                Err(Error::ConnectionClosed) => break,
                Err(why) => return Err(failure(why)),
            }
        }
        Ok(())
    };
    // Both sides have said that it is over, so a server that does not hang up has lost nothing.
    timeout(shared.load.time_limit, rest).await.unwrap_or(Ok(()))
}

fn failure(why: Error) -> Failure {
    let kind = match &why {
        Error::Http(answer) => FailureKind::Status(answer.status().as_u16()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => FailureKind::CutWebsocket,
        Error::Protocol(ProtocolError::HandshakeIncomplete) => FailureKind::Closed,
        Error::ConnectionClosed | Error::AlreadyClosed => FailureKind::CutWebsocket,
        Error::Io(why) => match why.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => FailureKind::Reset,
            _ => FailureKind::CutWebsocket,
        },
        _ => FailureKind::Malformed,
    };
    Failure::new(kind, why.to_string())
}
