use crate::server::{OK, always, answer, load, run_until, serve};
use bgd_load::{FailureKind, Kind, Report, digest};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// Runs one client until three requests have failed, and expects nothing but failures of one kind.
fn only(kind: FailureKind, target: SocketAddr, load_kind: Kind) -> Report {
    let load = load(target, load_kind, 1).time_limit(Duration::from_millis(200));
    let report = run_until(load, |report| report.failed >= 3);
    assert_eq!(report.failures.len(), 1, "{report}");
    assert_eq!(report.failures[0].load, load_kind.name());
    assert_eq!(report.failed_as(kind), report.failed, "{report}");
    report
}

#[test]
fn refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for kind in [Kind::Keepalive, Kind::PerConnection, Kind::Slow, Kind::Post, Kind::Websocket] {
        let report = only(FailureKind::Refused, address, kind);
        assert_eq!((report.answered, report.connections), (0, 0));
    }
}

#[test]
fn closed_before_the_answer() {
    let target = serve(|mut client| drop(client.request()));
    only(FailureKind::Closed, target, Kind::Keepalive);
    only(FailureKind::Closed, target, Kind::Post);
}

#[test]
fn reset_before_the_answer() {
    let target = serve(|mut client| {
        client.request();
        client.reset();
    });
    let report = only(FailureKind::Reset, target, Kind::PerConnection);
    assert!(report.failures[0].sample.contains("before the answer"), "{report}");
}

#[test]
fn reset_within_the_answer() {
    let target = serve(|mut client| {
        client.request();
        client.write(&OK[..OK.len() - 1]);
        // The reset would overtake bytes that the client has not read.
        std::thread::sleep(Duration::from_millis(30));
        client.reset();
    });
    let report = only(FailureKind::Reset, target, Kind::Keepalive);
    assert!(report.failures[0].sample.contains("within the answer"), "{report}");
}

#[test]
fn truncated() {
    for part in [1, OK.len() - 1] {
        let target = serve(move |mut client| {
            client.request();
            client.write(&OK[..part]);
        });
        only(FailureKind::Truncated, target, Kind::Keepalive);
    }
}

#[test]
fn timed_out_without_an_answer_and_within_one() {
    for part in [0, OK.len() - 1] {
        let target = serve(move |mut client| {
            client.request();
            client.write(&OK[..part]);
            client.request();
        });
        only(FailureKind::TimedOut, target, Kind::Keepalive);
    }
}

#[test]
fn a_status_other_than_2xx_with_its_number_and_the_first_line() {
    let target = always("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\nno upstreams");
    let report = only(FailureKind::Status(502), target, Kind::Keepalive);
    assert_eq!(report.failures[0].sample, "status 502: no upstreams");
    assert_eq!(report.connections, 1, "a whole answer leaves the connection open");

    let redirects = always("HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n");
    only(FailureKind::Status(301), redirects, Kind::PerConnection);
}

#[test]
fn malformed() {
    only(FailureKind::Malformed, always("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Kind::Keepalive);
}

#[test]
fn a_digest_of_a_body_that_differs_in_one_byte_or_none() {
    let flipped = serve(|mut client| {
        while let Some(mut body) = client.request() {
            body[40_000] ^= 1;
            client.write(answer(&digest(&body)));
        }
    });
    let report = only(FailureKind::Mismatch, flipped, Kind::Post);
    assert!(report.failures[0].sample.starts_with("sent 65536 "), "{report}");
    only(FailureKind::Mismatch, always(OK), Kind::Post);
}

#[test]
fn an_early_refusal_of_a_body_is_counted_by_its_status() {
    let target = serve(|mut client| {
        client.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        client.request();
    });
    only(FailureKind::Status(413), target, Kind::Post);
}
