//! What cannot work is said before anything is started.

use bgd_testkit::{TestRun, images};

use super::Means;
use crate::scene::Scene;

#[test]
fn a_traefik_that_is_too_old_for_labels() {
    let scene = Scene::gate(TestRun::new(), &images().traefik_33, Means::Labels, |gate| gate);
    let outcome = scene.deploy("1.0").code(3);
    assert!(outcome.stderr.contains("3.3") && outcome.stderr.contains("mode: file"), "{}", outcome.stderr);
    assert!(scene.containers().is_empty(), "{:?}", scene.containers());
}

#[test]
fn a_provider_that_is_not_enabled() {
    let run = TestRun::new();
    let scene = Scene::gate(run, &images().traefik_new, Means::Labels, |gate| gate.files());
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    let elsewhere = text.replace(scene.edge.dynamic_dir(), "/etc/traefik/elsewhere");
    assert_ne!(text, elsewhere);
    scene.bgd.write("bgd.yaml", &elsewhere);
    let outcome = scene.deploy("1.0").code(3);
    assert!(outcome.stderr.contains(scene.edge.dynamic_dir()), "{}", outcome.stderr);
}
