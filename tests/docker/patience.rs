//! An app that takes its time, and one whose image calls it unhealthy although it serves.

use bgd_testkit::images;

use crate::identity::with_check;
use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// Longer than all tries of a check with nothing but a path.
const SLOW: &str = "env: { START_DELAY: 8s }\n";

#[test]
fn one_that_listens_late_is_waited_for() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let load = scene.mixed();
    scene.configure(&format!("health: {{ http: /health }}\n{SLOW}"));
    scene.deploy("1.1").ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    // Without a check the smoke tests wait for the port.
    scene.configure(&format!("health: none\n{SLOW}"));
    scene.deploy("1.2").ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    nothing_lost(&load.stop());
    scene.assert_clean(3);
}

#[test]
fn one_that_never_listens_is_given_up_at_the_deadline_and_says_what_was_seen() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    scene.configure("health: { http: /health, deadline: 3s }\nenv: { START_DELAY: 60s }\n");
    let told = scene.deploy("1.1").code(6).stderr;
    for text in ["waited 3 s; last seen: GET /health on port 3000: ", "refused", "raise `health.deadline`"] {
        assert!(told.contains(text), "no {text:?} in\n{told}");
    }
    scene.assert_clean(1);
}

/// Images are published with a check that cannot pass, such as one by a curl that is not in them.
#[test]
fn the_check_of_an_image_counts_for_nothing_where_the_configuration_has_its_own() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let check = "--interval=300ms --retries=1 CMD [\"/usr/bin/curl\", \"localhost\"]";
    let image = with_check(&scene.run, &images().app("1.1"), check);
    scene.first("1.0");
    for health in ["health: { http: /health }", "health: none"] {
        scene.configure(&format!("{health}\nwatch: {{ window: 3s }}\n"));
        let told = scene.bgd.run(&["deploy", &image.tag, "--app", &scene.app]).ok().stderr;
        assert!(!told.contains("unhealthy"), "{told}");
    }
    scene.assert_clean(3);
}
