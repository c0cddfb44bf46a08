use crate::app::App;
use crate::faults::{self, HealthFault};
use crate::in_flight::Guard;
use crate::socket;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A whole answer.
pub type Content = Full<Bytes>;

/// An answer whose parts may come one after the other.
type Streamed = UnsyncBoxBody<Bytes, Infallible>;

/// The longest body that is echoed, in bytes.
const LONGEST_ECHO: usize = 16 << 20;

/// Answers one request, faults first. The request counts as in flight until its answer's body has been sent.
pub async fn answer(app: Arc<App>, request: Request<Incoming>) -> Result<Response<Counted>, Infallible> {
    let guard = app.in_flight.enter();
    let mut response = match interfere(&app, &request).await {
        Some(response) => response.map(Streamed::new),
        None if request.method() == Method::GET && request.uri().path() == "/stream" => {
            stream(request.uri().query().unwrap_or_default())
        }
        None => route(&app, request).await.map(Streamed::new),
    };
    response.headers_mut().insert("x-version", app.version_header.clone());
    for at in 0..app.faults().big_header {
        if let Ok(cookie) = HeaderValue::from_str(&format!("c{at}={}", "x".repeat(1024))) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    Ok(response.map(|content| Counted { content, _guard: guard }))
}

async fn route(app: &Arc<App>, request: Request<Incoming>) -> Response<Content> {
    let query = request.uri().query().unwrap_or_default();
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    match (method.as_str(), request.uri().path()) {
        ("GET", "/") => text(StatusCode::OK, format!("{} {}\n", app.version, app.hostname)),
        ("GET", "/version") => text(StatusCode::OK, app.version.clone()),
        ("GET", "/health") => text(StatusCode::OK, "ok"),
        ("GET", "/slow") => slow(query).await,
        ("GET", "/pending") => text(StatusCode::OK, (app.in_flight.count() - 1).to_string()),
        ("GET", "/api/v1/test") => json(&json!({ "ok": true, "version": app.version })),
        ("GET", "/count") => count(app).await,
        ("GET", "/headers") => json(&headers(&request)),
        ("GET", "/ws") => socket::upgrade(app.clone(), request),
        ("GET", "/fault") => json(&app.faults().to_json()),
        ("POST", "/fault") => match app.switch(query) {
            Ok(()) => json(&app.faults().to_json()),
            Err(why) => text(StatusCode::BAD_REQUEST, why),
        },
        ("POST", "/echo") => with_body(request, |body| Response::new(Full::new(body))).await,
        ("POST", "/digest") => with_body(request, |body| text(StatusCode::OK, digest(&body))).await,
        _ => text(StatusCode::NOT_FOUND, "no such route\n"),
    }
}

/// Does what the faults say; `None` lets the request through to its route.
async fn interfere(app: &App, request: &Request<Incoming>) -> Option<Response<Content>> {
    let path = request.uri().path();
    if path == "/fault" {
        return None;
    }
    let (faults, fails) = {
        let mut faults = app.faults();
        if path == "/health" && faults.spare_health {
            return None;
        }
        (faults.clone(), faults.next_fails())
    };
    if !faults.latency.is_zero() {
        tokio::time::sleep(faults.latency).await;
    }
    if faults.hang {
        std::future::pending::<()>().await;
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Some(expected) = &faults.host_check
        && !name_of(host).eq_ignore_ascii_case(expected)
    {
        return Some(text(StatusCode::FORBIDDEN, format!("{host:?} is not served here, {expected:?} is\n")));
    }
    let is_https = request.headers().get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    if faults.redirect && !is_https && request.method() == Method::GET {
        return Some(redirect(host, request));
    }
    if let Some(status) = faults.status {
        return Some(text(status, format!("{status}, as STATUS says\n")));
    }
    if fails {
        return Some(text(StatusCode::INTERNAL_SERVER_ERROR, "failed, as FAIL_RATE says\n"));
    }
    match faults.health.filter(|_| path == "/health")? {
        HealthFault::Fail => Some(text(StatusCode::SERVICE_UNAVAILABLE, "failing, as FAIL_HEALTH says\n")),
        HealthFault::Hang => std::future::pending().await,
    }
}

/// Answers a body once it is here. An answer that begins earlier is cut off by proxies that read no more of a request
/// then, as those written in Go do (`net/http`, `ResponseController.EnableFullDuplex`).
async fn with_body(
    request: Request<Incoming>,
    answer: impl FnOnce(Bytes) -> Response<Content>,
) -> Response<Content> {
    match Limited::new(request.into_body(), LONGEST_ECHO).collect().await {
        Ok(body) => answer(body.to_bytes()),
        Err(why) => text(StatusCode::BAD_REQUEST, format!("the body could not be read: {why}\n")),
    }
}

/// The length of a body and a fingerprint of its bytes (64-bit FNV-1a): a short proof that all of it came.
fn digest(body: &[u8]) -> String {
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{} {hash:016x}\n", body.len())
}

/// An answer that depends on a database.
async fn count(app: &App) -> Response<Content> {
    let Some(redis) = &app.redis else {
        return text(StatusCode::NOT_FOUND, "no REDIS_ADDR names a Redis to count in\n");
    };
    match redis.count().await {
        Ok(number) => text(StatusCode::OK, number.to_string()),
        Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("Redis does not count: {why}\n")),
    }
}

async fn slow(query: &str) -> Response<Content> {
    let Some(wait) = milliseconds(query, "300") else { return no_milliseconds() };
    tokio::time::sleep(wait).await;
    text(StatusCode::OK, format!("slept {} ms\n", wait.as_millis()))
}

/// Answers in two parts, with a silence between them.
fn stream(query: &str) -> Response<Streamed> {
    let Some(wait) = milliseconds(query, "8000") else { return no_milliseconds().map(Streamed::new) };
    let parts = futures_util::stream::unfold(0, move |part| async move {
        let text = match part {
            0 => "begun\n",
            1 => {
                tokio::time::sleep(wait).await;
                "done\n"
            }
            _ => return None,
        };
        Some((Ok(Frame::data(Bytes::from_static(text.as_bytes()))), part + 1))
    });
    let mut response = Response::new(Streamed::new(StreamBody::new(parts)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The `ms` of a query; `None` when it is no such number.
fn milliseconds(query: &str, default: &str) -> Option<Duration> {
    let ms = query.split('&').find_map(|pair| pair.strip_prefix("ms=")).unwrap_or(default);
    faults::duration(&format!("{ms}ms")).ok().filter(|wait| *wait <= Duration::from_secs(600))
}

fn no_milliseconds() -> Response<Content> {
    text(StatusCode::BAD_REQUEST, "ms: a number of milliseconds, at most 600000\n")
}

fn redirect(host: &str, request: &Request<Incoming>) -> Response<Content> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut response = text(StatusCode::MOVED_PERMANENTLY, "over https, please\n");
    if let Ok(location) = HeaderValue::from_str(&format!("https://{}{path}", name_of(host))) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The Host header without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

fn headers(request: &Request<Incoming>) -> Value {
    let mut all = Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()));
        all.insert(name.to_string(), values.collect::<Vec<_>>().join(", ").into());
    }
    Value::Object(all)
}

pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Content> {
    content(status, "text/plain; charset=utf-8", body.into())
}

fn json(value: &Value) -> Response<Content> {
    content(StatusCode::OK, "application/json", value.to_string().into())
}

fn content(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Content> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A body that holds its request's place among those in flight.
pub struct Counted {
    content: Streamed,
    _guard: Guard,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.content).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
