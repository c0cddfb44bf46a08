use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::dial;
use super::place::Place;
use super::tls;
use crate::probe::request::{Answer, BODY_LIMIT, Failure, FailureKind, Request};

/// Sends one request on a connection of its own and reads the whole answer.
pub(super) async fn request(place: &Place, request: &Request) -> Result<Answer, Failure> {
    let start = Instant::now();
    let deadline = start + request.limit;
    let message = message(request)?;
    let stream = match timeout_at(deadline, connect(place, request.to)).await {
        Ok(stream) => stream?,
        Err(_) => return Err(late(FailureKind::ConnectTimeout, request.limit)),
    };
    let exchange = async {
        match request.tls {
            true => exchange(tls::over(stream, request.to, &request.host).await?, message).await,
            false => exchange(stream, message).await,
        }
    };
    match timeout_at(deadline, exchange).await {
        Ok(answer) => answer.map(|answer| Answer { took: start.elapsed(), ..answer }),
        Err(_) => Err(late(FailureKind::AnswerTimeout, request.limit)),
    }
}

async fn connect(place: &Place, to: SocketAddr) -> Result<TcpStream, Failure> {
    let socket = dial::socket(place, to.is_ipv4()).await.map_err(|error| {
        let message = format!("cannot make a socket in the container's network: {error}");
        Failure { kind: FailureKind::Vantage, message }
    })?;
    // Whoever wants to listen on the port that this end gets must not be kept from it, not even while the connection lingers.
    drop(socket.set_reuseaddr(true));
    let stream = socket.connect(to).await.map_err(|error| {
        let kind = match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNREFUSED) => FailureKind::Refused,
            Some(Errno::ETIMEDOUT) => FailureKind::ConnectTimeout,
            Some(Errno::ECONNRESET | Errno::ECONNABORTED) => FailureKind::Closed,
            _ => FailureKind::Unreachable,
        };
        Failure { kind, message: system_words(&error) }
    })?;
    if is_own_end(&stream) {
        drop(stream.set_zero_linger());
        let message = system_words(&io::Error::from_raw_os_error(Errno::ECONNREFUSED as i32));
        return Err(Failure { kind: FailureKind::Refused, message });
    }
    // Without this a request in two writes waits for the other side's delayed acknowledgement. It only costs time.
    drop(stream.set_nodelay(true));
    Ok(stream)
}

/// Whether a connection leads to itself. Where nobody listens, the system may give the very port that is asked for to the end
/// that asks, and both ends are one socket then (RFC 9293, 3.5, simultaneous open): one of some 14,000 attempts.
fn is_own_end(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(near), Ok(far)) if near == far)
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    message: hyper::Request<Full<Bytes>>,
) -> Result<Answer, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Dropped with this function, and the connection with it.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(message).await.map_err(broken)?;
    let (head, body) = response.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    Ok(Answer { status: head.status.as_u16(), headers, body: whole(body).await?, took: Duration::ZERO })
}

/// Reads to the last byte and keeps the beginning.
async fn whole(mut body: Incoming) -> Result<String, Failure> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            let room = BODY_LIMIT.saturating_sub(kept.len());
            kept.extend_from_slice(data.get(..room).unwrap_or(&data));
        }
    }
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

fn message(request: &Request) -> Result<hyper::Request<Full<Bytes>>, Failure> {
    // A failure names the part and not its value, which can be a secret.
    let invalid = |part: &str| Failure {
        kind: FailureKind::Vantage,
        message: format!("{part} of the request cannot be sent over HTTP"),
    };
    let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
    let mut message = hyper::Request::new(body);
    *message.method_mut() = request.method.parse().map_err(|_| invalid("the method"))?;
    *message.uri_mut() = request.path.parse().map_err(|_| invalid("the path"))?;
    let headers = message.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&request.host).map_err(|_| invalid("the Host"))?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("bgd/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let mut own: Vec<HeaderName> = Vec::new();
    for (name, value) in &request.headers {
        let invalid = || invalid(&format!("the header {name}"));
        let name: HeaderName = name.parse().map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        // The first replaces what is sent by default, further ones of that name stand beside it.
        if own.contains(&name) {
            headers.append(name, value);
        } else {
            headers.insert(name.clone(), value);
            own.push(name);
        }
    }
    Ok(message)
}

fn broken(error: hyper::Error) -> Failure {
    let kind = if error.is_parse() { FailureKind::NotHttp } else { FailureKind::Closed };
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    Failure { kind, message: cause.map_or_else(|| error.to_string(), system_words) }
}

fn system_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

fn late(kind: FailureKind, limit: Duration) -> Failure {
    Failure { kind, message: format!("nothing within {limit:?}") }
}
