//! Hooks that end well.

use std::ops::Deref;

use bgd_testkit::Front;

use super::Data;
use crate::scene::{Means, Nginx, Route, Scene, every_kind_served, nothing_lost};

const HOOKS: &str = "  before_deploy: { host: [./note.sh, begins] }\n  \
    before_start: { container: [migrate, prepare] }\n  \
    before_switch: { container: [migrate, expand] }\n  \
    after_switch: { host: [./note.sh, switched] }\n  \
    before_retire: { container: [migrate, hand-over] }\n  \
    after_deploy: { container: [migrate, contract] }\n  \
    on_rollback: { container: [migrate, back] }\n";

/// Expands, deploys, contracts and goes back, under load.
fn there_and_back<P: Deref<Target = Front>>(scene: &Scene<P>, first: impl FnOnce()) {
    let data = Data::of(scene);
    data.script(
        "note.sh",
        "echo \"$1 $BGD_RELEASE, live: $BGD_LIVE_RELEASE, in $(basename \"$PWD\")\" >> data/notes",
    );
    first();
    data.configure(HOOKS, "");
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").ok();
    assert_eq!(
        data.migrations(),
        [
            "prepare 1.1 release 2",
            "expand 1.1 release 2",
            "hand-over 1.1 release 2",
            "contract 1.1 release 2"
        ]
    );
    let here = scene.bgd.project();
    let here = here.file_name().unwrap().to_str().unwrap();
    assert_eq!(data.read("notes"), format!("begins 2, live: 1, in {here}\nswitched 2, live: 2, in {here}\n"));
    // Whoever watches sees what they write, and it is kept.
    assert!(outcome.stderr.contains("| migrated: expand"), "{}", outcome.stderr);
    let log = data.log(2);
    assert!(
        log.contains("migrated: expand") && log.contains("before_switch of release 2: migrate expand"),
        "{log}"
    );
    assert!(log.contains(&format!("\"app\":\"{}\",\"cause\":\"deploy\"", scene.app)), "{log}");
    data.nothing_is_left();
    scene.assert_clean(2);

    scene.rollback().ok();
    assert_eq!(
        data.migrations().last().unwrap(),
        "back 1.1 release 1",
        "the image that is left takes back what it did"
    );
    assert_eq!(data.migrations().len(), 5, "a rollback runs no other hook: {:?}", data.migrations());
    data.nothing_is_left();
    scene.assert_clean(1);
    let report = load.stop();
    nothing_lost(&report);
    every_kind_served(&report);
}

#[test]
fn migrations_behind_nginx() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    there_and_back(&scene, || scene.first("1.0"));
}

/// The container of a hook has the settings of the release, and must get no requests for it.
#[test]
fn migrations_behind_traefik_by_labels() {
    let scene = Scene::behind_traefik(Means::Labels);
    there_and_back(&scene, || scene.first("1.0"));
}
