//! Plain GET requests to the engine, one connection each, and their answers as JSON.
//!
//! bollard reads answers into types of its own, which drop settings that they do not know and fail on values
//! that are newer than they are. What bgd has to read completely, or as a stream whose beginning it has to
//! see, it asks for here.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{Address, fail};
use crate::error::{Error, Kind, Result};

/// How long the engine may take to answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(120);
/// How long the engine may take to say that it is there.
const PING: Duration = Duration::from_secs(2);

/// Where GET requests go, and under which version of the API.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    address: Address,
    /// `/v1.41`; empty before a version was agreed on.
    prefix: String,
}

impl Wire {
    pub(super) fn new(address: Address) -> Self {
        Self { address, prefix: String::new() }
    }

    pub(super) fn with_version(mut self, (major, minor): (usize, usize)) -> Self {
        self.prefix = format!("/v{major}.{minor}");
        self
    }

    /// Where the requests go.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Asks, and returns when the head of the answer is there.
    pub(super) async fn open(&self, path: &str) -> io::Result<Response<Incoming>> {
        let (host, stream): (&str, Box<dyn Stream>) = match &self.address {
            Address::Unix(path) => ("localhost", Box::new(UnixStream::connect(path).await?)),
            Address::Tcp(host) => (host, Box::new(TcpStream::connect(host).await?)),
        };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let request = Request::get(format!("{}{path}", self.prefix))
            .header(hyper::header::HOST, host)
            .body(Empty::<Bytes>::new())
            .map_err(io::Error::other)?;
        sender.send_request(request).await.map_err(io::Error::other)
    }

    /// Whether the engine answers now, within [`PING`].
    pub(super) async fn answers(&self) -> bool {
        let answer = tokio::time::timeout(PING, self.open("/_ping")).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().is_success()))
    }

    /// Asks for JSON; `None` when the engine knows of no such object.
    pub(super) async fn get(&self, path: &str, tried: &dyn Fn() -> String) -> Result<Option<Value>> {
        let answer = async {
            let response = self.open(path).await?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((status, body.to_bytes()))
        };
        let answer = tokio::time::timeout(TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
        let (status, body) =
            answer.map_err(|error| fail::unreachable(&self.address, &error).context(tried()))?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(Error::new(Kind::Docker, tried()).caused_by(refusal(status, &body)));
        }
        serde_json::from_slice(&body).map(Some).map_err(|error| {
            // The parser's message holds positions only, never the text, which may contain secrets.
            Error::new(Kind::Docker, tried()).caused_by(format!("the engine's answer is no JSON: {error}"))
        })
    }
}

/// What the engine said when it refused.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> String {
    let message = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|answer| answer["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| String::from_utf8_lossy(body).chars().take(500).collect());
    fail::own_words(&message, status.as_u16())
}

/// Percent-encodes a value of a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
