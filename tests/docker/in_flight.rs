//! What is in flight without a sign: a body that comes slowly, an answer or a WebSocket that is silent, a request that a
//! middleware holds. Deploy and rollback lose none of it, on any driver.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::time::Duration;

use bgd_load::{Kind, Running};
use bgd_testkit::{Front, TestRun, images, poll_until};

use crate::scene::{HOST, Means, Nginx, Route, Scene, every_kind_served, nothing_lost};

/// Long enough for what takes twelve seconds.
const SETTINGS: &str = "retire: stop\ndrain: { timeout: 25s }\n";

/// A load that hardly takes anything of the processor: a few clients of each silent kind, out of step with one another.
fn silent<P: Deref<Target = Front>>(scene: &Scene<P>) -> Running {
    scene
        .load()
        .with(Kind::SlowUpload, 4)
        .with(Kind::SilentStream, 4)
        .with(Kind::SilentWebsocket, 3)
        .start()
        .unwrap()
}

/// Whether every client has been at it for a while: each has connected, and most are within a request.
fn is_under_way(load: &Running) -> bool {
    load.report_so_far().connections >= 8
}

#[track_caller]
fn deploy_and_rollback<P: Deref<Target = Front>>(name: &str, scene: &Scene<P>) {
    scene.configure(SETTINGS);
    scene.first("1.0");
    let load = silent(scene);
    poll_until(Duration::from_secs(30), || is_under_way(&load));
    scene.deploy("1.1").ok();
    let outcome = scene.rollback().ok();
    eprintln!("{name}:\n{}", outcome.stderr);
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    let report = load.stop();
    eprintln!("{name}: {report}");
    nothing_lost(&report);
    every_kind_served(&report);
}

/// The waits are what takes time, so all drivers wait at once.
#[test]
fn silent_requests_outlive_a_deploy_and_a_rollback_on_every_driver() {
    std::thread::scope(|scope| {
        for (nginx, route) in [
            (Nginx::New, Route::Server),
            (Nginx::New, Route::Upstream),
            (Nginx::Old, Route::Server),
            (Nginx::Old, Route::Upstream),
        ] {
            scope.spawn(move || {
                deploy_and_rollback(&format!("{nginx:?} {route:?}"), &Scene::new(nginx, route))
            });
        }
        for means in [Means::Files, Means::Labels] {
            scope.spawn(move || deploy_and_rollback(&format!("{means:?}"), &Scene::behind_traefik(means)));
        }
        scope.spawn(|| deploy_and_rollback("Files, buffering", &buffered()));
    });
}

/// Traefik reads bodies as a whole before it connects to the app.
fn buffered() -> Scene<bgd_testkit::Gate> {
    let run = TestRun::new();
    let middlewares =
        "http:\n  middlewares:\n    whole:\n      buffering:\n        maxRequestBodyBytes: 1000000\n";
    let scene =
        Scene::gate_with(run, &images().traefik_new, Means::Files, &["middlewares: [whole@file]"], |gate| {
            gate.option("--providers.providersthrottleduration=100ms").file("whole.yml", middlewares)
        });
    // Traefik reads the file a moment after it has begun to answer.
    poll_until(Duration::from_secs(20), || scene.edge.api_json("/api/http/middlewares/whole@file").is_some());
    scene
}

#[test]
fn a_drain_says_what_it_knows() {
    let scene = Scene::behind_traefik(Means::Labels);
    scene.configure("retire: stop\ndrain: { timeout: 3s }\n");
    scene.first("1.0");
    // An answer that is silent for longer than the deploy and its drain may take.
    let mut silent = TcpStream::connect(scene.edge.address()).unwrap();
    silent.write_all(format!("GET /stream?ms=300000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).unwrap();
    assert!(silent.read(&mut [0; 64]).unwrap() > 0);
    let outcome = scene.deploy("1.1").ok();
    assert!(outcome.stderr.contains("bgd cannot tell what is in flight"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("3s of drain.timeout"), "{}", outcome.stderr);
    drop(silent);
}
