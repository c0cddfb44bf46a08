use bgd_load::{Kind, Load, Report, Running};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

pub const OK: &str = "HTTP/1.1 200 OK\r\nX-Version: 1.0\r\nContent-Length: 2\r\n\r\nok";
pub const OK_AND_CLOSE: &str =
    "HTTP/1.1 200 OK\r\nX-Version: 1.0\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// One accepted connection.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Reads one request and returns its body, or nothing when the client has gone.
    pub fn request(&mut self) -> Option<Vec<u8>> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                let mut body = vec![0; length];
                self.reader.read_exact(&mut body).ok()?;
                return Some(body);
            }
        }
    }

    pub fn write(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.stream().write_all(text.as_ref());
    }

    /// Ends the connection by a reset.
    pub fn reset(mut self) {
        socket2::SockRef::from(&*self.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }
}

/// Treats every connection, on a thread of its own, as the function does. Lives as long as the test process.
pub fn serve(treat: impl Fn(Client) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || accept(&listener, treat));
    address
}

pub fn accept(listener: &TcpListener, treat: impl Fn(Client) + Send + Clone + 'static) {
    for stream in listener.incoming() {
        let treat = treat.clone();
        let client = Client { reader: BufReader::new(stream.unwrap()) };
        std::thread::spawn(move || treat(client));
    }
}

/// A whole answer with this body.
pub fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Answers every request with the same text.
pub fn always(answer: &'static str) -> SocketAddr {
    serve(move |mut client| {
        while client.request().is_some() {
            client.write(answer);
        }
    })
}

pub fn load(target: SocketAddr, kind: Kind, clients: usize) -> Load {
    Load::new(target, "sample.local").with(kind, clients)
}

/// Runs the load until the report shows what is awaited, at most ten seconds.
pub fn run_until(load: Load, shows: impl Fn(&Report) -> bool) -> Report {
    let running = load.start().unwrap();
    wait_until(&running, shows);
    running.stop()
}

pub fn wait_until(running: &Running, shows: impl Fn(&Report) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !shows(&running.report_so_far()) {
        assert!(Instant::now() < deadline, "not within ten seconds:\n{}", running.report_so_far());
        std::thread::sleep(Duration::from_millis(5));
    }
}
