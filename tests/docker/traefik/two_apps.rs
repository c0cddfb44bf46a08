//! Two apps behind one Traefik are deployed at the same time.

use std::time::Duration;

use bgd_testkit::images;

use super::{Means, by_both};
use crate::scene::{HOST, Scene, nothing_lost};

#[track_caller]
fn at_the_same_time(means: Means) {
    let scene = Scene::behind_traefik(means);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let other = scene.run.app_name("web");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("other.yaml", &text.replace(&scene.app, &other).replace(HOST, "web.test"));
    scene.bgd.run(&["deploy", "-f", "other.yaml", &images().app("1.0"), "--no-watch"]).ok();
    let loads =
        [scene.mixed(), scene.edge.load("web.test").with(bgd_load::Kind::PacedKeepalive, 4).start().unwrap()];
    let image = images().app("1.1");
    for round in 0..3 {
        let mine = scene.bgd.spawn(&["deploy", &image, "--no-watch"]);
        let its = scene.bgd.spawn(&["deploy", "-f", "other.yaml", &image, "--no-watch"]);
        for one in [mine, its] {
            let outcome = one.wait(Duration::from_secs(60));
            assert_eq!(outcome.code, Some(0), "round {round}: {outcome:#?}");
        }
    }
    for load in loads {
        nothing_lost(&load.stop());
    }
    assert_eq!(scene.edge.get("web.test", "/version").unwrap().body.trim(), "1.1");
    scene.assert_clean(4);
}

by_both! {
    both_are_right: at_the_same_time;
}
