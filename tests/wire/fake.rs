//! A daemon on a unix socket that answers from a script.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bgd::docker::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// Without the version: `/containers/x/json?…`.
    pub path: String,
    /// `1.41`; empty when the request named none.
    pub version: String,
    /// The body.
    pub body: String,
}

/// What is sent back, byte for byte, before the connection is closed.
pub struct Answer {
    pub after: Duration,
    pub bytes: Vec<u8>,
}

/// An answer with a status and a JSON body.
pub fn json(status: u16, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    bytes(&[head.as_bytes(), body.as_bytes()].concat())
}

/// A refusal in the engine's form.
pub fn refusal(status: u16, message: &str) -> Answer {
    json(status, &serde_json::json!({ "message": message }).to_string())
}

/// The beginning of an endless answer, and then the end of the connection.
pub fn stream(lines: &str) -> Answer {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
    bytes(&[head.as_bytes(), if lines.is_empty() { b"" } else { chunk.as_bytes() }].concat())
}

/// These bytes and nothing else.
pub fn bytes(bytes: &[u8]) -> Answer {
    Answer { after: Duration::ZERO, bytes: bytes.to_vec() }
}

/// A recorded answer of an engine of this version.
pub fn recorded(version: &str, name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/recorded").join(version).join(name);
    std::fs::read_to_string(file).unwrap()
}

/// A daemon that runs as long as this is kept, inside the test's own runtime.
pub struct Daemon {
    pub address: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
    _folder: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Daemon {
    /// Starts a daemon with this script, which `/version` and `/info` of a recorded engine precede.
    pub fn start(version: &'static str, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::bare(move |request| match request.path.as_str() {
            "/version" => json(200, &recorded(version, "version.json")),
            "/info" => json(200, &recorded(version, "info.json")),
            _ => script(request),
        })
    }

    /// Starts a daemon with this script alone.
    pub fn bare(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (requests.clone(), Arc::new(script));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), script.clone()));
            }
        });
        Self { address: format!("unix://{}", path.display()), requests, _folder: folder, server }
    }

    pub async fn connect(&self) -> Rc<dyn Engine> {
        bgd::docker::connect(Some(&self.address)).await.unwrap()
    }

    /// The requests that are not part of connecting, as `METHOD path`.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let asked = requests.iter().filter(|request| !matches!(request.path.as_str(), "/version" | "/info"));
        asked.map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

async fn serve<F: Fn(&Request) -> Answer>(
    mut stream: UnixStream,
    seen: Arc<Mutex<Vec<Request>>>,
    script: Arc<F>,
) {
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().unwrap().push(request.clone());
    let answer = script(&request);
    tokio::time::sleep(answer.after).await;
    let _client_left = stream.write_all(&answer.bytes).await;
    let _client_left = stream.shutdown().await;
}

async fn read(stream: &mut UnixStream) -> Option<Request> {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.parse::<usize>().unwrap());
            if body.len() >= length {
                let mut words = head.split(' ');
                let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
                let (version, path) = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
                    Some((minor, path)) => (format!("1.{minor}"), format!("/{path}")),
                    None => (String::new(), path),
                };
                return Some(Request { method, path, version, body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}
