//! What cannot work is said before anything is started.

use bgd_testkit::{App, TestRun, images};

use super::Means;
use crate::scene::{HOST, Scene, nothing_lost};

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

/// A middleware of the route is defined by the labels of the container that serves today, as compose files have it.
#[test]
fn a_middleware_that_goes_with_the_old_release() {
    let scene = Scene::gate_with(
        TestRun::new(),
        &images().traefik_new,
        Means::Labels,
        &["middlewares: [extra@docker]"],
        |gate| gate.option("--providers.providersthrottleduration=100ms"),
    );
    scene.configure("drain: { timeout: 1s }\n");
    let web = scene.run.name("web");
    let labels = [
        scene.edge.label(),
        "traefik.enable=true".to_owned(),
        format!("traefik.http.routers.web.rule=Host(`{HOST}`)"),
        "traefik.http.routers.web.middlewares=extra@docker".to_owned(),
        "traefik.http.services.web.loadbalancer.server.port=3000".to_owned(),
        "traefik.http.middlewares.extra.headers.customresponseheaders.X-Extra=yes".to_owned(),
    ];
    let app = App::new(&scene.run, images().app_without_check("1.0")).network(scene.edge.network());
    let app = labels.iter().fold(app, |app, label| app.arg("--label").arg(label)).start(&web);
    app.wait_answers();
    scene.wait_for("1.0");
    let load = scene.mixed();
    scene.bgd.run(&["adopt", &web]).ok();
    for command in [["plan", &images().app("1.1")], ["deploy", &images().app("1.1")]] {
        let outcome = scene.bgd.run(&command).code(3);
        for part in ["extra@docker", &web, "this deploy stops", "retire: keep"] {
            assert!(outcome.stderr.contains(part), "{command:?}: no word of {part}\n{}", outcome.stderr);
        }
    }
    scene.assert_clean(0);
    // The remedies: the old release goes on running, or the middleware is defined by a container that stays.
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("bgd.yaml", &format!("{text}retire: keep\n"));
    scene.bgd.run(&["plan", &images().app("1.1")]).ok();
    scene.bgd.write("bgd.yaml", &text);
    let other = App::new(&scene.run, images().app_without_check("1.0")).network(scene.edge.network());
    let stay = [&labels[0], &labels[1], &labels[5]];
    let other =
        stay.iter().fold(other, |app, label| app.arg("--label").arg(label)).start(&scene.run.name("other"));
    other.wait_answers();
    scene.deploy("1.1").ok();
    nothing_lost(&load.stop());
    scene.assert_clean(1);
    let answer = scene.edge.get(HOST, "/version").unwrap();
    assert_eq!((answer.status, answer.header("x-extra")), (200, Some("yes")));
}
