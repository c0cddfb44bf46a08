//! `down` of the rest: the live release goes on running, and the next `up` and deploy work.

use bgd_testkit::Compose;

use crate::shop::{Proxy, Shop, nothing_lost};

#[track_caller]
fn survives_down(compose: Compose) {
    let is_one = compose.version().starts_with("1.");
    let shop = Shop::serving(compose, Proxy::Nginx);
    shop.hand_over();
    shop.deploy("1.1").ok();
    let live = shop.live();
    let (id, started) = (live.inspect("{{.Id}}"), live.inspect("{{.State.StartedAt}}"));
    // Version 1 fails at the network that the live release is on, after the rest is gone; version 2 says so and goes on.
    assert_eq!(shop.try_compose(&["down", "--remove-orphans"]), !is_one);
    assert_eq!(shop.others().len(), 0, "{:?}", shop.others());
    assert!(live.is_running());
    assert_eq!((live.inspect("{{.Id}}"), live.inspect("{{.State.StartedAt}}")), (id, started));
    assert_eq!(live.ask(3000, "GET", "/version").unwrap().body.trim(), "1.1");

    shop.compose(&["up", "-d"]);
    shop.wait_for("1.1");
    shop.wait_dependency();
    let load = shop.load();
    shop.deploy("1.2").ok();
    assert_eq!(shop.served().as_deref(), Some("1.2"));
    shop.bgd.run(&["rollback"]).ok();
    nothing_lost(&load.stop());
}

#[test]
fn of_compose_2() {
    survives_down(Compose::two());
}

#[test]
fn of_compose_1() {
    match Compose::one() {
        Some(compose) => survives_down(compose),
        None => eprintln!("there is no docker-compose 1 here"),
    }
}
