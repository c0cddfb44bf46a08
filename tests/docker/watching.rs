//! The watch: a release that turns bad under real traffic is taken back.

use std::time::Duration;

use bgd_testkit::{Container, images};

use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// Deploys 1.1, does something to it while it is watched, and returns what bgd said.
#[track_caller]
fn while_watched(scene: &Scene, act: impl FnOnce(&Container)) -> bgd_testkit::Outcome {
    let image = images().app("1.1");
    let mut deploy = scene.bgd.spawn(&["deploy", &image, "--window", "20s", "--output", "json"]);
    deploy.wait_for("\"event\":\"step-started\",\"step\":\"watch\"", Duration::from_secs(30));
    scene.wait_for("1.1");
    act(&Container::new(scene.run.docker(), format!("{}-green", scene.app)));
    deploy.wait(Duration::from_secs(60))
}

fn ready() -> Scene {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 3s }\n");
    scene.first("1.0");
    scene
}

#[track_caller]
fn assert_taken_back(scene: &Scene) {
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);
    let names: Vec<_> = scene.containers().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, [format!("{}-blue", scene.app)]);
    let history = scene.bgd.run(&["history", &scene.app]).ok().stdout;
    assert!(history.contains("rolled back"), "{history}");
}

#[test]
fn a_release_that_begins_to_answer_500_is_taken_back() {
    let scene = ready();
    let outcome = while_watched(&scene, |green| green.fault("status=500&spare_health=1")).code(9);
    assert!(outcome.stdout.contains("3 requests in a row failed"), "{}", outcome.stdout);
    assert_taken_back(&scene);
}

#[test]
fn a_release_that_dies_is_taken_back() {
    let scene = ready();
    let outcome = while_watched(&scene, Container::kill).code(9);
    assert!(outcome.stdout.contains("ended with exit code 137"), "{}", outcome.stdout);
    assert_taken_back(&scene);
}

#[test]
fn a_release_that_gets_unhealthy_is_taken_back_and_loses_nothing() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 3s }\nhealth: { cmd: [\"/app\", \"check\"], interval: 500ms, retries: 2, deadline: 20s }\n");
    scene.first("1.0");
    let load = scene.mixed();
    // Its answers stay good: only its own health check fails.
    let outcome = while_watched(&scene, |green| green.fault("fail_health=1")).code(9);
    assert!(outcome.stdout.contains("unhealthy"), "{}", outcome.stdout);
    nothing_lost(&load.stop());
    assert_taken_back(&scene);
}

#[test]
fn a_failure_that_both_releases_share_is_not_taken_back() {
    let scene = ready();
    let blue = Container::new(scene.run.docker(), format!("{}-blue", scene.app));
    let outcome = while_watched(&scene, |green| {
        blue.fault("status=500&spare_health=1");
        green.fault("status=500&spare_health=1");
    })
    .code(15);
    assert!(outcome.stdout.contains("it is not taken back"), "{}", outcome.stdout);
    assert_eq!(scene.status()["live"], 2);
    assert!(blue.is_running(), "the old release was retired although both fail");
}
