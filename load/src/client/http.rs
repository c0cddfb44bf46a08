use super::Shared;
use crate::answer::Answer;
use crate::connection::Connection;
use crate::digest::digest;
use crate::failure::{Failure, FailureKind};
use crate::kind::Kind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::Interval;

const BODY: usize = 64 * 1024;
const SLOW_BODY: usize = 4 * 1024;

/// How long the server may take to close a connection whose end it has announced, before the client closes it.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// One client: a request after the other, at a pace or as fast as the answers come.
pub async fn run(shared: Arc<Shared>, kind: Kind, mut pace: Option<Interval>) {
    let mut connection = None;
    let mut request = Request::new(&shared, kind);
    while !shared.is_stopping() {
        if let Some(ticks) = &mut pace {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shared.stopped() => break,
            }
        }
        let began = Instant::now();
        let outcome = shared.in_time(kind, ask(&shared, &mut connection, &request)).await;
        match outcome.and_then(|answer| judge(&request, answer)) {
            Ok(answer) => shared.tally().answered(kind, answer.version.as_deref(), began.elapsed()),
            Err(failure) => shared.failed(kind, failure, began).await,
        }
        // Outside the request's time: it had its whole answer.
        if let Some(ending) = connection.take_if(|connection| !connection.keeps) {
            let _ = tokio::time::timeout(CLOSE_LIMIT, ending.ended()).await;
        }
        request.next();
    }
}

/// Sends the request over the connection there is, or over a new one. A connection that failed is not given back.
async fn ask(shared: &Shared, kept: &mut Option<Connection>, request: &Request) -> Result<Answer, Failure> {
    if shared.load.attentive && kept.as_ref().is_some_and(Connection::has_ended) {
        shared.tally().noticed_close();
        *kept = None;
    }
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => {
            let connection = Connection::open(shared.load.target).await?;
            shared.tally().connected();
            connection
        }
    };
    let answer = connection.exchange(&request.bytes, request.head, request.upload).await?;
    connection.keeps &= request.keeps;
    *kept = Some(connection);
    Ok(answer)
}

fn judge(request: &Request, answer: Answer) -> Result<Answer, Failure> {
    if !(200..300).contains(&answer.status) {
        let body = String::from_utf8_lossy(&answer.body);
        let line = body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let message = format!("status {}: {}", answer.status, line.chars().take(80).collect::<String>());
        return Err(Failure::new(FailureKind::Status(answer.status), message));
    }
    let sent = request.body();
    if !sent.is_empty() && answer.body != digest(sent).as_bytes() {
        let came = String::from_utf8_lossy(&answer.body);
        let came = came.trim().chars().take(40).collect::<String>();
        let message = format!("sent {}, the app had {came:?}", digest(sent).trim());
        return Err(Failure::new(FailureKind::Mismatch, message));
    }
    Ok(answer)
}

/// A request as it is written.
struct Request {
    bytes: Vec<u8>,
    head: usize,
    keeps: bool,
    upload: Option<Duration>,
    state: u64,
}

impl Request {
    fn new(shared: &Shared, kind: Kind) -> Self {
        let host = &shared.load.host;
        let keeps = !matches!(kind, Kind::PerConnection | Kind::Slow | Kind::SlowUpload | Kind::SilentStream);
        let (method, path, length) = match kind {
            Kind::Slow => ("GET", "/slow?ms=300", 0),
            Kind::Post => ("POST", "/digest", BODY),
            Kind::SlowUpload => ("POST", "/digest", SLOW_BODY),
            Kind::SilentStream => ("GET", "/stream?ms=8000", 0),
            _ => ("GET", shared.load.path.as_str(), 0),
        };
        let connection = if keeps { "keep-alive" } else { "close" };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n");
        if length > 0 {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("User-Agent: bgd-load\r\n\r\n");
        let mut bytes = head.into_bytes();
        let head = bytes.len();
        bytes.resize(head + length, 0);
        let mut request = Self { bytes, head, keeps, upload: kind.upload(), state: 0x9E37_79B9_7F4A_7C15 };
        request.next();
        request
    }

    fn body(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// Fills the body with other bytes (xorshift64), so that no answer fits two requests.
    fn next(&mut self) {
        for word in self.bytes[self.head..].chunks_mut(8) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            word.copy_from_slice(&self.state.to_le_bytes()[..word.len()]);
        }
    }
}
