//! A restarted and a killed daemon: routes are back with it, by files and by labels.

use bgd_testkit::{Gate, TestRun, images};

use super::{Means, by_both};
use crate::daemon::{End, engine_with, survive};
use crate::scene::Scene;

/// One scene for each kind of retire, so that each restart tells of all of them.
#[track_caller]
fn restarts_of_the_daemon(means: Means, end: End) {
    let mut engine = engine_with(&[&images().traefik_new]);
    let scenes: Vec<(&str, Scene<Gate>)> = ["keep", "stop", "remove"]
        .map(|retire| {
            let run = TestRun::on(&engine.docker());
            let scene = Scene::gate(run, &images().traefik_new, means, |gate| {
                gate.option("--providers.providersthrottleduration=100ms").arg("--restart").arg(end.policy())
            });
            scene.configure(&format!("retire: {retire}\nrestart: {}\n", end.policy()));
            scene.first("1.0");
            scene.deploy("1.1").ok();
            (retire, scene)
        })
        .into();
    survive(&mut engine, end, &scenes, "1.1", 2, 1);
    for (_, scene) in &scenes {
        scene.rollback().ok();
    }
    survive(&mut engine, end, &scenes, "1.0", 1, 2);
}

by_both! {
    a_restarted_daemon: |means| restarts_of_the_daemon(means, End::Restart);
    a_killed_daemon: |means| restarts_of_the_daemon(means, End::Kill);
}
