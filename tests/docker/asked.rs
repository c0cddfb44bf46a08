//! bgd asks the app as clients do, and only what the app has answered says anything of a release.

use std::ops::Deref;
use std::time::Duration;

use bgd_testkit::{Front, Gate, TestRun, images, poll_until};

use crate::scene::{HOST, Means, Nginx, Route, Scene, nothing_lost};

/// Deploys a second release that answers nothing but requests of the route's own host, and watches it.
#[track_caller]
fn takes_one_host<P: Deref<Target = Front>>(scene: &Scene<P>) {
    scene.first("1.0");
    let load = scene.mixed();
    scene.configure(&format!(
        "env: {{ HOST_CHECK: {HOST} }}\nwatch: {{ window: 3s }}\ndrain: {{ timeout: 1s }}\n"
    ));
    let told = scene.bgd.run(&["deploy", &images().app("1.1")]).ok().stderr;
    assert!(told.contains("× 200") && !told.contains("× 403"), "{told}");
    assert!(scene.status()["problems"].as_array().unwrap().is_empty(), "{:#}", scene.status());
    nothing_lost(&load.stop());
    scene.assert_clean(2);
}

#[test]
fn an_app_that_takes_one_host_only_is_asked_for_it_behind_nginx() {
    takes_one_host(&Scene::new(Nginx::New, Route::Server));
    takes_one_host(&Scene::new(Nginx::Old, Route::Server));
    takes_one_host(&Scene::new(Nginx::New, Route::Upstream));
}

#[test]
fn an_app_that_takes_one_host_only_is_asked_for_it_behind_traefik() {
    takes_one_host(&Scene::behind_traefik(Means::Files));
    takes_one_host(&Scene::behind_traefik(Means::Labels));
}

/// Rails' `force_ssl` and Django's `SECURE_SSL_REDIRECT`, behind something that takes TLS before this proxy.
#[test]
fn the_headers_of_the_configuration_are_sent_by_health_smoke_and_watch() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let app = "env: { REDIRECT: https }\n";
    scene.configure(app);
    let told = scene.deploy("1.0").code(6).stderr;
    assert!(told.contains("answered 301"), "{told}");

    let headers = "headers: { X-Forwarded-Proto: https }";
    scene.configure(&format!(
        "{app}health: {{ http: /health, {headers} }}\nsmoke: [{{ get: /version, {headers} }}]\nwatch: {{ window: 3s, {headers} }}\n"
    ));
    for version in ["1.0", "1.1"] {
        let told = scene.bgd.run(&["deploy", &images().app(version)]).ok().stderr;
        assert!(told.contains("× 200") && !told.contains("× 301"), "{told}");
    }
}

/// `lab:lab`.
const MIDDLEWARES: &str = "http:\n  middlewares:\n    inner:\n      stripPrefix:\n        prefixes: [/shop]\n    login:\n      basicAuth:\n        users: [\"lab:{SHA}OVP53fl1q1CX7kaNmVVcW0QRab8=\"]\n";

fn behind_middlewares(middlewares: &str) -> Scene<Gate> {
    let line = format!("middlewares: [{middlewares}]");
    let scene = Scene::gate_with(TestRun::new(), &images().traefik_new, Means::Files, &[&line], |gate| {
        gate.option("--providers.providersthrottleduration=100ms").file("own.yml", MIDDLEWARES)
    });
    // Traefik reads the file a moment after it has begun to answer.
    poll_until(Duration::from_secs(20), || scene.edge.api_json("/api/http/middlewares/login@file").is_some());
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    let rule = format!("Host(`{HOST}`)");
    scene.bgd.write("bgd.yaml", &text.replace(&rule, &format!("{rule} && PathPrefix(`/shop`)")));
    scene
}

/// Replaces keys of bgd.yaml, which has one in a line.
fn rewrite(scene: &Scene<Gate>, lines: &[&str]) {
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let kept = text.lines().filter(|line| !lines.iter().any(|new| key(new) == key(line)));
    let all: Vec<&str> = kept.chain(lines.iter().copied()).collect();
    scene.bgd.write("bgd.yaml", &format!("{}\n", all.join("\n")));
}

#[test]
fn below_a_prefix_the_watch_asks_the_app_and_takes_a_bad_release_back() {
    let scene = behind_middlewares("inner@file");
    rewrite(&scene, &["drain: { timeout: 1s }", "watch: { window: 3s }"]);
    let told = scene.bgd.run(&["deploy", &images().app("1.0")]).ok().stderr;
    assert!(told.contains("× 200") && !told.contains("× 404"), "{told}");
    let version = || scene.edge.get(HOST, "/shop/version").unwrap().body.trim().to_owned();
    assert_eq!(version(), "1.0");

    rewrite(
        &scene,
        &[
            "smoke: [{ get: /health }]",
            "watch: { window: 10s, path: /version }",
            "env: { STATUS: \"500\", SPARE_HEALTH: \"1\" }",
        ],
    );
    let told = scene.bgd.run(&["deploy", &images().app("1.1")]).code(9).stderr;
    assert!(told.contains("answered 500"), "{told}");
    assert_eq!(version(), "1.0");
}

#[test]
fn behind_a_login_a_release_was_not_watched_unless_the_watch_has_the_login() {
    let scene = behind_middlewares("inner@file, login@file");
    rewrite(&scene, &["drain: { timeout: 1s }", "watch: { window: 3s }"]);
    let told = scene.bgd.run(&["deploy", &images().app("1.0")]).ok().stderr;
    assert!(
        told.contains("release 1 was not watched") && told.contains("× 401 by the proxy itself"),
        "{told}"
    );

    rewrite(&scene, &["watch: { window: 3s, headers: { Authorization: Basic bGFiOmxhYg== } }"]);
    let told = scene.bgd.run(&["deploy", &images().app("1.1")]).ok().stderr;
    assert!(told.contains("× 200") && !told.contains("was not watched"), "{told}");
    assert!(!told.contains("bGFiOmxhYg"), "{told}");
}

/// A login sends 20 KB of cookies, more than nginx takes by default: bgd's own server block passes them on, and so does the
/// server by which bgd asks.
#[track_caller]
fn with_big_headers(nginx: Nginx) {
    let scene = Scene::new(nginx, Route::Server);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    scene.configure("drain: { timeout: 1s }\nenv: { BIG_HEADER: \"20\" }\n");
    let load = scene.mixed();
    let outcome = scene.bgd.run(&["deploy", &images().app("1.1"), "--window", "2s"]).ok();
    assert!(!outcome.stderr.contains("502") && !outcome.stderr.contains("not watched"), "{}", outcome.stderr);
    nothing_lost(&load.stop());
    let answer = scene.edge.get(HOST, "/version").unwrap();
    assert_eq!((answer.status, answer.version()), (200, Some("1.1")));
    assert!(answer.header("set-cookie").is_some_and(|cookie| cookie.len() > 1000));
    scene.assert_clean(2);
}

#[test]
fn big_headers_behind_a_new_nginx() {
    with_big_headers(Nginx::New);
}

#[test]
fn big_headers_behind_an_old_nginx() {
    with_big_headers(Nginx::Old);
}
