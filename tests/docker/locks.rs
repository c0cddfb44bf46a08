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

#[test]
fn whoever_waits_gets_the_turn_and_goes_on_from_what_is_there_then() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    // WebSockets stay until the drain's end.
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let load = scene.mixed();
    let minute = Duration::from_secs(60);
    let mut first = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--window", "3s", "--output", "json"]);
    first.wait_for("\"event\":\"step-started\"", minute);
    let second = scene.bgd.spawn(&["deploy", &images().app("1.2"), "--no-watch", "--wait", "1m"]);
    let second = second.wait(minute).ok();
    assert!(second.stderr.contains("waiting for it") && second.stderr.contains("process "), "{second:#?}");
    first.wait(minute).ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));

    // A rollback does not wait for the end: it has the deploy taken back, after the switch or before it.
    let mut third = scene.bgd.spawn(&["deploy", &images().app("1.0"), "--window", "2s", "--output", "json"]);
    third.wait_for("\"event\":\"step-started\"", minute);
    scene.bgd.run(&["rollback", &scene.app, "--wait", "1m"]).ok();
    let third = third.wait(minute);
    assert!([Some(9), Some(130)].contains(&third.code), "{third:#?}");
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    scene.assert_clean(3);
    nothing_lost(&load.stop());
}

#[test]
fn whoever_has_waited_long_enough_says_for_whom() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    let mut first = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--window", "5m", "--output", "json"]);
    first.wait_for("\"step\":\"watch\"", Duration::from_secs(60));
    let refused = scene.bgd.run(&["deploy", &images().app("1.2"), "--wait", "1500ms"]).code(4);
    assert!(refused.stderr.contains("--window 5m"), "{refused:#?}");
    first.kill();
    scene.bgd.run(&["rollback", &scene.app, "--wait", "1500ms"]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
}
