//! Ten deploys and rollbacks under each kind of load.

use bgd_load::Kind;
use bgd_testkit::{Gate, TestRun, images};

use super::{Means, by_both};
use crate::scene::{Scene, every_kind_served, nothing_lost};
use crate::under_load::{BUSY, CALM, CONNECTING};

#[track_caller]
fn ten_switches(means: Means, clients: &[(Kind, usize)]) {
    switches(&Scene::behind_traefik(means), clients, 5);
}

/// Deploy, rollback, deploy …
#[track_caller]
fn switches(scene: &Scene<Gate>, clients: &[(Kind, usize)], rounds: usize) {
    // WebSockets stay up until they are drained, and nobody else needs longer.
    scene.configure("retire: stop\ndrain: { timeout: 2s }\n");
    scene.first("1.0");
    let load = clients.iter().fold(scene.load(), |load, (kind, count)| load.with(*kind, *count));
    let load = load.start().unwrap();
    for round in 0..rounds {
        let (now, before) = if round % 2 == 0 { ("1.1", "1.0") } else { ("1.2", "1.0") };
        scene.deploy(now).ok();
        assert_eq!(scene.served().as_deref(), Some(now));
        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some(before));
    }
    let report = load.stop();
    nothing_lost(&report);
    every_kind_served(&report);
    for version in ["1.0", "1.1"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
    scene.assert_clean(1);
}

by_both! {
    paced_keepalive_slow_requests_posts_and_websockets: |means| ten_switches(means, &CALM);
    busy_keepalive: |means| ten_switches(means, &BUSY);
    connection_per_request: |means| ten_switches(means, &CONNECTING);
}

#[test]
fn with_the_throttle_that_traefik_has_by_itself() {
    for means in [Means::Files, Means::Labels] {
        let scene = Scene::gate(TestRun::new(), &images().traefik_new, means, |gate| gate);
        switches(&scene, &[(Kind::Keepalive, 16)], 1);
    }
}

#[test]
fn by_labels_of_a_running_carrier_on_an_older_traefik() {
    let scene = Scene::gate(TestRun::new(), &images().traefik_35, Means::Labels, |gate| gate);
    switches(&scene, &[(Kind::Keepalive, 16)], 1);
}

#[test]
fn without_the_api_an_answer_at_the_entry_point_is_the_proof() {
    for means in [Means::Files, Means::Labels] {
        let scene = Scene::gate(TestRun::new(), &images().traefik_new, means, |gate| gate.without_api());
        switches(&scene, &[(Kind::PacedKeepalive, 8)], 1);
    }
}
