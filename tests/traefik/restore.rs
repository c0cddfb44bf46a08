use std::time::{Duration, Instant};

use bgd::proxy::{Proxy, Restored, Route};
use bgd_load::Kind;

use super::release::{Release, drained, show};
use super::world::{World, block_on};

/// Deploys release 1 and starts release 2 beside it.
async fn one_live_one_ready() -> (World, Release, Release) {
    let world = World::usual().await;
    let blue = world.release(1).await;
    world.deploy(None, &blue).await;
    world.wait_serving();
    let green = world.release(2).await;
    (world, blue, green)
}

fn routes(live: &Release, other: &Release) -> (Route, Route) {
    let (live, other) = (live.target.clone(), other.target.clone());
    let staged = Route { live: Some(live.clone()), idle: Some(other.clone()) };
    (staged, Route { live: Some(other), idle: Some(live) })
}

#[test]
fn a_switch_is_taken_back_without_a_failed_request() {
    block_on(async {
        let (world, blue, green) = one_live_one_ready().await;
        let (staged, switched) = routes(&blue, &green);
        let load = world.load().with(Kind::Keepalive, 8).with(Kind::PerConnection, 4).start().unwrap();
        for _ in 0..3 {
            let driver = world.driver();
            let former = driver.snapshot().await.unwrap();
            driver.stage(&staged).await.unwrap();
            driver.switch(&switched).await.unwrap();
            driver.verify(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
            let restored = driver.restore(&former).await.unwrap_or_else(|error| panic!("{}", show(&error)));
            assert_eq!(restored, Restored::Verified);
            assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot);
            let back = driver.snapshot().await.unwrap();
            // A second time changes nothing.
            assert_eq!(driver.restore(&former).await.unwrap(), Restored::Verified);
            assert_eq!(driver.snapshot().await.unwrap(), back);
            assert_eq!(driver.seen().await.unwrap().edited, [""; 0]);
        }
        let report = load.stop();
        assert_eq!(report.failed, 0, "{report}");
        assert_eq!(report.served_by.len(), 2, "{report}");
    });
}

/// Traefik lets a change wait for its throttle, of 2 s here. What is put back meanwhile is what it serves already, so that
/// alone proves nothing: the switch may still come, and stay for another 2 s.
#[test]
fn a_switch_that_is_on_its_way_is_taken_back_for_good() {
    block_on(async {
        let (world, blue, green) = one_live_one_ready().await;
        let (staged, switched) = routes(&blue, &green);
        let load = world.load().with(Kind::Keepalive, 4).with(Kind::PerConnection, 4).start().unwrap();
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        driver.stage(&staged).await.unwrap();
        driver.switch(&switched).await.unwrap();
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::Verified);
        drained(&driver, &green).await;
        green.container.kill();
        // For longer than Traefik's throttle, nobody may be sent to what is gone.
        let until = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < until {
            assert_eq!(world.version().as_deref(), Some("1.1"));
        }
        let report = load.stop();
        assert_eq!(report.failed, 0, "{report}");
    });
}

#[test]
fn the_first_deploy_is_taken_back_to_nothing() {
    block_on(async {
        let world = World::usual().await;
        let blue = world.release(1).await;
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        let route = Route { live: Some(blue.target.clone()), idle: None };
        driver.switch(&route).await.unwrap();
        driver.verify(&route).await.unwrap();
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::Verified);
        assert_eq!((world.file(), driver.live().await.unwrap()), (None, None));
        assert_eq!(world.get("/version").status, 404);
        // The same where Traefik is stopped: its file cannot be removed then.
        driver.switch(&route).await.unwrap();
        driver.verify(&route).await.unwrap();
        world.traefik.stop();
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::WhenItRuns);
        assert_eq!(driver.live().await.unwrap(), None);
        let mut world = world;
        world.traefik.start();
        world.came_up();
        assert_eq!(world.driver().live().await.unwrap(), None);
        let refusals = world.driver().preflight().await.unwrap();
        assert!(!refusals.iter().any(|f| f.message.contains("not written by bgd")), "{refusals:?}");
        world.driver().switch(&route).await.unwrap();
        world.driver().verify(&route).await.unwrap();
        assert_eq!(world.version().as_deref(), Some("1.1"));
    });
}

#[test]
fn a_broken_template_is_found_before_anything_moves() {
    block_on(async {
        let (mut world, blue, green) = one_live_one_ready().await;
        world.change(|traefik| traefik.template = Some("http: [{{ service.name }}".to_owned()));
        let driver = world.driver();
        let (staged, _) = routes(&blue, &green);
        let error = driver.stage(&staged).await.unwrap_err();
        assert!(error.to_string().contains("not valid YAML"), "{}", show(&error));
        let findings = driver.preflight().await.unwrap();
        assert!(findings[0].message.contains("not valid YAML"), "{findings:?}");
        assert_eq!(world.version().as_deref(), Some("1.1"));
    });
}

#[test]
fn what_traefik_does_not_take_is_told_in_its_own_words_and_taken_back() {
    block_on(async {
        let (mut world, blue, green) = one_live_one_ready().await;
        let (staged, switched) = routes(&blue, &green);
        let built_in = include_str!("../../templates/traefik/file.yml");
        // Well-formed YAML with all that bgd looks for, and a field that Traefik does not know.
        world.change(|traefik| {
            traefik.template =
                Some(built_in.replace("      loadBalancer:", "      nonsense: 1\n      loadBalancer:"));
        });
        let load = world.load().with(Kind::Keepalive, 4).with(Kind::PerConnection, 2).start().unwrap();
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        driver.stage(&staged).await.unwrap();
        driver.switch(&switched).await.unwrap();
        let error = driver.verify(&switched).await.unwrap_err();
        assert!(show(&error).contains("still answers for release 1"), "{}", show(&error));
        assert!(show(&error).contains("nonsense"), "{}", show(&error));
        assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot);
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::Verified);
        assert_eq!(world.version().as_deref(), Some("1.1"));
        let report = load.stop();
        assert_eq!(report.failed, 0, "{report}");
    });
}

#[test]
fn traefik_killed_at_the_switch_comes_back_with_the_former_route() {
    block_on(async {
        let (mut world, blue, green) = one_live_one_ready().await;
        let (staged, switched) = routes(&blue, &green);
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        driver.stage(&staged).await.unwrap();
        driver.switch(&switched).await.unwrap();
        world.traefik.kill();
        let error = driver.verify(&switched).await.unwrap_err();
        assert!(error.to_string().contains("does not run"), "{}", show(&error));
        assert!(driver.switch(&switched).await.is_err());
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::WhenItRuns);
        assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot, "on disk");
        world.traefik.start();
        world.came_up();
        world.wait_serving();
        assert_eq!(world.version().as_deref(), Some("1.1"));
        assert_eq!(driver.live().await.unwrap().unwrap().slot, blue.target.slot);
        world.deploy(Some(&blue), &green).await;
        assert_eq!(world.version().as_deref(), Some("1.2"));
    });
}

#[test]
fn a_release_that_traefik_does_not_reach_is_not_called_live() {
    block_on(async {
        let (world, blue, green) = one_live_one_ready().await;
        let driver = world.driver();
        let former = driver.snapshot().await.unwrap();
        let mut elsewhere = green.target.clone();
        elsewhere.release_host = "no-such-name".to_owned();
        let route = Route { live: Some(elsewhere), idle: Some(blue.target.clone()) };
        driver.switch(&route).await.unwrap();
        let error = driver.verify(&route).await.unwrap_err();
        // Docker's DNS says at once that there is no such name, or asks elsewhere for as long as nobody answers it.
        let told = error.to_string();
        assert!(told.contains("release 2"), "{}", show(&error));
        assert!(told.contains("502") || told.contains("timed out"), "{}", show(&error));
        assert_eq!(driver.restore(&former).await.unwrap(), Restored::Verified);
        assert_eq!(world.version().as_deref(), Some("1.1"));
    });
}
