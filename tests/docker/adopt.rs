//! What serves today becomes release 0 without being restarted.

use bgd_load::Kind;
use bgd_testkit::{App, conf, images};

use crate::scene::{HOST, Nginx, Route, Scene, nothing_lost};

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
