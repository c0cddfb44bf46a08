//! A project that serves, handed over to bgd under load: the app's requests depend on the project's Redis, which is to notice
//! nothing, and has to have counted every request once in the end.

use bgd_testkit::Compose;

use crate::front::Proxy;
use crate::shop::{Shop, identity, nothing_lost};

/// The first deploy adopts what compose runs, deploys and rollbacks follow, two a round, and compose runs the rest all the
/// while.
#[track_caller]
fn handed_over(compose: Option<Compose>, proxy: Proxy, rounds: usize) {
    match compose {
        Some(compose) => goes_over(&Shop::serving(compose, proxy), rounds),
        None => eprintln!("there is no docker-compose 1 here"),
    }
}

#[track_caller]
fn goes_over(shop: &Shop, rounds: usize) {
    let others = shop.others();
    assert_eq!(others.len(), 2, "{others:?}");
    let today = shop.composes_own();
    let since = identity(&today);
    shop.hand_over();
    let load = shop.load();
    // Before the first deploy: with the profile, compose leaves alone what it runs for the service.
    shop.compose(&["up", "-d", "--remove-orphans"]);
    let mut counted = shop.count();
    let mut counts_on = |shop: &Shop| {
        let now = shop.count();
        assert!(now > counted, "the counter went from {counted} to {now}");
        counted = now;
    };
    let first = shop.deploy("1.1").ok();
    assert!(first.stderr.contains("becomes release 0 first"), "{}", first.stderr);
    assert!(!first.stderr.contains("starts api too"), "{}", first.stderr);
    assert_eq!(shop.served().as_deref(), Some("1.1"));
    assert_eq!(today.inspect("{{.Id}} {{.State.StartedAt}}").unwrap(), since, "it was restarted");
    let labels = shop.live().inspect("{{json .Config.Labels}}").unwrap();
    assert!(!labels.contains("com.docker.compose"), "{labels}");
    counts_on(shop);
    for round in 0..rounds {
        let version = if round % 2 == 0 { "1.2" } else { "1.1" };
        // During a deploy: both may do their work at once.
        let mut meanwhile = shop.spawn_compose(&["up", "-d", "--remove-orphans"]);
        shop.deploy(version).ok();
        assert!(meanwhile.wait().unwrap().success());
        assert_eq!(shop.served().as_deref(), Some(version));
        counts_on(shop);
        // Back to what compose started, once.
        let back: &[&str] = if round == 0 { &["rollback", "api", "--to", "0"] } else { &["rollback", "api"] };
        shop.bgd.run(back).ok();
        counts_on(shop);
    }
    // After it.
    shop.compose(&["up", "-d", "--remove-orphans"]);
    counts_on(shop);
    let report = load.stop();
    nothing_lost(&report);
    for version in ["1.0", "1.1", "1.2"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
    shop.counted_exactly(&report);
    assert_eq!(shop.others(), others, "compose's other containers are others now, or were restarted");
    assert!(today.exists(), "an adopted container was removed");
}

#[test]
fn behind_nginx_with_compose_2() {
    handed_over(Some(Compose::two()), Proxy::Nginx, 2);
}

#[test]
fn behind_nginx_with_compose_1() {
    handed_over(Compose::one(), Proxy::Nginx, 2);
}

#[test]
fn behind_traefik_by_files_with_compose_2() {
    handed_over(Some(Compose::two()), Proxy::TraefikByFiles, 2);
}

#[test]
fn behind_traefik_by_files_with_compose_1() {
    handed_over(Compose::one(), Proxy::TraefikByFiles, 2);
}

#[test]
fn behind_traefik_by_labels_with_compose_2() {
    handed_over(Some(Compose::two()), Proxy::TraefikByLabels, 2);
}

#[test]
fn behind_traefik_by_labels_with_compose_1() {
    handed_over(Compose::one(), Proxy::TraefikByLabels, 1);
}
