//! What the test executable does inside a container: a server that answers in good and bad ways.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

pub const PORT: u16 = 8080;
/// Takes no more connections: its queue is full.
pub const FULL: u16 = 8081;
/// The size of the files that are written while they are read.
pub const WHOLE: usize = 300_000;

static WATCHING: AtomicBool = AtomicBool::new(false);
static SEEN: AtomicUsize = AtomicUsize::new(0);
static BROKEN: AtomicUsize = AtomicUsize::new(0);

pub fn main(arguments: &[String]) -> ExitCode {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => serve(),
        ["hold", container] => super::lifetime::hold(container),
        _ => ExitCode::FAILURE,
    }
}

fn serve() -> ExitCode {
    let _full = fill();
    let listener = TcpListener::bind(("0.0.0.0", PORT)).unwrap();
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || answer(stream));
    }
    ExitCode::SUCCESS
}

/// A listener that never accepts, and connections that fill its queue.
fn fill() -> (tokio::runtime::Runtime, Vec<Box<dyn std::any::Any>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let held = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(super::support::port(FULL)).unwrap();
        let mut held: Vec<Box<dyn std::any::Any>> = vec![Box::new(socket.listen(0).unwrap())];
        let limit = Duration::from_millis(100);
        while let Ok(stream) = TcpStream::connect_timeout(&super::support::port(FULL), limit) {
            held.push(Box::new(stream));
        }
        held
    });
    (runtime, held)
}

fn answer(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let text = match path.as_str() {
        "/ok" => ok("hello"),
        "/echo" => ok(&format!("{head}{}", String::from_utf8_lossy(&body))),
        "/big" => ok(&"x".repeat(200_000)),
        "/redirect" => "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/half" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_owned(),
        "/drop" => String::new(),
        "/garbage" => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        "/hang" => {
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).ok()?;
            return None;
        }
        "/watched" => ok(&format!("{} {}", SEEN.load(SeqCst), BROKEN.load(SeqCst))),
        "/read-mine" => ok(&std::fs::read_to_string("/conf.d/own.conf").unwrap_or_default()),
        _ => match path.strip_prefix("/watch") {
            Some(file) => {
                watch(file.to_owned());
                ok("")
            }
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        },
    };
    stream.write_all(text.as_bytes()).ok()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Reads a file again and again and counts what is not a whole one: one letter, as often as it has to be.
fn watch(file: String) {
    if WATCHING.swap(true, SeqCst) {
        return;
    }
    std::thread::spawn(move || {
        loop {
            let content = std::fs::read(&file).unwrap_or_default();
            let whole = content.len() == WHOLE && content.iter().all(|letter| *letter == content[0]);
            if !whole {
                BROKEN.fetch_add(1, SeqCst);
            }
            SEEN.fetch_add(1, SeqCst);
        }
    });
}
