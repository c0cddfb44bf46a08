//! Traefik fails at the switch, or does not take what is written for it: blue serves, by the former route.

use std::time::Duration;

use bgd_testkit::{Gate, Outcome, images};

use super::{Means, by_both};
use crate::scene::{Scene, nothing_lost};

/// Deploys and does something to Traefik when a step begins.
#[track_caller]
fn at(scene: &Scene<Gate>, step: &str, act: impl FnOnce()) -> Outcome {
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--no-watch", "--output", "json"]);
    deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), Duration::from_secs(30));
    act();
    deploy.wait(Duration::from_secs(90))
}

/// Whichever way it goes, it has to be told truly, and the release that it tells serves when Traefik is back.
#[track_caller]
fn taken_away_at(means: Means, step: &str, act: Act) {
    let scene = Scene::behind_traefik(means);
    scene.first("1.0");
    let outcome = at(&scene, step, || act(&scene.edge));
    scene.edge.start();
    if outcome.code == Some(11) {
        // The switch was proved before Traefik was gone.
        assert!(outcome.stdout.contains("\"event\":\"step-done\",\"step\":\"verify\""), "{outcome:#?}");
        scene.wait_for("1.1");
        scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    } else {
        assert_eq!(outcome.code, Some(8), "{outcome:#?}");
        scene.wait_for("1.0");
        scene.assert_clean(1);
        scene.deploy("1.1").ok();
    }
    scene.wait_for("1.1");
    scene.assert_clean(2 + u32::from(outcome.code == Some(8)));
}

#[track_caller]
fn a_template_that_traefik_does_not_take(means: Means) {
    let scene = Scene::behind_traefik(means);
    scene.first("1.0");
    scene.bgd.write("mine", "{{ no_such_variable }}\n");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("bgd.yaml", &format!("{text}    template: mine\n"));
    let load = scene.mixed();
    let outcome = scene.deploy("1.1");
    assert!(outcome.code.is_some_and(|code| code == 3 || code == 8), "{outcome:#?}");
    assert!(outcome.stderr.contains("no_such_variable"), "{}", outcome.stderr);
    nothing_lost(&load.stop());
    scene.configure("");
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);
}

type Act = fn(&Gate);

/// All at the same time, each with a Traefik of its own: most of it is waiting for one that does not come back.
#[track_caller]
fn taken_away(means: Means) {
    let ways: [(&str, Act); 3] =
        [("switch", |gate| gate.kill()), ("switch", |gate| gate.stop()), ("stage", |gate| gate.kill())];
    std::thread::scope(|scope| {
        for (step, act) in ways {
            scope.spawn(move || taken_away_at(means, step, act));
        }
    });
}

by_both! {
    killed_and_stopped_at_the_switch_and_killed_while_it_stages: taken_away;
    a_broken_template: a_template_that_traefik_does_not_take;
}

/// The folder is on a disk of a few pages, which something else fills.
#[test]
fn a_disk_that_is_full() {
    let scene = Scene::gate(bgd_testkit::TestRun::new(), &images().traefik_new, Means::Files, |gate| {
        gate.config_dir(bgd_testkit::ConfigDir::OwnLayer).arg("--tmpfs").arg("/etc/traefik/dynamic:size=64k")
    });
    scene.first("1.0");
    let load = scene.mixed();
    let pid = scene.edge.pid();
    let full = format!("/proc/{pid}/root/etc/traefik/dynamic/.filler");
    let mut filler = std::fs::File::create(&full).unwrap();
    let page = [b'x'; 4096];
    while std::io::Write::write_all(&mut filler, &page).is_ok() {}
    let outcome = scene.deploy("1.1").code(8);
    assert!(outcome.stderr.contains("free some space"), "{}", outcome.stderr);
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    drop(filler);
    std::fs::remove_file(&full).unwrap();
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");
    nothing_lost(&load.stop());
}
