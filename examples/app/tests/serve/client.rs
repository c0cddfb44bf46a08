use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer, its head as text.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
        })
    }
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// One request over a connection of its own.
pub fn ask(port: u16, method: &str, path: &str) -> Answer {
    request(&mut connect(port), method, path, "localhost", b"")
}

pub fn get(port: u16, path: &str) -> Answer {
    ask(port, "GET", path)
}

/// One request over a connection that is kept.
pub fn request(stream: &mut TcpStream, method: &str, path: &str, host: &str, body: &[u8]) -> Answer {
    write_request(stream, method, path, host, body);
    read_answer(stream)
}

pub fn write_request(stream: &mut TcpStream, method: &str, path: &str, host: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
}

pub fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: Vec::new() };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    answer.body = vec![0; length];
    stream.read_exact(&mut answer.body).unwrap();
    answer
}
