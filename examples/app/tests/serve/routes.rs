use crate::client::{connect, get, request, write_request};
use crate::process::{App, poll};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

#[test]
fn tells_its_version_in_the_body_and_in_every_header() {
    let app = App::start(&[("APP_VERSION", "1.1")]);
    for path in ["/version", "/", "/health", "/api/v1/test", "/no/such/route"] {
        assert_eq!(get(app.port, path).header("x-version").as_deref(), Some("1.1"), "{path}");
    }
    assert_eq!(get(app.port, "/version").text(), "1.1");
    assert!(get(app.port, "/").text().starts_with("1.1 "));
    assert_eq!(get(app.port, "/api/v1/test").text(), r#"{"ok":true,"version":"1.1"}"#);
    assert_eq!(get(app.port, "/no/such/route").status, 404);
}

#[test]
fn is_called_dev_when_nothing_names_a_version() {
    let app = App::start(&[]);
    assert_eq!(get(app.port, "/version").text(), "dev");
}

#[test]
fn echoes_a_body_of_a_megabyte_byte_by_byte() {
    let app = App::start(&[]);
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut stream = connect(app.port);
    let mut writer = stream.try_clone().unwrap();
    let sent = body.clone();
    let writing = std::thread::spawn(move || write_request(&mut writer, "POST", "/echo", "localhost", &sent));
    let answer = crate::client::read_answer(&mut stream);
    writing.join().unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length").as_deref(), Some("1000000"));
    assert!(answer.body == body, "the echo differs");
}

#[test]
fn tells_the_digest_of_a_body() {
    let app = App::start(&[]);
    let mut stream = connect(app.port);
    write_request(&mut stream, "POST", "/digest", "localhost", b"foobar");
    // FNV-1a, as its authors' own test vectors have it.
    assert_eq!(crate::client::read_answer(&mut stream).text(), "6 85944171f73967e8\n");
}

/// A proxy written in Go reads no more of a request once its answer has begun.
#[test]
fn echoes_nothing_before_the_whole_body_is_there() {
    let app = App::start(&[]);
    let mut stream = connect(app.port);
    write!(stream, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let early = stream.read(&mut [0; 64]).map_err(|why| why.kind());
    assert_eq!(early.unwrap_err(), std::io::ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"half").unwrap();
    assert_eq!(crate::client::read_answer(&mut stream).text(), "halfhalf");
}

#[test]
fn several_requests_share_a_connection() {
    let app = App::start(&[]);
    let mut stream = connect(app.port);
    for _ in 0..3 {
        assert_eq!(request(&mut stream, "GET", "/health", "localhost", b"").text(), "ok");
    }
}

#[test]
fn a_slow_answer_takes_its_time_and_counts_as_pending() {
    let app = App::start(&[]);
    assert_eq!(get(app.port, "/pending").text(), "0");
    let port = app.port;
    let slow = std::thread::spawn(move || {
        let started = Instant::now();
        assert_eq!(get(port, "/slow?ms=400").status, 200);
        started.elapsed()
    });
    poll(|| get(app.port, "/pending").text() == "1");
    assert!(slow.join().unwrap() >= Duration::from_millis(400));
    poll(|| get(app.port, "/pending").text() == "0");
}

#[test]
fn shows_the_headers_it_was_sent() {
    let app = App::start(&[]);
    let answer = request(&mut connect(app.port), "GET", "/headers", "api.example.com:8080", b"");
    assert!(answer.text().contains(r#""host":"api.example.com:8080""#), "{}", answer.text());
}
