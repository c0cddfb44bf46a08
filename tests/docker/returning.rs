//! Going back: to a warm, a stopped and a removed release, from any folder; and what retire and rename leave.

use bgd_testkit::images;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// Deploys twice and goes back and forth under load.
#[track_caller]
fn back_and_forth(more: &str) -> Scene {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure(&format!("drain: {{ timeout: 3s }}\nenv: {{ TOKEN: hunter2 }}\n{more}"));
    scene.first("1.0");
    let load = scene.mixed();
    scene.deploy("1.1").ok();
    // No configuration is needed, and none is there.
    let elsewhere = tempfile::tempdir().unwrap();
    scene.bgd.run_in(elsewhere.path(), &["rollback"]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);
    scene.bgd.run_in(elsewhere.path(), &["rollback"]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    nothing_lost(&load.stop());
    scene.assert_clean(2);
    scene
}

fn states(scene: &Scene) -> Vec<(String, String)> {
    scene.containers().into_iter().map(|(_, state, release)| (release, state)).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn to_a_warm_release_and_back() {
    let scene = back_and_forth("retire: keep\n");
    assert_eq!(states(&scene), owned(&[("1", "running"), ("2", "running")]));
    assert_eq!(scene.status()["warm"], serde_json::json!([1]));
}

#[test]
fn to_a_stopped_release_and_back() {
    let scene = back_and_forth("retire: stop\n");
    assert_eq!(states(&scene), owned(&[("1", "exited"), ("2", "running")]));
}

#[test]
fn to_a_removed_release_and_back() {
    let scene = back_and_forth("retire: remove\n");
    assert_eq!(states(&scene), owned(&[("2", "running")]));
    let shown = scene.bgd.run(&["show", &scene.app, "2"]).ok().stdout;
    assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn to_any_release_by_number_with_replicas_and_a_rename() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 3s }\nreplicas: 2\nrename: true\n");
    scene.first("1.0");
    let load = scene.mixed();
    for version in ["1.1", "1.2"] {
        scene.deploy(version).ok();
        assert_eq!(scene.served().as_deref(), Some(version));
        let live: Vec<_> = scene
            .containers()
            .into_iter()
            .filter(|(_, state, _)| state == "running")
            .map(|(name, ..)| name)
            .collect();
        assert_eq!(live, [format!("{}-blue-1", scene.app), format!("{}-blue-2", scene.app)]);
    }
    scene.bgd.run(&["rollback", &scene.app, "--to", "1"]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    nothing_lost(&load.stop());
    scene.assert_clean(1);
    scene.bgd.run(&["rollback", &scene.app, "--to", "9"]).code(10);
    scene.bgd.run(&["rollback", &scene.app, "--to", "1"]).code(10);
}

#[test]
fn a_release_whose_image_is_gone_says_how_to_get_it() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("retire: remove\n");
    let version = format!("gone-{}", std::process::id());
    let image = images().make_app(&version);
    scene.first(&version);
    scene.deploy("1.1").ok();
    scene.run.docker().ok(["rmi", "-f", &image]);
    let outcome = scene.rollback().code(10);
    assert!(
        outcome.stderr.contains("image is gone") && outcome.stderr.contains("docker load"),
        "{}",
        outcome.stderr
    );
    let status = scene.status();
    assert_eq!(status["live"], 2, "{status:#}");
    let problems = status["problems"].as_array().unwrap();
    assert!(
        matches!(&problems[..], [one] if one.as_str().unwrap().contains("a rollback to release 1 needs its image")),
        "{status:#}"
    );
}

#[test]
fn the_first_release_has_nothing_to_go_back_to() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.bgd.run(&["rollback"]).code(10);
    scene.first("1.0");
    scene.rollback().code(10);
    assert_eq!(scene.served().as_deref(), Some("1.0"));
}

#[test]
fn a_plan_tells_what_would_change_and_changes_nothing() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("env: { TOKEN: hunter2 }\n");
    scene.first("1.0");
    let (containers, files) = (scene.containers(), scene.edge.files());
    scene.configure("env: { TOKEN: hunter3, LOG_LEVEL: debug }\n");
    let plan = scene.bgd.run(&["plan", &images().app("1.1")]).ok().stdout;
    for text in ["release 2", "on green", "LOG_LEVEL", "create → start", "zz-bgd-"] {
        assert!(plan.contains(text), "no {text:?} in\n{plan}");
    }
    assert!(!plan.contains("hunter"), "{plan}");
    assert_eq!((scene.containers(), scene.edge.files()), (containers, files));
    scene.assert_clean(1);
}
