//! Faults of nginx in the middle of a deploy: its former configuration is back, and blue serves as soon as nginx does.

use std::time::Duration;

use bgd_testkit::{images, poll_until};

use crate::scene::{HOST, Nginx, Route, Scene, nothing_lost};

#[track_caller]
fn assert_as_before(scene: &Scene, files: &[(String, Option<String>)]) {
    scene.wait_for("1.0");
    scene.assert_clean(1);
    for (name, text) in files {
        assert_eq!(&scene.edge.read(name), text, "{name} is not as before");
    }
    assert_eq!(scene.containers().len(), 1, "{:?}", scene.containers());
    scene.deploy("1.1").ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
}

fn files(scene: &Scene) -> Vec<(String, Option<String>)> {
    let names = scene.edge.files().into_iter().filter(|name| name.ends_with(".conf"));
    names.map(|name| (name.clone(), scene.edge.read(&name))).collect()
}

#[test]
fn a_configuration_that_nginx_refuses_is_found_before_the_switch() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let before = files(&scene);
    // Somebody else's file is broken, which nginx has not been told yet.
    scene.edge.put("broken.conf", "server { listen 80; no_such_directive; }\n");
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(8);
    assert!(outcome.stderr.contains("no_such_directive"), "{}", outcome.stderr);
    nothing_lost(&load.stop());
    scene.edge.put("broken.conf", "");
    assert_as_before(&scene, &before);
}

#[test]
fn an_nginx_that_is_stopped_is_refused_before_anything_is_started() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let before = files(&scene);
    scene.edge.stop();
    let outcome = scene.deploy("1.1").code(3);
    assert!(outcome.stderr.contains(scene.edge.name()), "{}", outcome.stderr);
    scene.edge.start();
    assert_as_before(&scene, &before);
}

/// Deploys and does something to nginx when a step begins.
#[track_caller]
fn at(scene: &Scene, step: &str, act: impl FnOnce()) -> bgd_testkit::Outcome {
    let image = images().app("1.1");
    let mut deploy = scene.bgd.spawn(&["deploy", &image, "--no-watch", "--output", "json"]);
    deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), Duration::from_secs(30));
    act();
    deploy.wait(Duration::from_secs(90))
}

#[test]
fn an_nginx_that_is_killed_while_it_stages() {
    killed_at("stage");
}

#[test]
fn an_nginx_that_is_killed_at_the_switch() {
    killed_at("switch");
}

/// Whichever way it goes, it has to be told truly: a deploy that ended well serves the new release.
#[track_caller]
fn killed_at(step: &str) {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let before = files(&scene);
    let outcome = at(&scene, step, || scene.edge.kill());
    scene.edge.start();
    poll_until(Duration::from_secs(10), || scene.edge.get(HOST, "/version").is_ok());
    assert_eq!(outcome.code, Some(8), "{outcome:#?}");
    assert_as_before(&scene, &before);
}

#[test]
fn a_template_that_does_not_render_changes_nothing() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let before = files(&scene);
    scene.bgd.write("mine.conf", "upstream {{ no_such_variable }} {}\n{{ marker }}\n");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("bgd.yaml", &format!("{text}    template: mine.conf\n"));
    let load = scene.mixed();
    let outcome = scene.deploy("1.1");
    assert!(outcome.code.is_some_and(|code| code == 3 || code == 8), "{outcome:#?}");
    assert!(outcome.stderr.contains("no_such_variable"), "{}", outcome.stderr);
    nothing_lost(&load.stop());
    scene.configure("");
    assert_as_before(&scene, &before);
}
