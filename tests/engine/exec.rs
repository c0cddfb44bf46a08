use std::rc::Rc;
use std::time::{Duration, Instant};

use bgd::error::Kind;
use bgd::model::LogDriver;

use crate::support::Host;

fn child(words: &[&str]) -> Vec<String> {
    ["/child", "--bgd-child"].iter().chain(words).map(|word| (*word).to_owned()).collect()
}

const LIMIT: Duration = Duration::from_secs(20);

pub async fn output_and_exit_code_come_back(host: Rc<Host>) {
    let id = host.start("a", &["wait"]).await;
    let said = host.engine.exec(&id, &child(&["print", "hello"]), LIMIT).await.unwrap();
    assert_eq!(said.code, 0);
    assert!(said.output.contains("hello\n") && said.output.contains("and an error\n"), "{said:?}");
    assert_eq!(host.engine.exec(&id, &child(&["exit", "3"]), LIMIT).await.unwrap().code, 3);
    // A program that is not there is told as an error or as the exit code 127, never as success.
    match host.engine.exec(&id, &["/no/such/program".to_owned()], LIMIT).await {
        Ok(said) => assert!(said.code != 0 && said.output.contains("no such file"), "{said:?}"),
        Err(error) => assert!(error.one_line().contains("/no/such/program"), "{}", error.one_line()),
    }
}

pub async fn a_command_that_takes_too_long_is_given_up(host: Rc<Host>) {
    let id = host.start("a", &["wait"]).await;
    let begun = Instant::now();
    let error = host.engine.exec(&id, &child(&["stubborn"]), Duration::from_millis(300)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(error.kind(), Kind::Docker);
    assert!(error.one_line().contains("took longer than 300ms"), "{}", error.one_line());
}

pub async fn an_endless_output_is_bounded(host: Rc<Host>) {
    let id = host.start("a", &["wait"]).await;
    let said = host.engine.exec(&id, &child(&["flood"]), LIMIT).await.unwrap();
    assert_eq!(said.code, 0);
    assert!(said.output.len() > 64 * 1024 && said.output.len() < 65 * 1024, "{}", said.output.len());
}

pub async fn a_log_is_read_whatever_its_driver(host: Rc<Host>) {
    for driver in ["json-file", "local", "none"] {
        let mut spec = host.spec(&["print", "hello"]);
        spec.log = Some(LogDriver { driver: driver.into(), options: Default::default() });
        let id = host.engine.create(&host.name(driver), &spec).await.unwrap();
        host.engine.start(&id).await.unwrap();
        host.until(&id, "over", |state| state.status == "exited").await;
        let log = host.engine.log_tail(&id, 5).await.unwrap();
        if driver == "none" {
            assert!(log.contains("log cannot be read"), "{log}");
        } else {
            assert!(log.contains("hello\n") && log.contains("and an error\n"), "{driver}: {log}");
            assert_eq!(host.engine.log_tail(&id, 1).await.unwrap().lines().count(), 1);
        }
    }
}
