//! A deploy is interrupted in its steps, in every way, under load; then `bgd recover` ends it.
//!
//! Every step and every way behind one proxy; what touches the proxy, or asks it, behind each. The order and the undo of
//! all steps are shown in memory, in `tests/saga/matrix.rs` and `tests/saga/cancel.rs`.
//!
//! Each test prints its matrix: `scripts/test signals --no-capture`.

mod cell;
mod table;

use crate::scene::{Means, Nginx, Route, Scene};
use cell::{Way, every_cell};

const SETTINGS: &str = "drain: { timeout: 300ms }\nwatch: { window: 200ms }\nretire: stop\n";

/// Each step, and the ways that differ in it: a step that is over at once has no half of its time.
const EVERY_STEP: [(&str, &[Way]); 12] = [
    ("create", &[Way::Kill, Way::Term]),
    ("start", &[Way::Kill, Way::KillMidway, Way::Hangup]),
    ("ready", &[Way::Kill, Way::Interrupts]),
    ("smoke", &[Way::Kill, Way::Hangup]),
    ("stage", &[Way::Kill, Way::KillMidway, Way::Term]),
    ("switch", &Way::ALL),
    ("verify", &[Way::Kill, Way::Interrupts, Way::Hangup]),
    ("watch", &[Way::Kill, Way::Term, Way::Hangup]),
    ("record", &[Way::Kill]),
    ("drain", &[Way::Kill, Way::Term]),
    ("retire", &[Way::Kill, Way::KillMidway, Way::Interrupts]),
    ("rename", &[Way::Kill, Way::Term]),
];

/// What differs from proxy to proxy. A kill leaves everything as it is at that moment.
const OF_THE_PROXY: [(&str, &[Way]); 5] = [
    ("stage", &[Way::Kill, Way::KillMidway]),
    ("switch", &[Way::Kill, Way::KillMidway]),
    ("verify", &[Way::Kill]),
    ("watch", &[Way::Kill]),
    ("retire", &[Way::Kill]),
];

#[test]
fn behind_a_new_nginx_with_a_rename() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure(&format!("{SETTINGS}rename: true\n"));
    scene.first("1.0");
    every_cell(&scene, "nginx that is switched by reload, rename: true", &EVERY_STEP);
}

#[test]
fn behind_an_old_nginx() {
    let scene = Scene::new(Nginx::Old, Route::Server);
    scene.configure(SETTINGS);
    scene.first("1.0");
    every_cell(&scene, "nginx that is switched without reload", &OF_THE_PROXY);
}

#[test]
fn behind_traefik_by_files() {
    let scene = Scene::behind_traefik(Means::Files);
    scene.configure(SETTINGS);
    scene.first("1.0");
    every_cell(&scene, "Traefik by files", &OF_THE_PROXY);
}

#[test]
fn behind_traefik_by_labels() {
    let scene = Scene::behind_traefik(Means::Labels);
    scene.configure(SETTINGS);
    scene.first("1.0");
    every_cell(&scene, "Traefik by labels", &OF_THE_PROXY);
}
