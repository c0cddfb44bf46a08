//! bgd is killed at a step, and recover brings everything to an end.

use std::time::Duration;

use bgd_testkit::{Gate, images};

use super::{Means, by_both};
use crate::scene::{Scene, nothing_lost};

#[track_caller]
fn killed_at(means: Means, step: &str, lives: &[&str]) {
    let scene = Scene::behind_traefik(means);
    scene.configure("drain: { timeout: 1s }\nretire: stop\nwatch: { window: 2s }\n");
    scene.first("1.0");
    let load = scene.mixed();
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--output", "json"]);
    let begun = format!("\"event\":\"step-started\",\"step\":\"{step}\"");
    deploy.wait_for(&begun, Duration::from_secs(60));
    deploy.kill();
    // At once: Traefik may be in the middle of it.
    scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    let served = scene.served().unwrap();
    assert!(lives.contains(&served.as_str()), "{served} after a kill at {step}");
    clean(&scene, if served == "1.0" { 1 } else { 2 });
    scene.deploy("1.2").ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    clean(&scene, 3);
    nothing_lost(&load.stop());
}

#[track_caller]
fn clean(scene: &Scene<Gate>, release: u32) {
    scene.assert_clean(release);
    let running = scene.containers().into_iter().filter(|(_, state, _)| state == "running").count();
    assert_eq!(running, 1, "{:?}", scene.containers());
}

by_both! {
    at_stage: |means| killed_at(means, "stage", &["1.0"]);
    at_the_switch: |means| killed_at(means, "switch", &["1.0", "1.1"]);
    at_verify: |means| killed_at(means, "verify", &["1.0", "1.1"]);
    while_watching: |means| killed_at(means, "watch", &["1.1"]);
    while_draining: |means| killed_at(means, "drain", &["1.1"]);
}
