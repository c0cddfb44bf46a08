use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const TIME_LIMIT: Duration = Duration::from_secs(2);

/// Asks the app on this host for `/health`, prints the status, and succeeds when it is 2xx.
pub fn check(port: u16) -> ExitCode {
    match ask(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
        Ok((status, body)) => {
            println!("{status} {}", body.lines().next().unwrap_or_default());
            if (200..300).contains(&status) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            println!("no answer from 127.0.0.1:{port}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn ask(address: SocketAddr) -> io::Result<(u16, String)> {
    let deadline = Instant::now() + TIME_LIMIT;
    let mut stream = TcpStream::connect_timeout(&address, TIME_LIMIT)?;
    stream.set_write_timeout(Some(TIME_LIMIT))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "2 s have passed"));
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            // A time limit that has passed is told as "would block" on Linux.
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => continue,
            Err(why) => return Err(why),
        }
    }
    parse(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
}

/// The status and the body of an answer.
fn parse(answer: &str) -> Option<(u16, String)> {
    let status = answer.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Some((status, body.to_string()))
}
