use std::rc::Rc;
use std::time::{Duration, Instant};

use bgd::error::Kind;

use crate::support::{Host, LABEL};

pub async fn starting_stopping_and_removing_twice_is_fine(host: Rc<Host>) {
    let id = host.start("a", &["wait"]).await;
    host.engine.start(&id).await.unwrap();
    for _ in 0..2 {
        host.engine.stop(&id, Duration::from_secs(10)).await.unwrap();
    }
    let stopped = host.engine.container(&id).await.unwrap().unwrap().state;
    assert_eq!((stopped.status.as_str(), stopped.running, stopped.pid), ("exited", false, 0));
    host.engine.start(&id).await.unwrap();
    host.engine.signal(&id, "KILL").await.unwrap();
    host.until(&id, "dead", |state| state.exit_code == 137).await;
    for _ in 0..2 {
        host.engine.remove(&id).await.unwrap();
    }
    assert_eq!(host.engine.container(&id).await.unwrap(), None);
}

pub async fn a_taken_name_says_by_whom(host: Rc<Host>) {
    let (a, b) = (host.name("a"), host.name("b"));
    let id = host.start("a", &["wait"]).await;
    host.engine.create(&b, &host.spec(&["wait"])).await.unwrap();
    for error in [
        host.engine.create(&a, &host.spec(&["wait"])).await.unwrap_err(),
        host.engine.rename(&b, &a).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Docker);
        let told = error.one_line();
        assert!(told.contains(&a) && told.contains(&id[..12]) && told.contains("running"), "{told}");
    }
    host.engine.rename(&b, &host.name("c")).await.unwrap();
    assert!(host.engine.container(&host.name("c")).await.unwrap().is_some());
}

pub async fn a_missing_container_is_none_or_an_error_that_names_it(host: Rc<Host>) {
    let name = host.name("missing");
    assert_eq!(host.engine.container(&name).await.unwrap(), None);
    assert_eq!(host.engine.container("../info").await.unwrap(), None);
    assert_eq!(host.engine.image("../info").await.unwrap(), None);
    host.engine.remove(&name).await.unwrap();
    let errors = [
        host.engine.start(&name).await.err(),
        host.engine.stop(&name, Duration::ZERO).await.err(),
        host.engine.signal(&name, "HUP").await.err(),
        host.engine.rename(&name, &host.name("b")).await.err(),
        host.engine.log_tail(&name, 1).await.err(),
        host.engine.processes(&name).await.err(),
        host.engine.exec(&name, &["/x".to_owned()], Duration::from_secs(5)).await.err(),
        host.engine.download(&name, "/x").await.err(),
    ];
    for error in errors {
        let told = error.unwrap().one_line();
        assert!(told.contains(&name), "{told}");
    }
    let mut spec = host.spec(&["wait"]);
    spec.image = "bgd-test-no-such-image:1".into();
    let error = host.engine.create(&name, &spec).await.unwrap_err();
    assert!(
        error.hints().iter().any(|hint| hint.contains("docker pull bgd-test-no-such-image:1")),
        "{error:?}"
    );
}

pub async fn a_long_grace_period_is_not_cut_off(host: Rc<Host>) {
    // A client's time limit that counts from the request would end before this stop does; the wire tests show the
    // limit itself. Here: the whole grace period is waited for, and no more.
    let id = host.start("a", &["stubborn"]).await;
    let begun = Instant::now();
    host.engine.stop(&id, Duration::from_millis(1500)).await.unwrap();
    let took = begun.elapsed();
    assert!(
        (1900..9000).contains(&took.as_millis()),
        "a grace of 1.5 s is 2 s for the engine; it took {took:?}"
    );
    assert_eq!(host.engine.container(&id).await.unwrap().unwrap().state.exit_code, 137);
}

pub async fn a_list_holds_what_carries_all_labels(host: Rc<Host>) {
    let mut spec = host.spec(&["wait"]);
    spec.labels.insert("x".into(), "1".into());
    let id = host.engine.create(&host.name("a"), &spec).await.unwrap();
    host.start("b", &["wait"]).await;
    let test = format!("{LABEL}={}", host.tag);
    let one = host.engine.containers(&[test.clone(), "x".into()]).await.unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!((one[0].id.as_str(), one[0].name.as_str()), (id.as_str(), host.name("a").as_str()));
    assert_eq!((one[0].status.as_str(), one[0].labels["x"].as_str()), ("created", "1"));
    let both = host.engine.containers(&[test]).await.unwrap();
    assert_eq!(both.len(), 2);
    let running = both.iter().find(|listed| listed.id != id).unwrap();
    assert!(running.status_text.starts_with("Up") && running.addresses.contains_key("bridge"), "{running:?}");
}

pub async fn the_processes_are_those_of_the_host(host: Rc<Host>) {
    let id = host.start("a", &["wait"]).await;
    let processes = host.engine.processes(&id).await.unwrap();
    let pid = host.engine.container(&id).await.unwrap().unwrap().state.pid;
    assert_eq!(processes.len(), 1);
    assert_eq!((processes[0].pid, processes[0].title.as_str()), (pid, "/child --bgd-child wait"));
    assert!(processes[0].parent > 0);
}
