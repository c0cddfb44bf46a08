//! bgd ends in the middle, and what it says, or what a rollback does then. That every step can be interrupted in every way
//! is shown by the tests of `signals`.

use std::time::Duration;

use bgd_load::Running;
use bgd_testkit::{Spawned, images};
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
