//! What people do with the rest of a project, before, during and after a deploy: the release that serves goes on serving.

use std::time::Duration;

use bgd_testkit::{Compose, Container, Spawned};

use crate::front::Proxy;
use crate::shop::{Shop, identity, nothing_lost};

/// A health check that takes no late start for an illness.
const PATIENT: &str = "    healthcheck: { test: [CMD, /app, check], interval: 1s, start_period: 1m }\n";
const LIMIT: Duration = Duration::from_secs(60);

/// Runs an act in the middle of a step of a deploy: the step is not over when the act is.
#[track_caller]
fn during(deploy: &mut Spawned, step: &str, act: impl FnOnce()) {
    deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), LIMIT);
    act();
    let ended = ["done", "failed"].map(|how| format!("\"event\":\"step-{how}\",\"step\":\"{step}\""));
    let said = deploy.stdout();
    assert!(!ended.iter().any(|ended| said.contains(ended)), "{step} was over before\n{said}");
}

/// Everything that people do with the rest of a project but for `down`, which is the last that the live release would survive
/// if it were compose's.
#[track_caller]
fn all_but_down(shop: &Shop) {
    shop.compose(&["up", "-d", "--remove-orphans"]);
    // No registry answers, so it fails; the containers are what counts.
    shop.try_compose(&["pull", "--ignore-pull-failures"]);
    shop.compose(&["restart"]);
    shop.compose(&["stop"]);
    shop.compose(&["rm", "--force"]);
    assert_eq!(shop.others().len(), 0, "{:?}", shop.others());
    shop.compose(&["up", "-d"]);
    shop.redis().wait_healthy();
}

/// A proxy that is no service of the project serves through all of it.
#[track_caller]
fn goes_on_serving(compose: Compose) {
    let shop = Shop::serving(compose, Proxy::NginxOutside);
    shop.hand_over();
    let load = shop.load_on("/version");
    let serves_on = |live: &Container, act: &dyn Fn()| {
        let since = identity(live);
        act();
        assert_eq!(identity(live), since);
    };

    // Before: what compose runs is left alone by version 2, for it is behind the profile; to version 1 it is still its own.
    let is_one = shop.compose.version().starts_with("1.");
    if is_one {
        shop.compose(&["restart"]);
        shop.compose(&["rm", "--stop", "--force", "redis"]);
    } else {
        let today = shop.composes_own();
        serves_on(&today, &|| all_but_down(&shop));
        serves_on(&today, &|| shop.down());
    }
    let refused = shop.deploy("1.1").code(3);
    assert!(refused.stderr.contains("api depends on redis, which has no container"), "{}", refused.stderr);
    assert!(refused.stderr.contains("up -d redis"), "{}", refused.stderr);
    shop.compose(&["up", "-d"]);
    shop.redis().wait_healthy();
    shop.deploy("1.1").ok();

    // During, before the switch: the new release finds no database, so it gets no traffic.
    shop.edit("get: /api/v1/test", "get: /count");
    shop.edit("REDIS_ADDR:", "FAIL_HEALTH: \"1\", REDIS_ADDR:");
    shop.edit("    volumes: [\"data:/data\"]\n", PATIENT);
    // As long as `down` takes.
    shop.edit("deadline: 30s", "deadline: 60s, retries: 60");
    let live = shop.live();
    serves_on(&live, &|| {
        let mut deploy = shop.spawn_deploy("1.2", &["--no-watch"]);
        during(&mut deploy, "ready", || shop.down());
        Container::new(shop.run.docker(), format!("{}-blue", shop.app)).fault("clear");
        let failed = deploy.wait(LIMIT).code(7);
        assert!(failed.stdout.contains("GET /count on "), "{}", failed.stdout);
    });
    assert_eq!(shop.served().as_deref(), Some("1.1"));
    shop.compose(&["up", "-d"]);
    shop.redis().wait_healthy();

    // During, after the switch: the deploy comes to its end.
    shop.edit("get: /count", "get: /api/v1/test");
    shop.edit("FAIL_HEALTH: \"1\", ", "");
    shop.edit(PATIENT, "");
    shop.edit("deadline: 60s, retries: 60", "deadline: 30s");
    let mut deploy = shop.spawn_deploy("1.2", &["--window", if is_one { "15s" } else { "8s" }]);
    during(&mut deploy, "watch", || shop.down());
    shop.compose(&["up", "-d"]);
    deploy.wait(LIMIT).ok();
    assert_eq!(shop.served().as_deref(), Some("1.2"));

    // After.
    let live = shop.live();
    serves_on(&live, &|| all_but_down(&shop));
    serves_on(&live, &|| shop.down());
    let warned = shop.bgd.run(&["status", &shop.app]).ok();
    assert!(!warned.stdout.contains('!'), "{}", warned.stdout);
    shop.compose(&["up", "-d"]);
    shop.redis().wait_healthy();
    shop.count();
    shop.deploy("1.1").ok();
    shop.bgd.run(&["rollback"]).ok();
    shop.count();
    let report = load.stop();
    nothing_lost(&report);
    for version in ["1.0", "1.1", "1.2"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
}

#[test]
fn the_release_goes_on_serving_with_compose_2() {
    goes_on_serving(Compose::two());
}

#[test]
fn the_release_goes_on_serving_with_compose_1() {
    match Compose::one() {
        Some(compose) => goes_on_serving(compose),
        None => eprintln!("there is no docker-compose 1 here"),
    }
}
