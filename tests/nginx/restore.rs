use bgd::proxy::{Proxy, Restored, Route};
use bgd_load::Kind;
use bgd_testkit::{ConfigDir, images};

use super::release::{Release, show};
use super::world::{HOST, Mode, World, block_on};

/// Deploys release 1 and starts release 2 beside it.
async fn one_live_one_ready(nginx: &str, mode: Mode, config_dir: ConfigDir) -> (World, Release, Release) {
    let world = World::new(nginx, mode, config_dir).await;
    let blue = world.release(1).await;
    world.deploy(None, &blue).await;
    if mode == Mode::Upstream {
        world.refer_to_upstream().await;
    }
    world.edge.wait_serving(HOST, "/version");
    let green = world.release(2).await;
    (world, blue, green)
}

fn routes(live: &Release, other: &Release) -> (Route, Route) {
    let (live, other) = (live.target.clone(), other.target.clone());
    let staged = Route { live: Some(live.clone()), idle: Some(other.clone()) };
    (staged, Route { live: Some(other), idle: Some(live) })
}

async fn a_switch_is_taken_back(nginx: &str, mode: Mode, config_dir: ConfigDir) {
    let (world, blue, green) = one_live_one_ready(nginx, mode, config_dir).await;
    let (staged, switched) = routes(&blue, &green);
    let load = world.load().with(Kind::Keepalive, 8).with(Kind::PerConnection, 4).start().unwrap();
    for _ in 0..3 {
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        driver.stage(&staged).await.unwrap();
        driver.switch(&switched).await.unwrap();
        driver.verify(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        assert_eq!(driver.live().await.unwrap().unwrap().slot, green.target.slot);
        let restored = driver.restore(&former).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        assert_eq!(restored, Restored::Verified);
        assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot);
        // A second time changes nothing.
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::Verified);
        let now = driver.snapshot().await.unwrap();
        assert_eq!(now.files[0], former.files[0]);
    }
    let report = load.stop();
    assert_eq!(report.failed, 0, "{report}");
    assert!(report.served_by.len() == 2, "{report}");
}

#[test]
fn a_switch_on_a_new_nginx_is_taken_back_without_a_failed_request() {
    block_on(a_switch_is_taken_back(&images().nginx_new, Mode::Upstream, ConfigDir::Volume));
}

#[test]
fn a_switch_on_an_old_nginx_is_taken_back_without_a_failed_request() {
    block_on(a_switch_is_taken_back(&images().nginx_old, Mode::Upstream, ConfigDir::HostFolder));
}

async fn nginx_killed_at_the_switch(nginx: &str, config_dir: ConfigDir) {
    let (world, blue, green) = one_live_one_ready(nginx, Mode::Upstream, config_dir).await;
    let (staged, switched) = routes(&blue, &green);
    let driver = world.driver();
    let former = driver.snapshot().await.unwrap();
    driver.stage(&staged).await.unwrap();
    driver.switch(&switched).await.unwrap();
    world.edge.kill();
    let error = driver.verify(&switched).await.unwrap_err();
    assert!(error.to_string().contains("does not run"), "{}", show(&error));
    assert_eq!(
        driver.restore(&former).await.unwrap_or_else(|e| panic!("{}", show(&e))),
        Restored::WhenItRuns
    );
    assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot, "on disk");
    world.edge.start();
    world.edge.wait_serving(HOST, "/version");
    assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot);
    assert_eq!(world.edge.get(HOST, "/version").unwrap().header("x-version"), Some("1.1"));
    // What was taken back while nginx was down does not stand in the way of the next switch.
    driver.stage(&staged).await.unwrap_or_else(|error| panic!("{}", show(&error)));
    driver.switch(&switched).await.unwrap();
    driver.verify(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
}

#[test]
fn a_new_nginx_killed_at_the_switch_serves_blue_when_it_is_back() {
    block_on(nginx_killed_at_the_switch(&images().nginx_new, ConfigDir::HostFolder));
}

#[test]
fn an_old_nginx_killed_at_the_switch_serves_blue_when_it_is_back() {
    block_on(nginx_killed_at_the_switch(&images().nginx_old, ConfigDir::OwnLayer));
}

async fn what_nginx_refuses_leaves_everything_as_it_was(nginx: &str) {
    let (mut world, blue, green) = one_live_one_ready(nginx, Mode::Upstream, ConfigDir::HostFolder).await;
    let (staged, _) = routes(&blue, &green);
    let former = world.driver().snapshot().await.unwrap();
    let bgd::model::ProxyConfig::Nginx(proxy) = &mut world.app.proxy else { panic!("another proxy") };
    proxy.template = Some(
        "upstream {{ upstream }} {\n    server 127.0.0.1:1;\n    no_such_directive on;\n}\n{% include \"marker.conf\" %}\n"
            .to_owned(),
    );
    let driver = world.driver();
    let error = driver.stage(&staged).await.unwrap_err();
    assert!(
        error.details().iter().any(|d| d.text.contains("unknown directive \"no_such_directive\"")),
        "{}",
        show(&error)
    );
    assert_eq!(driver.snapshot().await.unwrap(), former);
    world.edge.nginx(&["-t"]).unwrap();
    assert_eq!(world.edge.get(HOST, "/version").unwrap().status, 200);
}

#[test]
fn what_a_new_nginx_refuses_leaves_everything_as_it_was() {
    block_on(what_nginx_refuses_leaves_everything_as_it_was(&images().nginx_new));
}

#[test]
fn what_an_old_nginx_refuses_leaves_everything_as_it_was() {
    block_on(what_nginx_refuses_leaves_everything_as_it_was(&images().nginx_old));
}

#[test]
fn the_first_deploy_is_taken_back_to_an_nginx_that_can_still_start() {
    block_on(async {
        let world = World::new(&images().nginx_new, Mode::Upstream, ConfigDir::HostFolder).await;
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        let first = world.release(1).await;
        world.deploy(None, &first).await;
        world.refer_to_upstream().await;
        driver.restore(&former).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        assert_eq!(driver.live().await.unwrap(), None);
        world.edge.restart();
        bgd_testkit::poll_until(std::time::Duration::from_secs(10), || {
            world.edge.get(HOST, "/version").is_ok_and(|answer| answer.status == 503)
        });
    });
}
