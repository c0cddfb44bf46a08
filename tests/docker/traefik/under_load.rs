//! Six deploys and rollbacks under every kind of load.

use bgd_load::Kind;
use bgd_testkit::{TestRun, images};

use super::{Means, by_both};
use crate::scene::{HOST, Scene};
use crate::under_load::{EVERY_KIND, prepare, switches, switches_under};

by_both! {
    every_kind: |means| switches(&Scene::behind_traefik(means), &EVERY_KIND, 3);
}

#[test]
fn with_the_throttle_that_traefik_has_by_itself() {
    for means in [Means::Files, Means::Labels] {
        let scene = Scene::gate(TestRun::new(), &images().traefik_new, means, |gate| gate);
        prepare(&scene);
        // As many requests as there can be.
        let load = scene.edge.closed_loop(HOST).with(Kind::Keepalive, 16);
        switches_under(&scene, load, 1);
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
