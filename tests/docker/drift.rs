//! Somebody changes by hand what bgd has made.

use bgd_load::Kind;
use bgd_testkit::images;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// The problems that `bgd status` tells, in one text.
#[track_caller]
fn problems(scene: &Scene) -> String {
    scene.status()["problems"].to_string()
}

#[test]
fn a_file_of_the_proxy_that_was_edited_is_told_and_written_anew() {
    for nginx in [Nginx::New, Nginx::Old] {
        let scene = Scene::new(nginx, Route::Upstream);
        scene.configure("drain: { timeout: 1s }\n");
        scene.first("1.0");
        assert_eq!(problems(&scene), "[]");
        let file = scene
            .edge
            .files()
            .into_iter()
            .find(|name| name.contains(&scene.app) && name.ends_with(".conf"))
            .unwrap();
        let text = scene.edge.read(&file).unwrap();
        scene.edge.put(&file, &format!("{text}# mine\n"));
        let told = problems(&scene);
        assert!(told.contains(&file) && told.contains("by hand"), "{told}");
        // A file that is written anew takes a reload, and an old nginx then closes connections that are kept alive.
        let load = match nginx {
            Nginx::New => scene.mixed(),
            Nginx::Old => scene.load().with(Kind::PerConnection, 4).start().unwrap(),
        };
        scene.deploy("1.1").ok();
        assert_eq!(problems(&scene), "[]");
        assert!(!scene.edge.read(&file).unwrap().contains("# mine"));
        nothing_lost(&load.stop());
    }
}

#[test]
fn a_container_that_was_removed_is_told_and_comes_back_with_the_next_deploy() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("replicas: 2\ndrain: { timeout: 1s }\n");
    scene.first("1.0");
    let docker = scene.run.docker();
    let (gone, ..) = scene.containers().remove(0);
    docker.ok(["rm", "-f", &gone]);
    let told = problems(&scene);
    assert!(told.contains("1 of its 2 containers are missing"), "{told}");
    scene.deploy("1.1").ok();
    assert_eq!(problems(&scene), "[]");
    scene.wait_for("1.1");
}

#[test]
fn an_image_that_a_rollback_would_need_is_told_when_it_is_gone() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("retire: remove\n");
    // One of its own: the others are in use by other tests.
    let version = format!("drift-{}", std::process::id());
    let image = images().make_app(&version);
    scene.first(&version);
    scene.deploy("1.1").ok();
    assert_eq!(problems(&scene), "[]");
    scene.run.docker().ok(["rmi", "-f", &image]);
    let told = problems(&scene);
    assert!(told.contains("a rollback to release 1") && told.contains("docker pull"), "{told}");
    scene.rollback().code(10);
}

#[test]
fn recover_puts_right_what_was_changed_by_hand() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let docker = scene.run.docker();
    let load = scene.mixed();
    let recover = |told: &str, becomes: &str| {
        let problems = problems(&scene);
        assert!(problems.contains(told) && problems.contains("bgd recover"), "{problems}");
        let plan = scene.bgd.run(&["plan", &images().app("1.1")]).ok();
        assert!(plan.stderr.contains(told), "{}", plan.stderr);
        let outcome = scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
        assert!(outcome.stderr.contains(told) && outcome.stderr.contains(becomes), "{}", outcome.stderr);
    };

    let (container, ..) = scene.containers().remove(0);
    docker.ok(["update", "--memory", "64m", "--memory-swap", "64m", &container]);
    recover("memory is 67108864, recorded not set", "deploy release 1 anew");
    scene.assert_clean(2);

    let file = scene.edge.files().into_iter().find(|name| name.contains(&scene.app)).unwrap();
    let text = scene.edge.read(&file).unwrap();
    scene.edge.put(&file, &format!("{text}# mine\n"));
    recover("was changed or removed by hand", "deploy release 2 anew");
    scene.assert_clean(3);
    assert!(!scene.edge.read(&file).unwrap().contains("# mine"));

    // nginx still routes by it, and would forget the route with its next reload.
    std::fs::remove_file(scene.edge.host_folder().unwrap().join(&file)).unwrap();
    recover("was changed or removed by hand", "deploy release 3 anew");
    scene.assert_clean(4);
    assert!(scene.edge.read(&file).is_some());

    // The records come from a backup.
    let state = scene.bgd.state_dir().join("apps").join(&scene.app).join("state.json");
    let backup = std::fs::read_to_string(&state).unwrap();
    scene.deploy("1.1").ok();
    std::fs::write(&state, backup).unwrap();
    assert!(
        problems(&scene).contains("the proxy routes to release 5, the records say 4"),
        "{}",
        problems(&scene)
    );
    let outcome = scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    assert!(outcome.stderr.contains("record release 5 as live"), "{}", outcome.stderr);
    scene.assert_clean(5);
    nothing_lost(&load.stop());

    let again = scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    assert!(again.stderr.contains("all is as the records say"), "{}", again.stderr);
    assert_eq!(scene.served().as_deref(), Some("1.1"));
}
