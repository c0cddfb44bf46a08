//! What serves today becomes release 0 without being restarted.

use std::time::Duration;

use bgd_load::Kind;
use bgd_testkit::{App, conf, images, poll_until};

use crate::scene::{HOST, Nginx, Route, Scene, every_kind_served, nothing_lost};

#[track_caller]
fn adopted(nginx: Nginx) {
    let scene = Scene::new(nginx, Route::Upstream);
    let web = scene.run.name("web");
    let container = App::new(&scene.run, images().app("1.0"))
        .network(scene.edge.network())
        .env("MINE", "kept")
        .start(&web);
    container.wait_answers();
    scene.edge.put("site.conf", &conf::server(HOST, "api_backend"));
    scene.edge.put("own.conf", &conf::upstream("api_backend", &format!("{web}:3000")));
    scene.edge.nginx(&["-s", "reload"]).unwrap();
    scene.wait_for("1.0");
    let started = container.inspect("{{.State.StartedAt}}").unwrap();

    let outcome = scene.bgd.run(&["adopt", &web]).code(3);
    assert!(outcome.stderr.contains("own.conf"), "the second definition is not named\n{}", outcome.stderr);
    std::fs::remove_file(scene.edge.host_folder().unwrap().join("own.conf")).unwrap();

    // The first reload under bgd breaks idle keep-alive connections on an nginx that is not prepared for it; requests
    // on connections of their own may not fail there either.
    let load = scene.load().with(Kind::PerConnection, 4).with(Kind::Slow, 4).start().unwrap();
    scene.bgd.run(&["adopt", &web]).ok();
    scene.assert_clean(0);
    assert_eq!(container.inspect("{{.State.StartedAt}}").unwrap(), started, "it was restarted");
    scene.deploy("1.1").ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    nothing_lost(&load.stop());
    scene.assert_clean(0);
    assert!(container.is_running() && container.exists());
    scene.deploy("1.2").ok();
    assert!(container.exists(), "an adopted container was removed");
}

#[test]
fn behind_a_new_nginx() {
    adopted(Nginx::New);
}

#[test]
fn behind_an_old_nginx() {
    adopted(Nginx::Old);
}

/// An nginx before 1.27.4 breaks idle connections at each reload: after that of the adoption there is none.
#[test]
fn an_old_nginx_is_reloaded_once_by_the_adoption_and_never_again() {
    let scene = Scene::new(Nginx::Old, Route::Server);
    scene.configure("drain: { timeout: 1s }\n");
    let web = scene.run.name("web");
    let container = App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&web);
    container.wait_answers();
    scene.bgd.run(&["adopt", &web]).ok();
    scene.wait_for("1.0");
    let mut quiet = 0;
    poll_until(Duration::from_secs(10), || {
        let listed = scene.run.docker().ok(["top", scene.edge.name(), "-eo", "pid,args"]);
        quiet = if listed.contains("shutting down") { 0 } else { quiet + 1 };
        quiet >= 5
    });
    let workers = scene.workers();
    let load = scene.mixed();
    let back = |to: &str, version: &str| {
        scene.bgd.run(&["rollback", &scene.app, "--to", to]).ok();
        assert_eq!(scene.served().as_deref(), Some(version));
    };
    for version in ["1.1", "1.2", "1.1"] {
        scene.deploy(version).ok();
        assert_eq!(scene.served().as_deref(), Some(version));
    }
    back("0", "1.0");
    scene.assert_clean(0);
    back("3", "1.1");
    scene.deploy("1.2").ok();
    // From the other slot.
    back("0", "1.0");
    scene.deploy("1.1").ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    let report = load.stop();
    nothing_lost(&report);
    every_kind_served(&report);
    assert_eq!(scene.workers(), workers, "it was reloaded");
    assert!(container.exists());
}
