//! An app moves to another proxy, and comes back: each release is asked, stopped and restored at the proxy of its own record.

use std::ops::Deref;
use std::time::Duration;

use bgd_load::Kind;
use bgd_testkit::{Edge, Front, Gate, TestRun, images, poll_until};
use nix::sys::signal::Signal;

use crate::scene::{HOST, Means, Nginx, Route, Scene, nothing_lost};

/// A second nginx on the network of a scene. It has to be dropped before that.
fn second(scene: &Scene) -> (Edge, TestRun) {
    let run = TestRun::on(scene.run.docker());
    let edge = Edge::builder(&run, Nginx::New.image()).network(scene.edge.network()).start();
    (edge, run)
}

fn behind(edge: &Edge) -> String {
    format!(
        "proxy:\n  nginx:\n    container: {}\n    config_dir: /etc/nginx/conf.d\n    server: {{ host: {HOST}, listen: 80 }}\n",
        edge.name()
    )
}

/// The version of the app that a proxy answers; none when it is another server of the proxy's that does.
fn served(front: &Front) -> Option<String> {
    let answer = front.get(HOST, "/version").ok()?;
    let body = answer.body.trim().to_owned();
    (answer.status == 200 && body.starts_with(char::is_numeric)).then_some(body)
}

fn state(scene: &Scene<impl Deref<Target = Front>>, slot: &str) -> Option<String> {
    let name = format!("{}-{slot}", scene.app);
    scene.containers().into_iter().find(|(own, ..)| *own == name).map(|(_, state, _)| state)
}

#[test]
fn a_move_without_a_word_is_refused_and_a_plan_says_so() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let (other, _run) = second(&scene);
    scene.configure(&behind(&other));
    for outcome in [scene.bgd.run(&["plan", &images().app("1.1")]), scene.deploy("1.1")] {
        let outcome = outcome.code(3);
        assert!(outcome.stderr.contains("move: { keep_old: 1h }"), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(other.name()), "{}", outcome.stderr);
    }
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.assert_clean(1);
}

#[test]
fn a_move_from_nginx_to_nginx_and_back_loses_nothing_on_either() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let (other, _run) = second(&scene);
    let load = scene.mixed();
    let moved = format!("{}move: {{ keep_old: 1h }}\n", behind(&other));
    scene.configure(&moved);
    let plan = scene.bgd.run(&["plan", &images().app("1.1")]).ok().stdout;
    assert!(plan.contains(&format!("nginx in {} goes on serving release 1", scene.edge.name())), "{plan}");
    let told = scene.deploy("1.1").ok().stderr;
    assert!(told.contains("release 1 goes on running"), "{told}");
    assert_eq!((served(&scene.edge).as_deref(), served(&other).as_deref()), (Some("1.0"), Some("1.1")));
    assert_eq!(state(&scene, "blue").as_deref(), Some("running"));

    // Before its time is over the old route stands in the way of the next deploy.
    let told = scene.deploy("1.2").code(3).stderr;
    assert!(told.contains(scene.edge.name()) && told.contains("kept until"), "{told}");

    // And back: the release that was asked for is live, behind its own proxy.
    let on_other = other.load(HOST).with(Kind::PacedKeepalive, 4).start().unwrap();
    let told = scene.rollback().ok().stderr;
    assert!(told.contains("release 1"), "{told}");
    assert_eq!(scene.status()["live"], 1);
    assert_eq!((served(&scene.edge).as_deref(), served(&other).as_deref()), (Some("1.0"), Some("1.1")));
    nothing_lost(&on_other.stop());
    nothing_lost(&load.stop());

    // When nobody asks the other any more, a deploy ends its route first.
    scene.configure("move: { keep_old: 0s }\n");
    scene.deploy("1.2").ok();
    assert_eq!((scene.served().as_deref(), served(&other)), (Some("1.2"), None));
    assert!(!other.files().contains(&format!("zz-bgd-{}.conf", scene.app)), "{:?}", other.files());
    scene.assert_clean(3);
}

#[test]
fn a_move_that_keeps_nothing_takes_the_old_route_away_and_retires_its_release() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let (other, _run) = second(&scene);
    scene.configure(&format!("{}move: {{ keep_old: 0s }}\n", behind(&other)));
    scene.deploy("1.1").ok();
    assert_eq!((served(&scene.edge), served(&other).as_deref()), (None, Some("1.1")));
    assert!(!scene.edge.files().contains(&format!("zz-bgd-{}.conf", scene.app)), "{:?}", scene.edge.files());
    assert_eq!(state(&scene, "blue").as_deref(), Some("exited"));
    scene.rollback().ok();
    assert_eq!((served(&scene.edge).as_deref(), served(&other)), (Some("1.0"), None));
    assert_eq!(scene.status()["live"], 1);
}

#[test]
fn an_unfinished_move_is_taken_back_where_it_was_made() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let (other, _run) = second(&scene);
    let load = scene.mixed();
    scene.configure(&format!("{}move: {{ keep_old: 1h }}\nwatch: {{ window: 60s }}\n", behind(&other)));
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--output", "json"]);
    deploy.wait_for("\"event\":\"step-started\",\"step\":\"watch\"", Duration::from_secs(30));
    deploy.signal(Signal::SIGINT);
    deploy.wait(Duration::from_secs(20)).code(130);
    assert_eq!((served(&scene.edge).as_deref(), served(&other).as_deref()), (Some("1.0"), Some("1.1")));
    scene.rollback().ok();
    assert_eq!((served(&scene.edge).as_deref(), served(&other)), (Some("1.0"), None));
    nothing_lost(&load.stop());
    scene.assert_clean(1);
}

/// Records that are made from the containers, because the folder is lost or another one, name the proxy of each release.
#[test]
fn recovered_records_keep_each_release_behind_its_own_proxy() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let (other, _run) = second(&scene);
    scene.configure(&format!("{}move: {{ keep_old: 1h }}\n", behind(&other)));
    scene.deploy("1.1").ok();
    std::fs::remove_dir_all(scene.bgd.state_dir().join("apps")).unwrap();
    scene.bgd.run(&["recover", "--yes"]).ok();
    let told = scene.deploy("1.2").code(3).stderr;
    assert!(told.contains(scene.edge.name()) && told.contains("kept until"), "{told}");
    scene.rollback().ok();
    assert_eq!(scene.status()["live"], 1);
    assert_eq!((served(&scene.edge).as_deref(), served(&other).as_deref()), (Some("1.0"), Some("1.1")));
    for slot in ["blue", "green"] {
        assert_eq!(state(&scene, slot).as_deref(), Some("running"), "{slot}");
    }
}

#[test]
fn a_move_from_nginx_to_traefik_and_back_loses_nothing() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let run = TestRun::on(scene.run.docker());
    let gate = Gate::builder(&run, &images().traefik_new).files().network(scene.edge.network()).start();
    let load = scene.mixed();
    scene.configure(&format!(
        "{}move: {{ keep_old: 1h }}\n",
        gate.configuration(&format!("Host(`{HOST}`)"), &[])
    ));
    scene.deploy("1.1").ok();
    assert_eq!((served(&scene.edge).as_deref(), served(&gate).as_deref()), (Some("1.0"), Some("1.1")));
    scene.rollback().ok();
    assert_eq!((served(&scene.edge).as_deref(), served(&gate).as_deref()), (Some("1.0"), Some("1.1")));
    assert_eq!(scene.status()["live"], 1);
    nothing_lost(&load.stop());
}

/// A Traefik with both providers, by files at first, and the lines that take labels.
fn both_providers() -> (Scene<Gate>, String) {
    let scene = Scene::gate(TestRun::new(), &images().traefik_new, Means::Files, |gate| {
        gate.labels().option("--providers.providersthrottleduration=100ms")
    });
    scene.configure("");
    let labels = format!(
        "labels: {{ {} }}\nproxy:\n  traefik:\n    container: {}\n    mode: labels\n    rule: Host(`{HOST}`)\n",
        scene.edge.label().replace('=', ": "),
        scene.edge.name()
    );
    (scene, labels)
}

fn carriers(scene: &Scene<Gate>) -> usize {
    scene.run.docker().labelled("container", &format!("bgd.carrier={}", scene.app)).len()
}

#[test]
fn a_move_between_the_modes_of_one_traefik_leaves_one_route_and_loses_nothing() {
    let (scene, labels) = both_providers();
    scene.first("1.0");
    let file = format!("bgd-{}.yml", scene.app);
    let load = scene.mixed();
    scene.configure(&labels);
    let plan = scene.bgd.run(&["plan", &images().app("1.1")]).ok().stdout;
    assert!(plan.contains("move: the route moves from Traefik (mode: file)"), "{plan}");
    scene.deploy("1.1").ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    assert!(!scene.edge.files().contains(&file) && carriers(&scene) == 1, "{:?}", scene.edge.files());
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    assert!(scene.edge.files().contains(&file) && carriers(&scene) == 0, "{:?}", scene.edge.files());
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    assert!(!scene.edge.files().contains(&file) && carriers(&scene) == 1, "{:?}", scene.edge.files());
    scene.configure("");
    scene.deploy("1.2").ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    assert!(scene.edge.files().contains(&file) && carriers(&scene) == 0, "{:?}", scene.edge.files());
    nothing_lost(&load.stop());
    scene.assert_clean(3);
}

#[test]
fn an_unfinished_move_between_the_modes_is_taken_back() {
    let (scene, labels) = both_providers();
    scene.first("1.0");
    let file = format!("bgd-{}.yml", scene.app);
    let load = scene.mixed();
    scene.configure(&format!("{labels}watch: {{ window: 60s }}\n"));
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--output", "json"]);
    deploy.wait_for("\"event\":\"step-started\",\"step\":\"watch\"", Duration::from_secs(30));
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    deploy.signal(Signal::SIGINT);
    deploy.wait(Duration::from_secs(20)).code(130);
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    assert!(scene.edge.files().contains(&file) && carriers(&scene) == 0, "{:?}", scene.edge.files());
    nothing_lost(&load.stop());
    scene.assert_clean(1);
}

#[test]
fn a_renamed_proxy_is_found_for_a_rollback() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let run = TestRun::on(scene.run.docker());
    let front = run.name("front");
    scene.run.docker().ok(["rename", scene.edge.name(), &front]);
    scene.configure(&format!(
        "proxy:\n  nginx:\n    container: {front}\n    config_dir: /etc/nginx/conf.d\n    server: {{ host: {HOST}, listen: 80 }}\n"
    ));
    scene.deploy("1.1").ok();
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    // From nowhere, and with nothing deployed since it was renamed once more: its id tells.
    let again = run.name("again");
    scene.run.docker().ok(["rename", &front, &again]);
    let nowhere = tempfile::tempdir().unwrap();
    scene.bgd.run_in(nowhere.path(), &["rollback", &scene.app]).ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    scene.run.docker().ok(["rename", &again, scene.edge.name()]);
}

#[test]
fn a_rollback_during_a_watch_has_the_watching_bgd_take_its_release_back() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let load = scene.mixed();
    let mut deploy =
        scene.bgd.spawn(&["deploy", &images().app("1.1"), "--window", "10m", "--output", "json"]);
    deploy.wait_for("\"event\":\"step-started\",\"step\":\"watch\"", Duration::from_secs(30));
    scene.wait_for("1.1");
    let told = scene.rollback().ok().stderr;
    assert!(told.contains("release 2 was taken back; release 1 of"), "{told}");
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    let ended = deploy.wait(Duration::from_secs(20)).code(9);
    assert!(ended.stdout.contains("bgd rollback"), "{}", ended.stdout);
    nothing_lost(&load.stop());
    poll_until(Duration::from_secs(10), || scene.status()["problems"] == serde_json::json!([]));
    scene.assert_clean(1);
    // What was asked is forgotten: the next deploy is not taken back.
    scene.deploy("1.2").ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
}
