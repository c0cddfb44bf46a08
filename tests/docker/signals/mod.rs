//! A deploy is interrupted in every one of its steps, in every way, under load; then `bgd recover` ends it.
//!
//! Each test prints its matrix: `cargo test --test docker signals -- --nocapture`.

mod cell;
mod table;

use crate::scene::{Means, Nginx, Route, Scene};
use cell::{STEPS, Way, every_cell};

const SETTINGS: &str = "drain: { timeout: 300ms }\nwatch: { window: 200ms }\nretire: stop\n";

#[test]
fn behind_a_new_nginx_with_a_rename() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure(&format!("{SETTINGS}rename: true\n"));
    scene.first("1.0");
    every_cell(&scene, "nginx that is switched by reload, rename: true", &STEPS, &Way::ALL);
}

#[test]
fn behind_an_old_nginx() {
    let scene = Scene::new(Nginx::Old, Route::Server);
    scene.configure(SETTINGS);
    scene.first("1.0");
    every_cell(&scene, "nginx that is switched without reload", without_rename(), &Way::KILLS);
}

#[test]
fn behind_traefik_by_files() {
    let scene = Scene::behind_traefik(Means::Files);
    scene.configure(SETTINGS);
    scene.first("1.0");
    every_cell(&scene, "Traefik by files", without_rename(), &Way::KILLS);
}

#[test]
fn behind_traefik_by_labels() {
    let scene = Scene::behind_traefik(Means::Labels);
    scene.configure(SETTINGS);
    scene.first("1.0");
    every_cell(&scene, "Traefik by labels", without_rename(), &Way::KILLS);
}

fn without_rename() -> &'static [&'static str] {
    &STEPS[..STEPS.len() - 1]
}
