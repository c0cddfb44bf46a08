use std::rc::Rc;
use std::time::{Duration, Instant};

use bgd::probe::{BODY_LIMIT, FailureKind, Request, SocketState};

use crate::child::{FULL, PORT};
use crate::support::{Host, get, port};

pub async fn an_answer_comes_back_whole(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let answer = vantage.request(&get("/ok")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    assert_eq!(answer.header("content-length"), Some("5"));
    assert!(answer.took > Duration::ZERO && answer.took < Duration::from_secs(5));
    let sockets = vantage.sockets().await.unwrap();
    let listening = sockets.iter().filter(|socket| socket.state == SocketState::Listening);
    let mut ports: Vec<u16> = listening.map(|socket| socket.local.port()).collect();
    ports.sort_unstable();
    assert_eq!(ports, [PORT, FULL], "only the sockets of the container's own network are seen");
}

pub async fn a_request_under_way_shows_on_its_connection(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let request = Request { limit: Duration::from_millis(1500), ..get("/hang") };
    let looks = async {
        let start = Instant::now();
        loop {
            let open = vantage.connections().await.unwrap();
            // The side that asked, and not the one that was asked.
            let asked = open.iter().find(|connection| connection.remote.port() == PORT);
            if asked.is_some_and(|asked| asked.carries() == bgd::probe::Carries::Request) {
                return true;
            }
            if start.elapsed() > Duration::from_secs(1) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (_, seen) = tokio::join!(vantage.request(&request), looks);
    assert!(seen);
}

pub async fn what_is_sent_arrives(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let request = Request {
        method: "POST".to_owned(),
        host: "api.example.com".to_owned(),
        headers: vec![("X-Key".to_owned(), "k1".to_owned()), ("User-Agent".to_owned(), "me".to_owned())],
        body: Some("some body ü".to_owned()),
        ..get("/echo")
    };
    let body = vantage.request(&request).await.unwrap().body.to_lowercase();
    assert!(body.starts_with("post /echo http/1.1\r\n"), "{body}");
    for line in ["host: api.example.com", "x-key: k1", "user-agent: me", "content-length: 12"] {
        assert_eq!(body.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {body}");
    }
    assert_eq!(body.matches("user-agent").count(), 1, "{body}");
    assert!(body.ends_with("\r\n\r\nsome body ü"), "{body}");
}

pub async fn a_redirect_is_not_followed(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let answer = vantage.request(&get("/redirect")).await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("/ok")));
}

/// Where nobody listens, the system gives one attempt of some thousands the very port that it asks for, and it is connected
/// with itself: here every second one.
pub async fn nobody_listens_is_what_it_is_even_when_one_meets_oneself(host: Rc<Host>) {
    let mut spec = host.spec();
    spec.sysctls.insert("net.ipv4.ip_local_port_range".to_owned(), "40000 40003".to_owned());
    let (_container, vantage) = host.inside(&spec).await;
    for attempt in 0..40 {
        let request = Request { to: port(40000 + attempt % 4), ..get("/ok") };
        let failure = vantage.request(&request).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused, "attempt {attempt}: {failure}");
    }
    // Nothing of it lingers, which would keep others from the port.
    let open = vantage.sockets().await.unwrap();
    assert!(open.iter().all(|socket| socket.local != socket.remote), "{open:?}");
}

pub async fn a_long_body_is_cut(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    assert_eq!(vantage.request(&get("/big")).await.unwrap().body, "x".repeat(BODY_LIMIT));
}

pub async fn every_failure_has_its_kind(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let short = Duration::from_millis(300);
    let to = |to| Request { to, ..get("/ok") };
    for (request, kind) in [
        (to(port(9)), FailureKind::Refused),
        (to("192.0.2.1:80".parse().unwrap()), FailureKind::Unreachable),
        (Request { limit: short, ..to(port(FULL)) }, FailureKind::ConnectTimeout),
        (Request { limit: short, ..get("/hang") }, FailureKind::AnswerTimeout),
        (get("/half"), FailureKind::Closed),
        (get("/drop"), FailureKind::Closed),
        (get("/garbage"), FailureKind::NotHttp),
    ] {
        let start = Instant::now();
        let failure = vantage.request(&request).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{}{}: {failure}", request.to, request.path);
        assert!(start.elapsed() < Duration::from_secs(5), "{kind} took {:?}", start.elapsed());
    }
}

pub async fn requests_wait_for_no_other(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let slow = Request { limit: Duration::from_secs(2), ..get("/hang") };
    let start = Instant::now();
    let quick = async {
        for _ in 0..20 {
            vantage.request(&get("/ok")).await.unwrap();
        }
        start.elapsed()
    };
    let (slow, quick) = tokio::join!(vantage.request(&slow), quick);
    assert_eq!(slow.unwrap_err().kind, FailureKind::AnswerTimeout);
    assert!(quick < Duration::from_secs(2), "the quick ones took {quick:?}");
}
