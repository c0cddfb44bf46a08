use std::time::Duration;

use bgd::model::TraefikMode;
use bgd::proxy::{Proxy, Route, Severity, Through};
use bgd_load::Kind;

use super::release::show;
use super::world::{DYNAMIC_DIR, HOST, USUAL, World, block_on};

const LIMIT: Duration = Duration::from_secs(2);

/// Without it Traefik itself breaks off answers to a body that is still being read, with any app and no bgd about: Go's
/// server closes the request's body as soon as the answer begins.
const BUFFER: &str =
    "http:\n  middlewares:\n    buffer:\n      buffering:\n        memRequestBodyBytes: 1048576\n";

async fn switches(options: &[&str], count: u32) {
    let mut world = World::with_files(options, &[("buffer.yml", BUFFER)]).await;
    world.change(|traefik| traefik.router.middlewares = vec!["buffer@file".to_owned()]);
    let first = world.release(1).await;
    let times = world.deploy(None, &first).await;
    eprintln!("first: {times:?}");
    world.wait_serving();
    let load = world
        .load()
        .with(Kind::Keepalive, 12)
        .with(Kind::PerConnection, 6)
        .with(Kind::Slow, 6)
        .with(Kind::Post, 4)
        .with(Kind::PacedKeepalive, 4)
        .start()
        .unwrap();
    let findings = world.driver().preflight().await.unwrap();
    assert!(findings.iter().all(|f| f.severity == Severity::Note), "{findings:#?}");
    let mut live = first;
    for number in 2..count + 2 {
        let next = world.release(number).await;
        let times = world.deploy(Some(&live), &next).await;
        eprintln!("release {number}: {times:?}");
        let seen = world.driver().live().await.unwrap().unwrap();
        assert_eq!((seen.slot, seen.release), (next.target.slot, Some(next.target.release)));
        live.container.stop();
        world.engine.remove(live.container.name()).await.unwrap();
        live = next;
    }
    let report = load.stop();
    eprintln!("{report}");
    assert_eq!(report.failed, 0, "{report}");
    assert_eq!(report.served_by.len(), 3, "{report}");
}

#[test]
fn four_switches_with_traefik_s_own_throttle_fail_no_request() {
    block_on(switches(&USUAL, 4));
}

#[test]
fn ten_switches_with_a_short_throttle_fail_no_request() {
    block_on(switches(&[&USUAL[..], &["--providers.providersThrottleDuration=100ms"]].concat(), 10));
}

#[test]
fn without_the_api_the_marker_alone_proves_a_switch() {
    block_on(async {
        let world = World::new(&USUAL[..3]).await;
        let blue = world.release(1).await;
        world.deploy(None, &blue).await;
        let green = world.release(2).await;
        let driver = world.driver();
        assert_eq!(driver.live().await.unwrap().unwrap().release, Some(blue.target.release));
        world.deploy(Some(&blue), &green).await;
        assert_eq!(driver.live().await.unwrap().unwrap().release, Some(green.target.release));
        assert_eq!(world.version().as_deref(), Some("1.2"));
    });
}

#[test]
fn every_step_can_run_twice() {
    block_on(async {
        let world = World::usual().await;
        let blue = world.release(1).await;
        assert_eq!(world.driver().live().await.unwrap(), None);
        world.deploy(None, &blue).await;
        let green = world.release(2).await;
        let staged = Route { live: Some(blue.target.clone()), idle: Some(green.target.clone()) };
        let switched = Route { live: Some(green.target.clone()), idle: Some(blue.target.clone()) };
        let alone = Route { live: Some(green.target.clone()), idle: None };
        let load = world.load().with(Kind::Keepalive, 4).start().unwrap();
        for driver in [world.driver(), world.driver()] {
            let changes = driver.preview(&switched).await.unwrap();
            assert!(changes[0].then.as_ref().unwrap().contains("release=2"), "{changes:?}");
            driver.stage(&staged).await.unwrap();
            driver.stage(&staged).await.unwrap();
            assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot);
            driver.switch(&switched).await.unwrap();
            driver.switch(&switched).await.unwrap();
            assert_eq!(driver.preview(&switched).await.unwrap(), []);
            driver.verify(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
            driver.verify(&switched).await.unwrap();
            driver.forget_idle(&alone).await.unwrap();
            driver.forget_idle(&alone).await.unwrap();
            let through =
                Through { method: "GET", path: "/version?a=b%20c", host: None, headers: &[], limit: LIMIT };
            let answer = driver.through(through).await.unwrap();
            assert_eq!((answer.status, answer.header("x-version")), (200, Some("1.2")));
            assert!(driver.verify(&staged).await.is_err(), "the file is another release's");
            driver.switch(&staged).await.unwrap();
            driver.verify(&staged).await.unwrap();
        }
        assert_eq!(load.stop().failed, 0);
        assert!(driver_describes(&world).await.starts_with("Traefik 3.7"));
    });
}

async fn driver_describes(world: &World) -> String {
    let driver = world.driver();
    driver.live().await.unwrap();
    driver.describe()
}

#[test]
fn the_containers_may_change_their_addresses() {
    block_on(async {
        let world = World::usual().await;
        let blue = world.release(1).await;
        world.deploy(None, &blue).await;
        world.wait_serving();
        blue.container.stop();
        // Another container takes the address that blue had.
        let _squatter = world.release(2).await;
        blue.container.start();
        assert_ne!(world.addresses(blue.container.name()).await, blue.target.addresses);
        world.wait_serving();
        assert_eq!(world.version().as_deref(), Some("1.1"));
    });
}

#[test]
fn what_serves_survives_restarts_of_traefik() {
    block_on(async {
        let mut world = World::usual().await;
        let (blue, green) = (world.release(1).await, world.release(2).await);
        world.deploy(None, &blue).await;
        world.deploy(Some(&blue), &green).await;
        world.traefik.restart();
        let live = world.driver().live().await.unwrap().unwrap();
        assert_eq!(live.release, Some(green.target.release));
        world.came_up();
        world.wait_serving();
        assert_eq!(world.version().as_deref(), Some("1.2"));
        world.traefik.kill();
        assert_eq!(world.driver().live().await.unwrap().unwrap().slot, green.target.slot, "on disk");
        world.traefik.start();
        world.came_up();
        world.wait_serving();
    });
}

#[test]
fn a_folder_below_the_mount_and_a_trailing_slash_serve_too() {
    block_on(async {
        let options = ["--entrypoints.web.address=:80", "--providers.file.directory=/dynamic/apps/"];
        let mut world = World::new(&options).await;
        world.change(|traefik| {
            traefik.mode = TraefikMode::File { dynamic_dir: format!("{DYNAMIC_DIR}/apps/") };
        });
        let findings = world.driver().preflight().await.unwrap();
        assert!(findings.iter().any(|f| f.message.contains("no folder /dynamic/apps")), "{findings:?}");
        std::fs::create_dir(world.folder.path().join("apps")).unwrap();
        world.traefik.restart();
        world.came_up();
        let blue = world.release(1).await;
        world.deploy(None, &blue).await;
        assert_eq!(world.get("/version").status, 200);
        assert!(world.folder.path().join(format!("apps/bgd-{}.yml", world.app.name)).exists(), "{HOST}");
    });
}
