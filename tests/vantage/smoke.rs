use std::rc::Rc;
use std::time::Duration;

use bgd::model::{AppName, Expectation, Method, SmokeTest};
use bgd::probe::smoke;
use bgd::proxy::Manner;

use crate::support::{Host, port};

pub async fn a_wrong_port_is_explained(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    let within = Duration::from_secs(2);
    let expect = Expectation { status: vec![], body: Some("hello".to_owned()), json: [].into(), within };
    let test = SmokeTest {
        method: Method::Get,
        path: "/ok".to_owned(),
        headers: [].into(),
        body: None,
        expect,
        retries: 1,
    };
    let (manner, app) = (Manner::default(), AppName::parse("child").unwrap());
    smoke::run(&test, port(crate::child::PORT), (&manner, &app), &*vantage).await.unwrap();
    let failure = smoke::run(&test, port(3000), (&manner, &app), &*vantage).await.unwrap_err();
    assert!(failure.wants_sockets());
    let failure = failure.explain(&vantage.sockets().await.unwrap());
    let message = "GET /ok on 127.0.0.1:3000: nothing listens on port 3000; the container listens on 8080";
    assert_eq!(failure.message, message);
}
