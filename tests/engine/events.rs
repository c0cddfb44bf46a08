use std::rc::Rc;
use std::time::Duration;

use bgd::docker::{ContainerEvent, EventKind, HealthStatus};
use bgd::error::Result;
use bgd::model::HealthCheck;
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;

use crate::support::{Host, LABEL};

/// Collects kinds of events until one is as wanted.
async fn until(
    events: &mut LocalBoxStream<'static, Result<ContainerEvent>>,
    wanted: impl Fn(EventKind) -> bool,
) -> Vec<ContainerEvent> {
    let mut seen = Vec::new();
    let collect = async {
        loop {
            let event = events.next().await.expect("the stream does not end").unwrap();
            let done = wanted(event.kind);
            seen.push(event);
            if done {
                return;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), collect).await;
    assert!(in_time.is_ok(), "only {seen:?}");
    seen
}

pub async fn a_subscription_stands_when_it_returns(host: Rc<Host>) {
    let label = format!("{LABEL}={}", host.tag);
    for round in 0..20 {
        let mut events = host.engine.events(std::slice::from_ref(&label)).await.unwrap();
        let name = host.name(&format!("r{round}"));
        let id = host.engine.create(&name, &host.spec(&["wait"])).await.unwrap();
        host.engine.start(&id).await.unwrap();
        host.engine.signal(&id, "KILL").await.unwrap();
        host.until(&id, "dead", |state| !state.running).await;
        host.engine.remove(&id).await.unwrap();
        let seen = until(&mut events, |kind| kind == EventKind::Destroy).await;
        let kinds: Vec<_> = seen.iter().map(|event| event.kind).collect();
        let all = [EventKind::Start, EventKind::Die(137), EventKind::Destroy];
        assert_eq!(kinds, all, "in round {round}");
        assert!(seen.iter().all(|event| event.id == id && event.name == name), "{seen:?}");
    }
}

pub async fn health_and_exit_codes_are_told(host: Rc<Host>) {
    let label = format!("{LABEL}={}", host.tag);
    let mut events = host.engine.events(std::slice::from_ref(&label)).await.unwrap();
    let check = |code: &str| HealthCheck {
        test: ["CMD", "/child", "--bgd-child", "exit", code].map(str::to_owned).into(),
        interval: Some(Duration::from_millis(100)),
        timeout: Some(Duration::from_secs(5)),
        retries: Some(1),
        start_period: None,
    };
    for (code, status) in [("0", HealthStatus::Healthy), ("1", HealthStatus::Unhealthy)] {
        let mut spec = host.spec(&["wait"]);
        spec.health = Some(check(code));
        let id = host.engine.create(&host.name(&format!("h{code}")), &spec).await.unwrap();
        host.engine.start(&id).await.unwrap();
        until(&mut events, |kind| kind == EventKind::Health(status)).await;
        let health = host.engine.container(&id).await.unwrap().unwrap().state.health.unwrap();
        assert_eq!((health.status, health.last.unwrap().0.to_string().as_str()), (status, code));
        host.engine.remove(&id).await.unwrap();
    }
    host.start("e", &["exit", "7"]).await;
    until(&mut events, |kind| kind == EventKind::Die(7)).await;
}
