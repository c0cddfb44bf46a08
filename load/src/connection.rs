use crate::answer::{Answer, Incoming, ReadError};
use crate::failure::{Failure, FailureKind};
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

/// Connects without keeping anybody from the port of this end: a server that is started again may want to listen on it.
/// Where nobody listens, an attempt may be given that very port and meet itself; that is nobody.
pub(crate) async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    let stream = socket.connect(target).await?;
    if stream.local_addr()? == stream.peer_addr()? {
        stream.set_zero_linger()?;
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// The parts of a body that is sent slowly.
const PARTS: usize = 24;
const PARTS_U32: u32 = 24;

/// A connection that carries one request after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Whether the last answer leaves it open for another request.
    pub keeps: bool,
}

impl Connection {
    pub async fn open(target: SocketAddr) -> Result<Self, Failure> {
        let stream = connect(target).await.map_err(|why| Failure::to_connect(&why))?;
        // Without effect on the outcome, and so not worth a failure.
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, buffer: Vec::with_capacity(4096), keeps: true })
    }

    /// Tells whether the server has closed or reset the connection already.
    pub fn has_ended(&self) -> bool {
        // The socket does not block, so this asks the system and not the runtime, whose news may be old.
        match SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]) {
            Ok(count) => count == 0,
            Err(why) => why.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Sends a request and reads its answer at the same time, as an echo may begin before the request has ended. Where
    /// `upload` says so, what comes behind the first `head` bytes is sent over that time, in equal parts.
    pub async fn exchange(
        &mut self,
        request: &[u8],
        head: usize,
        upload: Option<Duration>,
    ) -> Result<Answer, Failure> {
        let idle_end = self.has_ended();
        let (reader, mut writer) = self.stream.split();
        let mut incoming = Incoming::new(reader, &mut self.buffer);
        let mut writing = pin!(async {
            let Some(over) = upload else { return writer.write_all(request).await };
            let (head, body) = request.split_at(head);
            writer.write_all(head).await?;
            for part in body.chunks(body.len().div_ceil(PARTS).max(1)) {
                tokio::time::sleep(over / PARTS_U32).await;
                writer.write_all(part).await?;
            }
            Ok(())
        });
        let mut write_error = None;
        let mut written = false;
        let read = {
            let mut reading = pin!(incoming.answer());
            loop {
                tokio::select! {
                    biased;
                    result = &mut writing, if !written => {
                        written = true;
                        write_error = result.err();
                    }
                    result = &mut reading => break result,
                }
            }
        };
        match read {
            Ok(answer) => {
                // After a part of a request nothing else can follow.
                self.keeps = answer.keeps && written && write_error.is_none();
                Ok(answer)
            }
            Err(why) => Err(failure(why, write_error, incoming.begun, idle_end)),
        }
    }

    /// Waits for the end that the server has announced, so that it is the server who closes first.
    pub async fn ended(mut self) {
        let _ = tokio::io::AsyncReadExt::read_buf(&mut self.stream, &mut self.buffer).await;
    }
}

fn failure(why: ReadError, write_error: Option<io::Error>, begun: bool, idle_end: bool) -> Failure {
    let at = if begun { "within the answer" } else { "before the answer" };
    match (why, write_error) {
        (ReadError::Malformed(why), _) => Failure::new(FailureKind::Malformed, why),
        (ReadError::Ended | ReadError::Io(_), _) if idle_end && !begun => Failure::new(
            FailureKind::ClosedIdle,
            "the idle connection had been closed before the request was written",
        ),
        (ReadError::Ended, _) if begun => {
            Failure::new(FailureKind::Truncated, "the connection ended within the answer")
        }
        (ReadError::Ended, None) => {
            Failure::new(FailureKind::Closed, "the connection ended before the answer")
        }
        (ReadError::Ended, Some(why)) | (ReadError::Io(why), _) => {
            Failure::new(FailureKind::Reset, format!("{why} {at}"))
        }
    }
}
