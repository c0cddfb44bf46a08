//! bgd ends in the middle: by `kill -9` at a step, by Ctrl-C, or because its terminal went away.

use std::time::Duration;

use bgd_load::Running;
use bgd_testkit::{Outcome, Spawned, images};
use nix::sys::signal::Signal;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

const SOON: Duration = Duration::from_secs(60);

/// A scene with release 1 live and load on it.
fn under_load(nginx: Nginx) -> (Scene, Running) {
    let scene = Scene::new(nginx, Route::Upstream);
    configure(&scene, "2s");
    scene.first("1.0");
    let load = scene.mixed();
    (scene, load)
}

/// WebSockets stay until the drain's end, so that end is near.
fn configure(scene: &Scene, window: &str) {
    scene.configure(&format!("drain: {{ timeout: 2s }}\nretire: stop\nwatch: {{ window: {window} }}\n"));
}

/// Begins a deploy, and returns when it has come to this step.
#[track_caller]
fn begin(scene: &Scene, version: &str, step: &str) -> Spawned {
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app(version), "--output", "json"]);
    deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), SOON);
    deploy
}

#[track_caller]
fn recover(scene: &Scene) -> Outcome {
    scene.bgd.run(&["recover", &scene.app, "--yes"])
}

/// Asserts that exactly this release serves and that only its containers and `others` are there.
#[track_caller]
fn only(scene: &Scene, version: &str, release: u32, others: &[(u32, &str)]) {
    assert_eq!(scene.served().as_deref(), Some(version));
    scene.assert_clean(release);
    let mut expected: Vec<_> = others.iter().map(|(number, state)| (*number, (*state).to_owned())).collect();
    expected.push((release, "running".to_owned()));
    expected.sort();
    let mut there: Vec<(u32, String)> =
        scene.containers().into_iter().map(|(_, state, release)| (release.parse().unwrap(), state)).collect();
    there.sort();
    assert_eq!(there, expected, "{:?}", scene.containers());
}

/// Killed before the switch, recover takes everything back, and the next deploy finds its way free.
#[track_caller]
fn before_the_switch(nginx: Nginx, steps: &[&str]) {
    let (scene, load) = under_load(nginx);
    for step in steps {
        begin(&scene, "1.1", step).kill();
        assert_eq!(scene.served().as_deref(), Some("1.0"), "killed at {step}");
        recover(&scene).ok();
        only(&scene, "1.0", 1, &[]);
    }
    let next = u32::try_from(steps.len()).unwrap() + 2;
    scene.deploy("1.1").ok();
    only(&scene, "1.1", next, &[(1, "exited")]);
    nothing_lost(&load.stop());
}

#[test]
fn at_create_or_start() {
    before_the_switch(Nginx::New, &["create", "start"]);
}

#[test]
fn at_ready_smoke_or_stage() {
    before_the_switch(Nginx::New, &["ready", "smoke", "stage"]);
}

#[test]
fn at_stage_on_an_old_nginx() {
    before_the_switch(Nginx::Old, &["smoke", "stage"]);
}

/// Killed at the switch itself, either release may be live; recover keeps to what the proxy says.
#[track_caller]
fn at_the_switch(nginx: Nginx) {
    let (scene, load) = under_load(nginx);
    begin(&scene, "1.1", "switch").kill();
    recover(&scene).ok();
    match scene.status()["live"].as_u64() {
        Some(1) => only(&scene, "1.0", 1, &[]),
        Some(2) => only(&scene, "1.1", 2, &[(1, "exited")]),
        live => panic!("live: {live:?}"),
    }
    scene.deploy("1.2").ok();
    scene.assert_clean(3);
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    nothing_lost(&load.stop());
}

#[test]
fn at_the_switch_of_a_new_nginx() {
    at_the_switch(Nginx::New);
}

#[test]
fn at_the_switch_of_an_old_nginx() {
    at_the_switch(Nginx::Old);
}

/// Killed after the switch, recover goes on to the end.
#[track_caller]
fn after_the_switch(nginx: Nginx, step: &str) {
    let (scene, load) = under_load(nginx);
    begin(&scene, "1.1", step).kill();
    // At once: nginx may be in the middle of it, and recover has to see that.
    recover(&scene).ok();
    only(&scene, "1.1", 2, &[(1, "exited")]);
    scene.deploy("1.2").ok();
    only(&scene, "1.2", 3, &[(2, "exited")]);
    nothing_lost(&load.stop());
}

#[test]
fn at_verify() {
    after_the_switch(Nginx::New, "verify");
}

#[test]
fn while_watching() {
    after_the_switch(Nginx::New, "watch");
}

#[test]
fn while_watching_on_an_old_nginx() {
    after_the_switch(Nginx::Old, "watch");
}

#[test]
fn at_record() {
    after_the_switch(Nginx::New, "record");
}

#[test]
fn while_draining() {
    after_the_switch(Nginx::New, "drain");
}

#[test]
fn at_retire() {
    after_the_switch(Nginx::New, "retire");
}

#[test]
fn while_watching_and_then_a_rollback() {
    for nginx in [Nginx::New, Nginx::Old] {
        let (scene, load) = under_load(nginx);
        begin(&scene, "1.1", "watch").kill();
        scene.rollback().ok();
        only(&scene, "1.0", 1, &[]);
        scene.deploy("1.2").ok();
        only(&scene, "1.2", 3, &[(1, "exited")]);
        nothing_lost(&load.stop());
    }
}

#[test]
fn interrupted_before_the_switch_undoes() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    let load = scene.mixed();
    scene.configure("env: { START_DELAY: 15s }\n");
    for (signal, next) in [(Signal::SIGINT, 2), (Signal::SIGTERM, 3), (Signal::SIGHUP, 4)] {
        let deploy = begin(&scene, "1.1", "ready");
        deploy.signal(signal);
        let outcome = deploy.wait(SOON).code(130);
        assert!(outcome.stderr.contains(&format!("release {next} was not deployed")), "{}", outcome.stderr);
        only(&scene, "1.0", 1, &[]);
    }
    nothing_lost(&load.stop());
}

#[test]
fn interrupted_while_watching_stays_on_green_with_blue_warm() {
    for nginx in [Nginx::New, Nginx::Old] {
        let (scene, load) = under_load(nginx);
        configure(&scene, "5m");
        let deploy = begin(&scene, "1.1", "watch");
        deploy.signal(Signal::SIGINT);
        let outcome = deploy.wait(SOON).code(130);
        assert!(outcome.stderr.contains("bgd recover"), "{}", outcome.stderr);
        assert_eq!(scene.served().as_deref(), Some("1.1"));
        let status = scene.status();
        assert_eq!(status["live"], 2, "{status:#}");
        assert_eq!(status["warm"], serde_json::json!([1]), "{status:#}");
        assert!(status["problems"].to_string().contains("bgd recover"), "{status:#}");
        scene.rollback().ok();
        only(&scene, "1.0", 1, &[]);
        nothing_lost(&load.stop());
    }
}

#[test]
fn interrupted_while_watching_is_finished_by_recover() {
    let (scene, load) = under_load(Nginx::New);
    let deploy = begin(&scene, "1.1", "watch");
    deploy.signal(Signal::SIGINT);
    deploy.wait(SOON).code(130);
    recover(&scene).ok();
    only(&scene, "1.1", 2, &[(1, "exited")]);
    nothing_lost(&load.stop());
}

#[test]
fn a_terminal_that_closes_while_watching_changes_nothing() {
    let (scene, load) = under_load(Nginx::New);
    let deploy = begin(&scene, "1.1", "watch");
    deploy.signal(Signal::SIGHUP);
    deploy.wait(SOON).ok();
    only(&scene, "1.1", 2, &[(1, "exited")]);
    nothing_lost(&load.stop());
}
