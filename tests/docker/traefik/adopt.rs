//! What serves today by labels or a file of the user's own becomes release 0 without being restarted.

use bgd_testkit::{App, Container, Gate, images, routes};

use super::{Means, by_both};
use crate::scene::{HOST, Scene, nothing_lost};

/// A container that serves by its own labels, as compose starts one, or by a file of the user's.
#[track_caller]
fn serving_today(scene: &Scene<Gate>, means: Means) -> Container {
    let web = scene.run.name("web");
    // Traefik does not route to a container whose health check has not passed yet.
    let mut app = App::new(&scene.run, images().app_without_check("1.0")).network(scene.edge.network());
    if means == Means::Labels {
        app = app.arg("--label").arg(&scene.edge.label());
        for label in routes::labels("web", HOST, 3000) {
            app = app.arg("--label").arg(&label);
        }
    }
    let container = app.start(&web);
    container.wait_answers();
    if means == Means::Files {
        scene.edge.put("own.yml", &routes::file("web", HOST, &format!("http://{web}:3000")));
    }
    scene.wait_for("1.0");
    container
}

#[track_caller]
fn adopted(means: Means) {
    let scene = Scene::behind_traefik(means);
    scene.configure("drain: { timeout: 1s }\n");
    let container = serving_today(&scene, means);
    let started = container.inspect("{{.State.StartedAt}}").unwrap();
    let load = scene.mixed();
    let adopted = scene.bgd.run(&["adopt", container.name()]).ok();
    let own = if means == Means::Labels { "web@docker" } else { "web@file" };
    assert!(adopted.stderr.contains(own), "the other router is not named\n{}", adopted.stderr);
    scene.assert_clean(0);
    assert_eq!(container.inspect("{{.State.StartedAt}}").unwrap(), started, "it was restarted");
    // The user's own route is still there, and has to be outranked.
    scene.deploy("1.1").ok();
    for _ in 0..50 {
        assert_eq!(scene.served().as_deref(), Some("1.1"));
    }
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.deploy("1.2").ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    nothing_lost(&load.stop());
    assert!(container.exists(), "an adopted container was removed");
}

by_both! {
    a_container_that_serves_already: adopted;
}
