use bgd::proxy::{Finding, Proxy, Route, Severity, Through};
use bgd_load::Kind;
use bgd_testkit::{ConfigDir, images};

use std::time::{Duration, Instant};

use super::world::{HOST, Mode, World, block_on};

const LIMIT: Duration = Duration::from_secs(2);

async fn releases_follow_each_other_without_a_failed_request(nginx: &str, mode: Mode, config_dir: ConfigDir) {
    let world = World::new(nginx, mode, config_dir).await;
    let first = world.release(1).await;
    let times = world.deploy(None, &first).await;
    eprintln!("first: {times:?}");
    if mode == Mode::Upstream {
        world.refer_to_upstream().await;
    }
    world.edge.wait_serving(HOST, "/version");
    let load = world
        .load()
        .with(Kind::Keepalive, 16)
        .with(Kind::PerConnection, 8)
        .with(Kind::Slow, 8)
        .with(Kind::Post, 4)
        .start()
        .unwrap();
    let start = Instant::now();
    let findings = world.driver().preflight().await.unwrap();
    eprintln!("preflight: {:?}, {findings:?}", start.elapsed());
    let is_fine = |f: &Finding| f.severity == Severity::Note || f.message.contains("own layer");
    assert!(findings.iter().all(is_fine), "{findings:#?}");
    let mut live = first;
    for number in 2..8 {
        let next = world.release(number).await;
        let times = world.deploy(Some(&live), &next).await;
        eprintln!("release {number}: {times:?}");
        let seen = world.driver().live().await.unwrap().unwrap();
        assert_eq!(seen.slot, next.target.slot);
        if !world.is_old(nginx) {
            assert_eq!(seen.release, Some(next.target.release));
        }
        live.container.stop();
        world.engine.remove(live.container.name()).await.unwrap();
        live = next;
    }
    let report = load.stop();
    eprintln!("{report}");
    assert_eq!(report.failed, 0, "{report}");
    assert_eq!(world.edge.get(HOST, "/version").unwrap().status, 200);
}

#[test]
fn new_nginx_upstream() {
    block_on(releases_follow_each_other_without_a_failed_request(
        &images().nginx_new,
        Mode::Upstream,
        ConfigDir::HostFolder,
    ));
}

#[test]
fn new_nginx_server() {
    block_on(releases_follow_each_other_without_a_failed_request(
        &images().nginx_new,
        Mode::Server,
        ConfigDir::Volume,
    ));
}

#[test]
fn old_nginx_upstream() {
    block_on(releases_follow_each_other_without_a_failed_request(
        &images().nginx_old,
        Mode::Upstream,
        ConfigDir::OwnLayer,
    ));
}

#[test]
fn old_nginx_server() {
    block_on(releases_follow_each_other_without_a_failed_request(
        &images().nginx_old,
        Mode::Server,
        ConfigDir::HostFolder,
    ));
}

#[test]
fn every_step_can_run_twice() {
    for nginx in images().nginx() {
        block_on(async {
            let world = World::new(nginx, Mode::Server, ConfigDir::HostFolder).await;
            let blue = world.release(1).await;
            world.deploy(None, &blue).await;
            world.edge.wait_serving(HOST, "/version");
            let green = world.release(2).await;
            let staged = Route { live: Some(blue.target.clone()), idle: Some(green.target.clone()) };
            let switched = Route { live: Some(green.target.clone()), idle: Some(blue.target.clone()) };
            let alone = Route { live: Some(green.target.clone()), idle: None };
            let load = world.load().with(Kind::Keepalive, 4).start().unwrap();
            for driver in [world.driver(), world.driver()] {
                assert!(!driver.preview(&switched).await.unwrap().is_empty());
                driver.stage(&staged).await.unwrap();
                driver.stage(&staged).await.unwrap();
                assert_eq!(driver.preview(&staged).await.unwrap(), []);
                driver.switch(&switched).await.unwrap();
                driver.switch(&switched).await.unwrap();
                driver.verify(&switched).await.unwrap();
                driver.verify(&switched).await.unwrap();
                driver.forget_idle(&alone).await.unwrap();
                driver.forget_idle(&alone).await.unwrap();
                assert_eq!(driver.live().await.unwrap().unwrap().slot, green.target.slot);
                let through = Through {
                    method: "GET",
                    path: "/version?a=b%20c",
                    host: None,
                    headers: &[],
                    limit: LIMIT,
                };
                assert_eq!(driver.through(through).await.unwrap().header("x-version"), Some("1.2"));
                driver.switch(&staged).await.unwrap();
                driver.verify(&staged).await.unwrap();
            }
            let report = load.stop();
            assert_eq!(report.failed, 0, "{report}");
        });
    }
}
