//! The state folder is gone.

use bgd_testkit::images;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

#[test]
fn records_are_made_anew_from_the_containers_and_the_proxy() {
    for nginx in [Nginx::New, Nginx::Old] {
        let scene = Scene::new(nginx, Route::Upstream);
        scene.configure("drain: { timeout: 1s }\n");
        scene.first("1.0");
        let load = scene.mixed();
        scene.deploy("1.1").ok();
        std::fs::remove_dir_all(scene.bgd.state_dir()).unwrap();

        // Nobody writes a route without knowing what serves.
        let refused = scene.deploy("1.2").code(11);
        assert!(refused.stderr.contains("bgd recover"), "{refused:#?}");
        assert_eq!(scene.served().as_deref(), Some("1.1"));

        let recovered = scene.bgd.run(&["recover", "--yes"]).ok();
        for told in ["release 1 of ", "release 2 of ", "to which the proxy routes", "could not be known"] {
            assert!(recovered.stderr.contains(told), "{told}: {}", recovered.stderr);
        }
        let status = scene.status();
        assert_eq!((&status["live"], &status["problems"]), (&2.into(), &serde_json::json!([])), "{status:#}");
        assert_eq!(status["image"], images().app("1.1"), "{status:#}");

        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some("1.0"));
        scene.deploy("1.2").ok();
        assert_eq!(scene.served().as_deref(), Some("1.2"));
        scene.assert_clean(3);
        nothing_lost(&load.stop());
    }
}

#[test]
fn records_that_are_lost_in_the_middle_of_a_deploy() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 1s }\nwatch: { window: 5m }\n");
    scene.first("1.0");
    let load = scene.mixed();
    for (step, live) in [("ready", "1.0"), ("watch", "1.1")] {
        let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--output", "json"]);
        let begun = format!("\"event\":\"step-started\",\"step\":\"{step}\"");
        deploy.wait_for(&begun, std::time::Duration::from_secs(60));
        deploy.kill();
        std::fs::remove_dir_all(scene.bgd.state_dir()).unwrap();
        scene.bgd.run(&["recover", "--yes"]).ok();
        assert_eq!(scene.served().as_deref(), Some(live), "killed at {step}");
    }
    scene.deploy("1.2").ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    nothing_lost(&load.stop());
}

#[test]
fn an_app_that_was_never_deployed_has_nothing_to_recover() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    let outcome = scene.bgd.run(&["recover", "--yes"]).ok();
    assert!(outcome.stderr.contains("bgd deploy IMAGE"), "{outcome:#?}");
}
