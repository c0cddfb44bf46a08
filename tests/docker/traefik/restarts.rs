//! Traefik or the live container is restarted after a deploy, a rollback and each kind of retire.

use super::{Means, by_both};
use crate::scene::Scene;
use bgd_testkit::Gate;

#[track_caller]
fn restarts_are_survived(means: Means, retire: &str) {
    let scene = Scene::behind_traefik(means);
    scene.configure(&format!("retire: {retire}\n"));
    scene.first("1.0");
    scene.deploy("1.1").ok();
    restart_both(&scene, "1.1", 2);
    scene.rollback().ok();
    restart_both(&scene, "1.0", 1);
    // What is there now is something to go on from.
    scene.rollback().ok();
    scene.wait_for("1.1");
    scene.assert_clean(2);
}

#[track_caller]
fn restart_both(scene: &Scene<Gate>, version: &str, release: u32) {
    scene.wait_for(version);
    scene.edge.restart();
    scene.wait_for(version);
    scene.assert_clean(release);
    scene.live_container().restart();
    scene.wait_for(version);
    scene.edge.restart();
    scene.wait_for(version);
    scene.assert_clean(release);
}

by_both! {
    with_the_old_release_kept: |means| restarts_are_survived(means, "keep");
    with_the_old_release_stopped: |means| restarts_are_survived(means, "stop");
    with_the_old_release_removed: |means| restarts_are_survived(means, "remove");
}
