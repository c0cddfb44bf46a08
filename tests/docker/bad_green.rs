//! A green that must not get traffic: blue never notices, and the exit code and message tell why.

use bgd_testkit::{Outcome, images};

use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// Deploys a green that fails while blue is under load. Returns what bgd said.
#[track_caller]
fn refused(more: &str, image: &str, code: i32) -> Outcome {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    let before = scene.containers();
    scene.configure(more);
    let load = scene.mixed();
    let outcome = scene.bgd.run(&["deploy", image, "--no-watch"]).code(code);
    let report = load.stop();
    nothing_lost(&report);
    assert_eq!(report.served_by.keys().collect::<Vec<_>>(), ["1.0"], "green was served\n{report}");
    assert_eq!(scene.containers(), before, "something was left behind or taken away");
    scene.assert_clean(1);
    outcome
}

#[track_caller]
fn says(outcome: &Outcome, texts: &[&str]) {
    for text in texts {
        assert!(outcome.stderr.contains(text), "no {text:?} in\n{}", outcome.stderr);
    }
}

const FAST: &str = "health: { http: /health, deadline: 3s }\n";
/// For what ends by itself, long before.
const PATIENT: &str = "health: { http: /health, deadline: 30s }\n";

#[test]
fn one_that_dies() {
    let more = format!("{PATIENT}env: {{ EXIT_AFTER: 100ms, START_DELAY: 10s }}\n");
    says(&refused(&more, &images().app("1.1"), 6), &["exit code", "release 1", "is live, as before"]);
}

#[test]
fn one_that_hangs() {
    let more = format!("{FAST}env: {{ HANG: 1 }}\n");
    says(&refused(&more, &images().app("1.1"), 6), &["timed out", "deadline"]);
}

#[test]
fn one_that_is_never_healthy() {
    let more = format!("{FAST}env: {{ FAIL_HEALTH: 1 }}\n");
    says(&refused(&more, &images().app("1.1"), 6), &["answered 503"]);
}

#[test]
fn one_whose_image_calls_itself_unhealthy() {
    let more = "health: { cmd: [\"/app\", \"check\"], interval: 1s, retries: 2, deadline: 10s }\nenv: { FAIL_HEALTH: 1 }\n";
    says(&refused(more, &images().app("1.1"), 6), &["is not ready", "503"]);
}

#[test]
fn one_that_listens_on_the_wrong_port() {
    let more = format!("{FAST}env: {{ PORT: 8080 }}\n");
    says(&refused(&more, &images().app("1.1"), 6), &["8080"]);
}

#[test]
fn one_that_answers_500_to_its_smoke_test() {
    let more = "env: { STATUS: 500, SPARE_HEALTH: 1 }\n";
    says(&refused(more, &images().app("1.1"), 7), &["smoke test failed", "/api/v1/test", "500"]);
}

#[test]
fn one_that_redirects_its_smoke_test() {
    let more = "env: { REDIRECT: https, SPARE_HEALTH: 1 }\n";
    says(&refused(more, &images().app("1.1"), 7), &["301", "https://"]);
}

#[test]
fn one_that_refuses_the_host_of_its_smoke_test() {
    let more = "env: { HOST_CHECK: example.com, SPARE_HEALTH: 1 }\n";
    says(&refused(more, &images().app("1.1"), 7), &["403", "Host"]);
}

#[test]
fn one_that_cannot_be_started() {
    let more = "entrypoint: [\"/no-such-program\"]\n";
    says(&refused(more, &images().app("1.1"), 6), &["could not be started", "no-such-program"]);
}

#[test]
fn one_without_any_health_check() {
    let outcome = refused("health:\n", &images().app_without_check("1.1"), 3);
    says(&outcome, &["HEALTHCHECK", "health: none"]);
}

#[test]
fn one_whose_image_is_nowhere() {
    let outcome = refused("pull: never\n", "bgd-test/app:no-such-tag", 5);
    says(&outcome, &["bgd-test/app:no-such-tag", "docker pull"]);
}
