//! `down` of a project that the proxy is a service of: nothing can be reached then, but the live release goes on running, what
//! is missing is said, and the next `up`, deploy and rollback work.

use bgd_testkit::Compose;

use crate::front::Proxy;
use crate::shop::{Shop, identity, nothing_lost};

#[track_caller]
fn survives_down(compose: Compose, proxy: Proxy) {
    let shop = Shop::serving(compose, proxy);
    shop.hand_over();
    shop.deploy("1.1").ok();
    shop.deploy("1.2").ok();
    let counted = shop.count();
    let live = shop.live();
    let since = identity(&live);
    shop.down();
    assert_eq!(identity(&live), since);
    assert_eq!(live.ask(3000, "GET", "/version").unwrap().body.trim(), "1.2");
    let told = shop.bgd.run(&["status", &shop.app]).ok().stdout;
    assert!(told.contains(&format!("-p {} up -d", shop.project())), "{told}");
    assert!(!told.contains("has no route"), "{told}");
    for args in [["rollback", "api"].as_slice(), &["recover", "api"]] {
        let refused = shop.bgd.run(args).code(3);
        assert!(refused.stderr.contains("docker compose up -d"), "{args:?}: {}", refused.stderr);
    }

    shop.compose(&["up", "-d"]);
    shop.wait_for("1.2");
    shop.redis().wait_healthy();
    assert!(shop.count() > counted, "Redis has lost its data");
    let load = shop.load();
    shop.bgd.run(&["rollback", "api"]).ok();
    assert_eq!(shop.served().as_deref(), Some("1.1"));
    shop.deploy("1.2").ok();
    nothing_lost(&load.stop());
}

#[test]
fn with_compose_2() {
    survives_down(Compose::two(), Proxy::Nginx);
}

#[test]
fn with_compose_1() {
    match Compose::one() {
        Some(compose) => survives_down(compose, Proxy::TraefikByFiles),
        None => eprintln!("there is no docker-compose 1 here"),
    }
}

/// With every release stopped nothing holds the project's network. The one that `up` makes has the same name and another id,
/// by which the stopped containers do not know it.
#[test]
fn a_stopped_release_comes_back_on_a_network_that_was_made_anew() {
    let shop = Shop::serving(Compose::two(), Proxy::Nginx);
    shop.hand_over();
    shop.deploy("1.1").ok();
    shop.deploy("1.2").ok();
    shop.live().stop();
    let network = format!("{}_default", shop.project());
    let id = || shop.run.docker().ok(["network", "inspect", "--format", "{{.Id}}", &network]);
    let former = id();
    shop.compose(&["down"]);
    shop.compose(&["up", "-d"]);
    shop.redis().wait_healthy();
    assert_ne!(id(), former);
    shop.bgd.run(&["rollback", "api"]).ok();
    assert_eq!(shop.served().as_deref(), Some("1.1"));

    // One that compose made is not bgd's to remove: what to do is said, and works.
    let today = shop.composes_own();
    let refused = shop.bgd.run(&["rollback", "api", "--to", "0"]).code(6);
    assert!(refused.stderr.contains(&format!("docker rm {}", today.name())), "{}", refused.stderr);
    assert!(today.exists());
    shop.run.docker().ok(["rm", today.name()]);
    shop.bgd.run(&["rollback", "api", "--to", "0"]).ok();
    assert_eq!(shop.served().as_deref(), Some("1.0"));

    // What was created again is none of compose's: it stops and removes its own.
    let labels = shop.live().inspect("{{json .Config.Labels}}").unwrap();
    assert!(!labels.contains("com.docker.compose"), "{labels}");
    for command in [["stop", "api"].as_slice(), &["rm", "-f", "api"]] {
        shop.compose(command);
        assert_eq!(shop.served().as_deref(), Some("1.0"), "after {command:?}");
    }
}
