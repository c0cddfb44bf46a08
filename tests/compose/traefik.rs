//! A project with Traefik.

use bgd_testkit::Compose;

use crate::shop::{Proxy, Shop, nothing_lost};

#[track_caller]
fn handed_over(compose: Compose, versions: &[&str]) {
    let shop = Shop::serving(compose, Proxy::Traefik);
    let others = shop.others();
    let today = shop.composes_own();
    let started = today.inspect("{{.State.StartedAt}}").unwrap();
    shop.hand_over();
    let load = shop.load();
    let first = shop.deploy("1.1").ok();
    assert!(first.stderr.contains("becomes release 0 first"), "{}", first.stderr);
    assert_eq!(shop.served().as_deref(), Some("1.1"));
    assert_eq!(today.inspect("{{.State.StartedAt}}").unwrap(), started, "it was restarted");
    for version in versions {
        shop.compose(&["up", "-d", "--remove-orphans"]);
        shop.deploy(version).ok();
        assert_eq!(shop.served().as_deref(), Some(*version));
        shop.bgd.run(&["rollback", "api"]).ok();
    }
    shop.bgd.run(&["rollback", "api", "--to", "0"]).ok();
    assert_eq!(shop.served().as_deref(), Some("1.0"));
    nothing_lost(&load.stop());
    assert_eq!(shop.others(), others, "compose's other containers are others now");
}

#[test]
fn a_project_of_compose_2_is_handed_over_under_load() {
    handed_over(Compose::two(), &["1.2", "1.1", "1.2", "1.1"]);
}

#[test]
fn a_project_of_compose_1_is_handed_over_under_load() {
    match Compose::one() {
        Some(compose) => handed_over(compose, &["1.2"]),
        None => eprintln!("there is no docker-compose 1 here"),
    }
}
