//! A project with nginx, handed over to bgd service by service while it serves.

use std::process::Stdio;

use bgd_testkit::Compose;

use crate::shop::{Proxy, Shop, nothing_lost};

/// The first deploy adopts what compose runs, ten switches follow, and compose runs the rest all the while.
#[track_caller]
fn handed_over(compose: Compose) {
    let shop = Shop::serving(compose, Proxy::Nginx);
    let others = shop.others();
    assert_eq!(others.len(), 2, "{others:?}");
    let today = shop.composes_own();
    let started = today.inspect("{{.State.StartedAt}}").unwrap();
    shop.hand_over();
    let load = shop.load();
    // Before the first deploy: with the profile, compose leaves alone what it runs for the service.
    shop.compose(&["up", "-d", "--remove-orphans"]);
    let first = shop.deploy("1.1").ok();
    assert!(first.stderr.contains("becomes release 0 first"), "{}", first.stderr);
    assert!(!first.stderr.contains("starts api too"), "{}", first.stderr);
    assert_eq!(shop.served().as_deref(), Some("1.1"));
    assert_eq!(today.inspect("{{.State.StartedAt}}").unwrap(), started, "it was restarted");
    assert_eq!(
        shop.live().inspect("{{index .Config.Labels \"com.docker.compose.project\"}}").as_deref(),
        Some("")
    );
    // Back to what compose started, and forth.
    shop.bgd.run(&["rollback"]).ok();
    assert_eq!(shop.served().as_deref(), Some("1.0"));
    for round in 0..4 {
        let version = if round % 2 == 0 { "1.2" } else { "1.1" };
        // During a deploy: both may do their work at once.
        let mut meanwhile = shop.compose.command(&shop.folder());
        let during =
            if round % 2 == 0 { ["up", "-d", "--remove-orphans"].as_slice() } else { &["restart", "dep"] };
        let project = shop.run.name("shop");
        let mut meanwhile =
            meanwhile.args(["-p", &project]).args(during).stderr(Stdio::null()).spawn().unwrap();
        let deployed = shop.deploy(version);
        assert!(meanwhile.wait().unwrap().success(), "compose {during:?}");
        if deployed.code == Some(3) {
            // The dependency was just being restarted.
            assert!(deployed.stderr.contains("depends on dep"), "{}", deployed.stderr);
            shop.wait_dependency();
            shop.deploy(version).ok();
        } else {
            deployed.ok();
        }
        assert_eq!(shop.served().as_deref(), Some(version));
        shop.bgd.run(&["rollback", "api"]).ok();
    }
    // After it.
    shop.compose(&["up", "-d", "--remove-orphans"]);
    shop.compose(&["restart", "dep"]);
    let report = load.stop();
    nothing_lost(&report);
    for version in ["1.0", "1.1", "1.2"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
    assert_eq!(shop.others(), others, "compose's other containers are others now");
    assert!(today.exists(), "an adopted container was removed");
}

#[test]
fn a_project_of_compose_2_is_handed_over_under_load() {
    handed_over(Compose::two());
}

#[test]
fn a_project_of_compose_1_is_handed_over_under_load() {
    match Compose::one() {
        Some(compose) => handed_over(compose),
        None => eprintln!("there is no docker-compose 1 here"),
    }
}
