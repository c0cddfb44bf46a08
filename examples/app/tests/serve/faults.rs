use crate::client::{ask, connect, get, request, write_request};
use crate::process::{App, command, poll, wait};
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn health_fails_and_recovers_while_the_rest_serves() {
    let app = App::start(&[("FAIL_HEALTH", "1")]);
    assert_eq!(get(app.port, "/health").status, 503);
    assert_eq!(get(app.port, "/version").status, 200);
    assert_eq!(ask(app.port, "POST", "/fault?fail_health=0").status, 200);
    assert_eq!(get(app.port, "/health").status, 200);
}

#[test]
fn a_hang_accepts_and_never_answers_until_it_is_switched_off() {
    let app = App::start(&[]);
    assert_eq!(ask(app.port, "POST", "/fault?hang=1").status, 200);
    let mut stream = connect(app.port);
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    write_request(&mut stream, "GET", "/version", "localhost", b"");
    assert!(stream.read(&mut [0]).is_err(), "an answer or an end came");
    assert_eq!(ask(app.port, "POST", "/fault?clear").status, 200);
    assert_eq!(get(app.port, "/version").status, 200);
}

#[test]
fn every_answer_has_the_status_asked_for_but_a_spared_health() {
    let app = App::start(&[("STATUS", "500")]);
    assert_eq!(get(app.port, "/version").status, 500);
    assert_eq!(get(app.port, "/health").status, 500);
    ask(app.port, "POST", "/fault?spare_health=1");
    assert_eq!(get(app.port, "/version").status, 500);
    assert_eq!(get(app.port, "/health").status, 200);
}

#[test]
fn latency_is_added_to_every_answer() {
    let app = App::start(&[("LATENCY", "250ms")]);
    let started = Instant::now();
    assert_eq!(get(app.port, "/version").status, 200);
    assert!(started.elapsed() >= Duration::from_millis(250));
}

#[test]
fn half_of_the_requests_fail_at_a_rate_of_one_half() {
    let app = App::start(&[("FAIL_RATE", "0.5")]);
    let statuses: Vec<u16> = (0..6).map(|_| get(app.port, "/version").status).collect();
    assert_eq!(statuses, [200, 500, 200, 500, 200, 500]);
}

#[test]
fn redirects_to_https_on_the_same_host_and_path() {
    let app = App::start(&[("REDIRECT", "https")]);
    let answer = request(&mut connect(app.port), "GET", "/a?b=c", "api.example.com:8080", b"");
    assert_eq!(answer.status, 301);
    assert_eq!(answer.header("location").as_deref(), Some("https://api.example.com/a?b=c"));
}

#[test]
fn another_host_is_refused() {
    let app = App::start(&[("HOST_CHECK", "api.example.com")]);
    let mut stream = connect(app.port);
    assert_eq!(request(&mut stream, "GET", "/version", "localhost", b"").status, 403);
    assert_eq!(request(&mut stream, "GET", "/version", "API.example.com:80", b"").status, 200);
}

#[test]
fn exits_after_the_time_set_at_the_start() {
    let app = App::start(&[("EXIT_AFTER", "200ms")]);
    assert_eq!(app.wait().code(), Some(1));
}

#[test]
fn exits_after_the_time_set_while_running() {
    let mut app = App::start(&[]);
    assert!(app.is_running());
    ask(app.port, "POST", "/fault?exit_after=50ms");
    assert_eq!(app.wait().code(), Some(1));
}

#[test]
fn listens_only_after_the_start_delay() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = Instant::now();
    let mut child = command(&[("START_DELAY", "400ms")])
        .env("PORT", port.to_string())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    poll(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    assert!(started.elapsed() >= Duration::from_millis(400));
    child.kill().unwrap();
    wait(&mut child);
}

#[test]
fn a_fault_that_does_not_exist_is_refused_with_those_that_do() {
    let app = App::start(&[]);
    let answer = ask(app.port, "POST", "/fault?hangs=1");
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("fail_health"), "{}", answer.text());

    let output = command(&[("STATUS", "x")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("status=x"));
}
