//! The clock was set back: everything on disk is from tomorrow.

use std::path::Path;
use std::time::Duration;

use bgd_testkit::images;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

const SOON: Duration = Duration::from_secs(60);

/// Moves every time in the records a year ahead, but not the label that the containers carry too.
fn age(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            age(&path);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let later = |line: &str| {
                if line.contains("\"bgd.created\"") {
                    return line.to_owned();
                }
                let years = (2024..2100).rev();
                years.fold(line.to_owned(), |line, year| {
                    line.replace(&format!("\"{year}-"), &format!("\"{}-", year + 1))
                })
            };
            std::fs::write(&path, text.split_inclusive('\n').map(later).collect::<String>()).unwrap();
        }
    }
}

#[test]
fn records_from_the_future_hinder_nothing() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 2s }\nretire: stop\nwatch: { window: 1s }\n");
    scene.first("1.0");
    let load = scene.mixed();
    scene.deploy("1.1").ok();
    age(&scene.bgd.state_dir());
    scene.assert_clean(2);
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.2"), "--output", "json"]);
    deploy.wait_for("\"event\":\"step-started\",\"step\":\"watch\"", SOON);
    deploy.kill();
    age(&scene.bgd.state_dir());
    scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    scene.assert_clean(3);
    scene.rollback().ok();
    scene.assert_clean(2);
    assert_eq!(scene.served().as_deref(), Some("1.1"), "it went back to another release than the one before");
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    let history = scene.bgd.run(&["history", &scene.app, "--json"]).ok();
    let rows: serde_json::Value = serde_json::from_str(&history.stdout).unwrap();
    let numbers: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| row["release"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    scene.deploy("1.0").ok();
    scene.assert_clean(4);
    nothing_lost(&load.stop());
}
