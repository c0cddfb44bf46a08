//! Faults from outside in the middle of a deploy, under load: of Docker, of its socket, of the proxy, of either release,
//! and of the disk.
//!
//! One scene runs many trials in a row: each is a deploy that is held at a step, the fault, and what becomes of both.

mod daemon;
mod disk;
mod proxy;
mod releases;
mod socket;
mod trial;

use bgd_testkit::TestRun;

use crate::scene::{Means, Nginx, Route, Scene};
use bgd_testkit::{Gate, images};

/// WebSockets stay until the drain's end, so that end is near.
fn settings(window: &str) -> String {
    format!("drain: {{ timeout: 1s }}\nretire: stop\nwatch: {{ window: {window} }}\n")
}

/// An nginx of which bgd writes the server block, with the time limits that it sets there.
fn behind_nginx(nginx: Nginx) -> Scene {
    let scene = Scene::new(nginx, Route::Server);
    scene.configure(&settings("3s"));
    scene.first("1.0");
    scene
}

fn behind_traefik(means: Means) -> Scene<Gate> {
    let scene = Scene::gate(TestRun::new(), &images().traefik_new, means, |gate| {
        gate.option("--providers.providersthrottleduration=100ms")
    });
    scene.configure(&settings("3s"));
    scene.first("1.0");
    scene
}
