use crate::server::{Client, OK, OK_AND_CLOSE, load, run_until, serve};
use bgd_load::{FailureKind, Kind};

/// Answers once and closes without a word, as nginx does to idle connections when its workers quit.
fn answer_and_leave(mut client: Client) {
    client.request();
    client.write(OK);
}

#[test]
fn an_unannounced_end_of_an_idle_connection_fails_the_next_request() {
    let report =
        run_until(load(serve(answer_and_leave), Kind::PacedKeepalive, 2), |report| report.failed >= 4);
    assert_eq!(report.failed_as(FailureKind::ClosedIdle), report.failed, "{report}");
    assert!(report.answered >= 4);
}

#[test]
fn an_attentive_client_notices_it_and_loses_nothing() {
    let load = load(serve(answer_and_leave), Kind::PacedKeepalive, 2).attentive();
    let report = run_until(load, |report| report.noticed_closes >= 4);
    assert_eq!(report.failed, 0, "{report}");
    assert!(report.connections > report.noticed_closes);
}

#[test]
fn an_announced_end_is_no_failure() {
    let target = serve(|mut client| {
        client.request();
        client.write(OK);
        client.request();
        client.write(OK_AND_CLOSE);
    });
    for kind in [Kind::PacedKeepalive, Kind::Keepalive] {
        let report = run_until(load(target, kind, 2), |report| report.answered >= 8);
        assert_eq!(report.failed, 0, "{report}");
        assert!(report.connections <= report.answered / 2 + 2, "{report}");
    }
}

#[test]
fn an_end_that_crosses_the_request_fails_even_an_attentive_client() {
    let target = serve(|mut client| {
        client.request();
        client.write(OK);
        client.request();
    });
    let load = load(target, Kind::PacedKeepalive, 1).attentive();
    let report = run_until(load, |report| report.failed >= 2);
    assert_eq!(report.failed_as(FailureKind::Closed), report.failed, "{report}");
}

#[test]
fn one_connection_carries_all_requests_of_a_client() {
    let target = crate::server::always(OK);
    for kind in [Kind::PacedKeepalive, Kind::Keepalive] {
        let report = run_until(load(target, kind, 3), |report| report.answered >= 30);
        assert_eq!((report.failed, report.connections), (0, 3), "{report}");
    }
}

#[test]
fn a_connection_per_request_holds_even_if_the_server_would_go_on() {
    let target = crate::server::always(OK);
    let load = load(target, Kind::PerConnection, 2);
    let report = run_until(load, |report| report.answered >= 2);
    assert_eq!((report.failed, report.connections), (0, report.answered), "{report}");
}
