//! Six deploys and rollbacks under every kind of load.

use std::ops::Deref;

use bgd_load::{Kind, Load};
use bgd_testkit::Front;

use crate::scene::{Nginx, Route, Scene, every_kind_served, nothing_lost};

/// Every kind at once: those that wait or stay, beside about a thousand requests a second.
pub const EVERY_KIND: [(Kind, usize); 6] = [
    (Kind::PacedKeepalive, 8),
    (Kind::Slow, 16),
    (Kind::Post, 8),
    (Kind::Websocket, 16),
    (Kind::Keepalive, 24),
    (Kind::PerConnection, 8),
];

#[track_caller]
fn six_switches(nginx: Nginx, route: Route, clients: &[(Kind, usize)]) {
    switches(&Scene::new(nginx, route), clients, 3);
}

/// Deploys the first release.
#[track_caller]
pub fn prepare<P: Deref<Target = Front>>(scene: &Scene<P>) {
    // WebSockets stay up until they are drained, and nobody else needs longer.
    scene.configure("retire: stop\ndrain: { timeout: 2s }\n");
    scene.first("1.0");
}

/// Deploy, rollback, deploy … two switches a round.
#[track_caller]
pub fn switches<P: Deref<Target = Front>>(scene: &Scene<P>, clients: &[(Kind, usize)], rounds: usize) {
    prepare(scene);
    let load = clients.iter().fold(scene.load(), |load, (kind, count)| load.with(*kind, *count));
    switches_under(scene, load, rounds);
}

/// The same under this load.
#[track_caller]
pub fn switches_under<P: Deref<Target = Front>>(scene: &Scene<P>, load: Load, rounds: usize) {
    let load = load.start().unwrap();
    for now in ["1.1", "1.2"].into_iter().cycle().take(rounds) {
        scene.deploy(now).ok();
        assert_eq!(scene.served().as_deref(), Some(now));
        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some("1.0"));
    }
    let report = load.stop();
    nothing_lost(&report);
    every_kind_served(&report);
    for version in ["1.0", "1.1", "1.2"].into_iter().take(1 + rounds) {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
    scene.assert_clean(1);
}

#[test]
fn every_kind_behind_a_new_nginx() {
    six_switches(Nginx::New, Route::Upstream, &EVERY_KIND);
}

#[test]
fn every_kind_behind_an_old_nginx() {
    six_switches(Nginx::Old, Route::Upstream, &EVERY_KIND);
}

#[test]
fn a_server_block_of_bgds_own_on_a_new_nginx() {
    six_switches(Nginx::New, Route::Server, &[(Kind::PacedKeepalive, 24)]);
}

#[test]
fn a_server_block_of_bgds_own_on_an_old_nginx() {
    six_switches(Nginx::Old, Route::Server, &[(Kind::PacedKeepalive, 24)]);
}
