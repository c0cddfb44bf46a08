//! Twenty at once.

use std::time::Duration;

use bgd_testkit::images;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

#[test]
fn of_twenty_deploys_at_once_one_deploys_and_nineteen_say_who_holds_the_lock() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    let load = scene.mixed();
    let image = images().app("1.1");
    let mut all: Vec<_> = (0..20).map(|_| scene.bgd.spawn(&["deploy", &image, "--window", "3s"])).collect();
    let outcomes: Vec<_> = all.drain(..).map(|one| one.wait(Duration::from_secs(60))).collect();
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.code == Some(0));
    assert_eq!((done.len(), refused.len()), (1, 19), "{outcomes:#?}");
    for outcome in refused {
        let told = outcome.stderr.contains("process ") && outcome.stderr.contains("deploy");
        assert!(outcome.code == Some(4) && told, "{outcome:#?}");
    }
    nothing_lost(&load.stop());
    scene.assert_clean(2);
    assert_eq!(scene.containers().len(), 2, "{:?}", scene.containers());
}

#[test]
fn two_apps_behind_one_nginx_are_deployed_at_the_same_time() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let other = scene.run.app_name("web");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    let text = text.replace(&scene.app, &other).replace(crate::scene::HOST, "web.test");
    scene.bgd.write("other.yaml", &text);
    let first = images().app("1.0");
    scene.bgd.run(&["deploy", "-f", "other.yaml", &first, "--no-watch"]).ok();
    let load = scene.mixed();
    let image = images().app("1.1");
    for round in 0..3 {
        let mine = scene.bgd.spawn(&["deploy", &image, "--no-watch"]);
        let its = scene.bgd.spawn(&["deploy", "-f", "other.yaml", &image, "--no-watch"]);
        for one in [mine, its] {
            let outcome = one.wait(Duration::from_secs(60));
            assert_eq!(outcome.code, Some(0), "round {round}: {outcome:#?}");
        }
    }
    nothing_lost(&load.stop());
    assert_eq!(scene.edge.get("web.test", "/version").unwrap().body.trim(), "1.1");
    scene.assert_clean(4);
}
