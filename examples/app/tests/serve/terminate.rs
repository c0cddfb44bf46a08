use crate::client::{connect, get, read_answer, request, write_request};
use crate::process::{App, poll};
use std::io::Read;
use std::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, client};

#[test]
fn a_request_in_flight_is_answered_and_the_client_told_that_the_connection_ends() {
    let app = App::start(&[]);
    let mut stream = connect(app.port);
    write_request(&mut stream, "GET", "/slow?ms=500", "localhost", b"");
    poll(|| get(app.port, "/pending").text() == "1");
    app.signal("-TERM");
    poll(|| TcpStream::connect(("127.0.0.1", app.port)).is_err());

    let answer = read_answer(&mut stream);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection").as_deref(), Some("close"));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(app.wait().code(), Some(0));
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let app = App::start(&[]);
    let mut stream = connect(app.port);
    assert_eq!(request(&mut stream, "GET", "/health", "localhost", b"").status, 200);
    app.signal("-TERM");
    assert_eq!(app.wait().code(), Some(0));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_second_signal_ends_at_once() {
    let app = App::start(&[]);
    let mut stream = connect(app.port);
    write_request(&mut stream, "GET", "/slow?ms=60000", "localhost", b"");
    poll(|| get(app.port, "/pending").text() == "1");
    app.signal("-TERM");
    poll(|| TcpStream::connect(("127.0.0.1", app.port)).is_err());
    app.signal("-TERM");
    assert_eq!(app.wait().code(), Some(1));
}

#[test]
fn a_websocket_says_the_version_echoes_and_is_closed_in_order() {
    let app = App::start(&[("APP_VERSION", "1.1")]);
    let url = format!("ws://localhost:{}/ws", app.port);
    let (mut socket, answer) = client(url, connect(app.port)).unwrap();
    assert_eq!(answer.headers()["x-version"], "1.1");
    assert_eq!(socket.read().unwrap(), Message::text("1.1"));
    socket.send(Message::binary(vec![7; 1000])).unwrap();
    assert_eq!(socket.read().unwrap(), Message::binary(vec![7; 1000]));
    poll(|| get(app.port, "/pending").text() == "1");

    app.signal("-TERM");
    let Message::Close(Some(close)) = socket.read().unwrap() else { panic!("no close frame") };
    assert_eq!(close.code, CloseCode::Away);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    assert_eq!(app.wait().code(), Some(0));
}

#[test]
fn a_plain_request_for_the_websocket_is_refused() {
    let app = App::start(&[]);
    assert_eq!(get(app.port, "/ws").status, 426);
}
