//! Traefik or the live container is restarted after a deploy, a rollback and each kind of retire.

use super::{Means, by_both};
use crate::restarts::restart_both;
use crate::scene::{Scene, each_retire};

#[track_caller]
fn restarts_are_survived(means: Means) {
    let scenes = each_retire(Scene::behind_traefik(means));
    for (_, scene) in &scenes {
        scene.first("1.0");
        scene.deploy("1.1").ok();
    }
    restart_both(&scenes, "1.1", 2);
    for (_, scene) in &scenes {
        scene.rollback().ok();
    }
    restart_both(&scenes, "1.0", 1);
    // What is there now is something to go on from.
    for (_, scene) in &scenes {
        scene.rollback().ok();
        scene.wait_for("1.1");
        scene.assert_clean(2);
    }
}

by_both! {
    with_the_old_release_kept_stopped_and_removed: restarts_are_survived;
}
