//! What bgd is for, once behind each proxy. `scripts/test` runs these on the engine that the machine came with, too.

use std::ops::Deref;
use std::time::Duration;

use bgd_testkit::{Front, images};

use crate::scene::{Means, Nginx, Route, Scene, nothing_lost};

const SOON: Duration = Duration::from_secs(60);

/// Under load: a deploy that is watched, a rollback, a green that is never ready, and a bgd that is killed and recovers.
#[track_caller]
fn the_main_job<P: Deref<Target = Front>>(scene: &Scene<P>) {
    let settings = "drain: { timeout: 1s }\nwatch: { window: 1s }\nretire: stop\n";
    scene.configure(settings);
    scene.first("1.0");
    let load = scene.mixed();
    let newer = images().app("1.1");

    scene.bgd.run(&["deploy", &newer]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);

    scene.configure(&format!(
        "{settings}health: {{ http: /health, deadline: 2s }}\nenv: {{ FAIL_HEALTH: 1 }}\n"
    ));
    scene.bgd.run(&["deploy", &newer]).code(6);
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);

    scene.configure(&settings.replace("window: 1s", "window: 5m"));
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.2"), "--output", "json"]);
    deploy.wait_for("\"event\":\"step-started\",\"step\":\"watch\"", SOON);
    deploy.kill();
    scene.bgd.run(&["rollback", &scene.app]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);

    let report = load.stop();
    nothing_lost(&report);
    for version in ["1.0", "1.1", "1.2"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
}

#[test]
fn behind_a_new_nginx() {
    the_main_job(&Scene::new(Nginx::New, Route::Upstream));
}

#[test]
fn behind_an_old_nginx() {
    the_main_job(&Scene::new(Nginx::Old, Route::Server));
}

#[test]
fn behind_traefik_by_files() {
    the_main_job(&Scene::behind_traefik(Means::Files));
}

#[test]
fn behind_traefik_by_labels() {
    the_main_job(&Scene::behind_traefik(Means::Labels));
}
