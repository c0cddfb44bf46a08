//! One request at a time, from inside a network namespace where that is needed.

use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// An answer to [`request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The version that answered, from the sample app's `X-Version`.
    pub fn version(&self) -> Option<&str> {
        self.header("x-version")
    }
}

/// Sends one request, without a body, over a connection of its own.
///
/// Errors: no connection, no answer within ten seconds, or an answer that is not HTTP.
pub fn request(
    netns: Option<&Path>,
    target: SocketAddr,
    host: &str,
    method: &str,
    path: &str,
) -> io::Result<Answer> {
    // HTTP/1.0 has no chunks, so the answer ends with the connection.
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
    let text = inside(netns, || {
        let mut stream = TcpStream::connect_timeout(&target, TIME_LIMIT)?;
        stream.set_read_timeout(Some(TIME_LIMIT))?;
        stream.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    })?;
    parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("not an answer: {text:?}")))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_string(), body: body.to_string() })
}

/// Runs a function inside a network namespace, on a thread that ends with it.
pub fn inside<T: Send>(netns: Option<&Path>, act: impl FnOnce() -> T + Send) -> T {
    let Some(path) = netns else { return act() };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let namespace = File::open(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("entering a network namespace needs root");
            act()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
