use std::cell::RefCell;
use std::collections::VecDeque;

use async_trait::async_trait;

use super::*;
use crate::error::Result as BgdResult;
use crate::model::{Expectation, Method};
use crate::probe::SocketState;

/// Answers from a list and keeps what it was asked.
struct Told {
    answers: RefCell<VecDeque<Result<Answer, Failure>>>,
    asked: RefCell<Vec<Request>>,
}

impl Told {
    fn new(answers: impl IntoIterator<Item = Result<Answer, Failure>>) -> Self {
        Self { answers: RefCell::new(answers.into_iter().collect()), asked: RefCell::default() }
    }
}

#[async_trait(?Send)]
impl Vantage for Told {
    async fn request(&self, request: &Request) -> Result<Answer, Failure> {
        self.asked.borrow_mut().push(request.clone());
        self.answers.borrow_mut().pop_front().expect("asked too often")
    }
    async fn read(&self, _: &str) -> BgdResult<Option<Vec<u8>>> {
        unreachable!()
    }
    async fn list(&self, _: &str) -> BgdResult<Option<Vec<String>>> {
        unreachable!()
    }
    async fn write(&self, _: &str, _: &[u8]) -> BgdResult<()> {
        unreachable!()
    }
    async fn delete(&self, _: &str) -> BgdResult<()> {
        unreachable!()
    }
    async fn sockets(&self) -> BgdResult<Vec<Socket>> {
        unreachable!()
    }
}

async fn ask(test: &SmokeTest, host: &str, via: &Told) -> Result<Answer, SmokeFailure> {
    let manner = Manner { host: Some(host.to_owned()), proto: None };
    run(test, at(), (&manner, &AppName::parse("api").unwrap()), via).await
}

fn at() -> SocketAddr {
    "172.18.0.3:3000".parse().unwrap()
}

fn test() -> SmokeTest {
    SmokeTest {
        method: Method::Get,
        path: "/health".to_owned(),
        headers: [].into(),
        body: None,
        expect: Expectation {
            status: vec![],
            body: None,
            json: [].into(),
            within: Duration::from_millis(500),
        },
        retries: 0,
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Answer, Failure> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Answer { status, headers, body: body.to_owned(), took: Duration::from_millis(5) })
}

fn failure(kind: FailureKind) -> Result<Answer, Failure> {
    Err(Failure { kind, message: "the system's words".to_owned() })
}

async fn fail(test: &SmokeTest, answer: Result<Answer, Failure>) -> SmokeFailure {
    ask(test, "api.example.com", &Told::new([answer])).await.unwrap_err()
}

fn listening(local: &str) -> Socket {
    Socket {
        local: local.parse().unwrap(),
        remote: "0.0.0.0:0".parse().unwrap(),
        state: SocketState::Listening,
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_test_is_asked_again_after_a_pause() {
    let via = Told::new([failure(FailureKind::Refused), answer(503, &[], ""), answer(200, &[], "ok")]);
    let start = tokio::time::Instant::now();
    let answer = ask(&SmokeTest { retries: 2, ..test() }, "api", &via).await.unwrap();
    assert_eq!(answer.body, "ok");
    assert_eq!(start.elapsed(), 2 * PAUSE);
    assert_eq!(via.asked.borrow().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_told_when_the_retries_are_used_up() {
    let via = Told::new([failure(FailureKind::Refused), answer(503, &[], "warming up")]);
    let failure = ask(&SmokeTest { retries: 1, ..test() }, "api", &via).await.unwrap_err();
    assert_eq!(failure.message, "GET /health on 172.18.0.3:3000: answered 503, expected is 2xx");
    assert_eq!(failure.excerpt.as_deref(), Some("warming up"));
}

#[tokio::test]
async fn the_test_s_own_host_goes_before_the_default() {
    let own = SmokeTest {
        headers: [("HOST".to_owned(), Secret::new("own")), ("X-Key".to_owned(), Secret::new("k"))].into(),
        ..test()
    };
    let via = Told::new([answer(200, &[], ""), answer(200, &[], "")]);
    ask(&own, "default", &via).await.unwrap();
    ask(&test(), "default", &via).await.unwrap();
    let asked = via.asked.borrow();
    assert_eq!((asked[0].host.as_str(), asked[1].host.as_str()), ("own", "default"));
    assert_eq!(asked[0].headers, [("X-Key".to_owned(), "k".to_owned())]);
}

#[tokio::test]
async fn a_refused_connection_is_explained_by_where_the_app_listens() {
    let refused = fail(&test(), failure(FailureKind::Refused)).await;
    assert!(refused.wants_sockets());
    let told = |sockets: &[Socket]| {
        let failure = refused.clone().explain(sockets);
        (failure.message.replace("GET /health on 172.18.0.3:3000: ", ""), failure.hint.unwrap())
    };
    let dns = listening("127.0.0.11:41234");
    let (message, hint) =
        told(&[dns, listening("[::]:9090"), listening("0.0.0.0:8080"), listening("127.0.0.1:99")]);
    assert_eq!(message, "nothing listens on port 3000; the container listens on 8080, 9090");
    assert_eq!(hint, "set `port: 8080`, or let the app listen on 3000");
    assert_eq!(
        told(&[dns, listening("127.0.0.1:3000")]).0,
        "the container listens on port 3000 only at 127.0.0.1"
    );
    assert_eq!(told(&[dns]).0, "nothing listens on port 3000; the container listens on no port at all");
    assert_eq!(
        told(&[listening("127.0.0.1:8080")]).0,
        "nothing listens on port 3000; the container listens on 8080 only at localhost"
    );
    // It came up in between: what was seen stays.
    assert_eq!(told(&[listening("0.0.0.0:3000")]).0, "connection refused");
}

#[tokio::test]
async fn a_redirect_says_where_it_leads() {
    let secure = [("location", "https://api.example.com/health")];
    let redirect = fail(&test(), answer(301, &secure, "")).await;
    assert_eq!(
        redirect.message,
        "GET /health on 172.18.0.3:3000: answered 301 to https://api.example.com/health"
    );
    let hint = redirect.hint.unwrap();
    assert!(hint.contains("not followed") && hint.contains("X-Forwarded-Proto"), "{hint}");

    let login = fail(&test(), answer(302, &[("location", "/login")], "")).await;
    assert!(!login.hint.unwrap().contains("X-Forwarded-Proto"));
}

#[tokio::test]
async fn a_host_check_is_recognised() {
    for status in [400, 403, 421] {
        let refused = fail(&test(), answer(status, &[], "Invalid HTTP_HOST header")).await;
        let hint = refused.hint.unwrap();
        assert!(hint.contains("\"api.example.com\"") && hint.contains("headers: { Host"), "{hint}");
    }
}

#[tokio::test]
async fn every_kind_of_failure_has_words_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for kind in [
        FailureKind::Refused,
        FailureKind::Unreachable,
        FailureKind::ConnectTimeout,
        FailureKind::AnswerTimeout,
        FailureKind::Closed,
        FailureKind::NotHttp,
        FailureKind::Vantage,
    ] {
        let failed = fail(&test(), failure(kind)).await;
        assert_eq!(failed.hint.is_none(), kind == FailureKind::Vantage, "{kind}");
        assert!(seen.insert(failed.message));
    }
}

#[tokio::test]
async fn a_long_body_is_cut_and_harmless() {
    let body = format!("\u{1b}[31mbad\nend{}", "x".repeat(500));
    let excerpt = fail(&test(), answer(500, &[], &body)).await.excerpt.unwrap();
    assert_eq!(excerpt.chars().count(), 201);
    assert!(excerpt.starts_with(" [31mbad endxxx") && excerpt.ends_with('…'), "{excerpt}");
}

#[tokio::test]
async fn what_the_app_repeats_of_the_headers_is_blotted_out() {
    let secret = SmokeTest {
        headers: [("Authorization".to_owned(), Secret::new("Bearer hunter2-and-more"))].into(),
        ..test()
    };
    let page = "got Authorization: Bearer hunter2-and-more; token hunter2-and-more is unknown";
    let location = [("location", "/login?token=hunter2-and-more")];
    for status in [403, 302] {
        let failure = fail(&secret, answer(status, &location, page)).await;
        let error = Error::from(failure.clone());
        assert_eq!(error.kind(), Kind::Smoke);
        let shown = format!("{failure:?} {error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(failure.excerpt.unwrap().contains("token *** is unknown"));
    }
}
