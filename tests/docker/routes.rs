//! A route that somebody would not be served by any more is refused before anything is started.

use bgd_load::Kind;
use bgd_testkit::{conf, images};

use crate::scene::{HOST, Nginx, Route, Scene, nothing_lost};

/// Another route in bgd.yaml, and its refusal by `plan` and by `deploy`, under load.
#[track_caller]
fn refused(scene: &Scene, route: &str, said: &str) {
    scene.configure(&proxy(scene, route));
    let load =
        scene.load().with(Kind::PerConnection, 2).pace(std::time::Duration::from_millis(20)).start().unwrap();
    for command in [["deploy", "--no-watch"], ["deploy", "--plan"]] {
        let outcome = scene.bgd.run(&[command[0], &images().app("1.1"), command[1]]);
        assert_eq!(outcome.code(3).stderr.matches(said).count(), 1, "{command:?}");
    }
    nothing_lost(&load.stop());
    assert_eq!(scene.containers().len(), 1, "nothing was started");
}

fn proxy(scene: &Scene, route: &str) -> String {
    format!(
        "proxy:\n  nginx:\n    container: {}\n    config_dir: /etc/nginx/conf.d\n    {route}\n",
        scene.edge.name()
    )
}

#[test]
fn a_server_block_becomes_an_upstream_and_back_without_a_lost_request_or_not_at_all() {
    for nginx in [Nginx::New, Nginx::Old] {
        let scene = Scene::new(nginx, Route::Server);
        scene.first("1.0");
        refused(&scene, "upstream: api_backend", "no server block would do so after this deploy");
        // As the refusal says.
        scene.edge.put("a-own.conf", &conf::server(HOST, "api_backend"));
        let load = scene
            .load()
            .with(Kind::PerConnection, 2)
            .pace(std::time::Duration::from_millis(20))
            .start()
            .unwrap();
        scene.deploy("1.1").ok();
        assert_eq!(scene.served().as_deref(), Some("1.1"));
        nothing_lost(&load.stop());
        scene.assert_clean(2);
    }
}

#[test]
fn an_upstream_becomes_a_server_block_only_when_nothing_refers_to_it() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    let route = format!("server: {{ host: {HOST}, listen: 80 }}");
    refused(&scene, &route, "which nobody would define after this deploy");
    let (file, _) = scene.server_block();
    scene.edge.put(&file, "");
    let load =
        scene.load().with(Kind::PerConnection, 2).pace(std::time::Duration::from_millis(20)).start().unwrap();
    scene.deploy("1.1").ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    nothing_lost(&load.stop());
}

#[test]
fn another_port_is_refused_while_nobody_answers_on_the_former_one() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    refused(&scene, &format!("server: {{ host: {HOST}, listen: 8080 }}"), "would end that at once");
}

#[test]
fn a_second_nginx_with_the_same_folder_is_named() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let folder = scene.edge.host_folder().unwrap();
    let mount = format!("{}:/etc/nginx/conf.d:ro", folder.display());
    let name = scene.run.name("second");
    let label = scene.run.label();
    let run = [
        "run",
        "--detach",
        "--name",
        &name,
        "--label",
        &label,
        "--network",
        scene.edge.network(),
        "--volume",
        &mount,
    ];
    scene.run.docker().ok(run.into_iter().chain([Nginx::New.image()]));
    let outcome = scene.deploy("1.1").code(3);
    assert!(
        outcome.stderr.contains(&name) && outcome.stderr.contains("a folder of its own"),
        "{}",
        outcome.stderr
    );
    assert_eq!(scene.containers().len(), 1, "nothing was started");
    scene.run.docker().ok(["rm", "--force", &name]);
    scene.deploy("1.1").ok();
}
