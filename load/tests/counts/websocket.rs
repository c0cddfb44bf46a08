use crate::server::{Client, always, load, run_until, serve};
use bgd_load::{FailureKind, Kind};
use std::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

/// Greets as the app does and echoes a number of messages.
fn talk(client: &mut Client, echoes: usize) -> WebSocket<TcpStream> {
    let mut socket = accept(client.stream().try_clone().unwrap()).unwrap();
    socket.send(Message::text("1.0")).unwrap();
    for _ in 0..echoes {
        match socket.read().unwrap() {
            // The load was stopped meanwhile.
            Message::Close(_) => break,
            message => socket.send(message).unwrap(),
        }
    }
    socket
}

#[test]
fn a_close_frame_is_a_clean_end_and_the_client_comes_back() {
    let target = serve(|mut client| {
        let mut socket = talk(&mut client, 1);
        let _ = socket.close(None);
        while socket.read().is_ok() {}
    });
    let report = run_until(load(target, Kind::Websocket, 2), |report| report.websocket_closes >= 4);
    assert_eq!(report.failed, 0, "{report}");
    assert_eq!(report.served_by["1.0"], report.answered);
    assert!(report.connections >= 4);
}

#[test]
fn an_end_without_a_close_frame_is_a_failure() {
    let target = serve(|mut client| drop(talk(&mut client, 1)));
    let report = run_until(load(target, Kind::Websocket, 1), |report| report.failed >= 2);
    assert_eq!(report.failed_as(FailureKind::CutWebsocket), report.failed, "{report}");
}

#[test]
fn a_reset_is_a_failure() {
    let target = serve(|mut client| {
        drop(talk(&mut client, 1));
        client.reset();
    });
    let report = run_until(load(target, Kind::Websocket, 1), |report| report.failed >= 2);
    assert_eq!(report.failed_as(FailureKind::Reset), report.failed, "{report}");
}

#[test]
fn another_echo_than_was_sent_is_a_failure() {
    let target = serve(|mut client| {
        let mut socket = talk(&mut client, 0);
        socket.read().unwrap();
        socket.send(Message::text("something else")).unwrap();
        while socket.read().is_ok() {}
    });
    let report = run_until(load(target, Kind::Websocket, 1), |report| report.failed >= 2);
    assert_eq!(report.failed_as(FailureKind::Mismatch), report.failed, "{report}");
}

#[test]
fn a_refused_handshake_is_counted_by_its_status() {
    let target = always("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let report = run_until(load(target, Kind::Websocket, 1), |report| report.failed >= 2);
    assert_eq!(report.failed_as(FailureKind::Status(502)), report.failed, "{report}");
}

#[test]
fn stopping_the_load_closes_in_order() {
    let target = serve(|mut client| {
        let mut socket = talk(&mut client, 0);
        while let Ok(message) = socket.read() {
            if message.is_text() {
                socket.send(message).unwrap();
            }
        }
    });
    let report = run_until(load(target, Kind::Websocket, 2), |report| report.answered >= 6);
    assert_eq!((report.failed, report.websocket_closes, report.connections), (0, 0, 2), "{report}");
}
