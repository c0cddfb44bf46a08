//! The same for each driver: what its route is written in, its proxy's container, the network, and the live container.

use std::fs;
use std::ops::Deref;
use std::time::Duration;

use bgd_testkit::{App, Front, images, poll_until};

use super::{COMMANDS, remedied, typed};
use crate::scene::{Means, Nginx, Route, Scene};

const VERSION: &str = "1.1";

/// Two releases, of which the second is live.
fn two_releases<P: Deref<Target = Front>>(scene: Scene<P>) -> Scene<P> {
    let text = fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("bgd.yaml", &text.replace("drain: { timeout: 20s }", "drain: { timeout: 1s }"));
    scene.first("1.0");
    scene.deploy(VERSION).ok();
    scene
}

/// Asserts that status names the damage, then types what it prints until it prints nothing any more.
#[track_caller]
fn remedied_in_turn<P: Deref<Target = Front>>(scene: &Scene<P>, named: &str) {
    let told = |problems: &serde_json::Value| -> Vec<String> {
        problems.as_array().unwrap().iter().filter_map(|one| one.as_str()).map(str::to_owned).collect()
    };
    let first = told(&scene.status()["problems"]);
    assert!(first.iter().any(|one| one.contains(named)), "{named:?} is not told: {first:#?}");
    let mut problems = first;
    for _ in 0..4 {
        // What is told without a command has another cause, which is told with one.
        let has_command = |one: &&String| COMMANDS.iter().any(|begin| one.contains(begin));
        let Some(problem) = problems.iter().find(has_command) else { break };
        typed(scene, problem);
        problems = told(&scene.status()["problems"]);
    }
    assert!(problems.is_empty(), "still told: {problems:#?}");
    is_well(scene);
}

#[track_caller]
fn is_well<P: Deref<Target = Front>>(scene: &Scene<P>) {
    scene.wait_for(VERSION);
    let status = scene.status();
    assert_eq!(status["problems"], serde_json::json!([]), "{status:#}");
    assert_eq!(status["image"], images().app(VERSION), "{status:#}");
}

/// The rows that are the same whatever the proxy is.
#[track_caller]
fn containers_and_networks<P: Deref<Target = Front>>(scene: &Scene<P>) {
    let docker = scene.run.docker();
    let network = scene.edge.network().to_owned();
    let live = || scene.live_container().name().to_owned();

    docker.ok(["network", "disconnect", &network, &live()]);
    remedied(scene, "was changed by hand: networks", VERSION);
    let container = live();
    docker.ok(["network", "disconnect", &network, &container]);
    docker.ok(["network", "connect", &network, &container]);
    remedied(scene, "does not know it as", VERSION);
    docker.ok(["stop", "-t", "0", &live()]);
    remedied(scene, "is live and Exited", VERSION);

    // Another container has the name of the one that was live: it is left as it is.
    let name = live();
    docker.ok(["rm", "-f", &name]);
    let other = App::new(&scene.run, images().app_without_check("1.2")).network(&network).start(&name);
    remedied(scene, "1 of its 1 containers are missing", VERSION);
    assert!(other.is_running(), "a container that only has the name was touched");
    docker.ok(["rm", "-f", &name]);

    // The proxy's container, as `docker compose up --force-recreate` does it.
    scene.edge.remove();
    scene.edge.make_again();
    poll_until(Duration::from_secs(20), || scene.served().as_deref() == Some(VERSION));
    is_well(scene);
    scene.edge.remove();
    let gone = scene.status();
    assert!(gone["problems"].to_string().contains(scene.edge.name()), "{gone:#}");
    scene.edge.make_again();
    is_well(scene);

    // The network is another one of that name.
    let format = "{{range .Containers}}{{.Name}} {{end}}";
    let on_it = docker.ok(["network", "inspect", "--format", format, &network]);
    for name in on_it.split_whitespace() {
        docker.ok(["network", "disconnect", "-f", &network, name]);
    }
    docker.ok(["network", "rm", &network]);
    docker.ok(["network", "create", "--label", &scene.run.label(), &network]);
    remedied_in_turn(scene, "is not on the app's network");
    scene.deploy("1.0").ok();
    scene.wait_for("1.0");
    scene.rollback().ok();
    is_well(scene);
}

/// The file in which the route is written, changed and removed.
#[track_caller]
fn files<P: Deref<Target = Front>>(scene: &Scene<P>, ending: &str) {
    let file = || {
        let files = scene.edge.files().into_iter();
        let mut own = files.filter(|name| name.contains(&scene.app) && name.ends_with(ending));
        scene.edge.host_folder().unwrap().join(own.next_back().unwrap())
    };
    let text = fs::read_to_string(file()).unwrap();
    fs::write(file(), format!("{text}# mine\n")).unwrap();
    remedied(scene, "changed or removed by hand", VERSION);
}

/// Another nginx takes the place of the one of before, under its name.
#[track_caller]
fn nginx_of_another_version(scene: &Scene, nginx: Nginx) {
    scene.edge.remove();
    scene.edge.make_again_of(nginx.image());
    // It runs or it has ended, after which Docker says so.
    let has_settled = || scene.edge.state().as_deref() == Some("exited") || scene.served().is_some();
    poll_until(Duration::from_secs(10), has_settled);
    if nginx == Nginx::Old {
        remedied_in_turn(scene, "does not take a file of bgd's");
    }
    is_well(scene);
    scene.deploy("1.0").ok();
    scene.deploy(VERSION).ok();
    is_well(scene);
}

#[test]
fn behind_a_new_nginx_that_becomes_an_old_one_and_a_new_one_again() {
    for route in [Route::Server, Route::Upstream] {
        let scene = two_releases(Scene::new(Nginx::New, route));
        nginx_of_another_version(&scene, Nginx::Old);
        nginx_of_another_version(&scene, Nginx::New);
    }
}

#[test]
fn behind_a_new_nginx() {
    containers_and_networks(&two_releases(Scene::new(Nginx::New, Route::Upstream)));
}

#[test]
fn behind_an_old_nginx() {
    let scene = two_releases(Scene::new(Nginx::Old, Route::Server));
    files(&scene, ".conf");
    containers_and_networks(&scene);
}

#[test]
fn behind_traefik_by_files() {
    let scene = two_releases(Scene::behind_traefik(Means::Files));
    files(&scene, ".yml");
    let mut own = scene.edge.files().into_iter().filter(|name| name.contains(&scene.app));
    fs::remove_file(scene.edge.host_folder().unwrap().join(own.next_back().unwrap())).unwrap();
    poll_until(Duration::from_secs(10), || scene.served().is_none());
    remedied(&scene, "the proxy has no route for it", VERSION);
    containers_and_networks(&scene);
}

#[test]
fn behind_traefik_by_labels() {
    let scene = two_releases(Scene::behind_traefik(Means::Labels));
    let docker = scene.run.docker();
    let carriers = docker.ok(["ps", "-aq", "--filter", &format!("label=bgd.carrier={}", scene.app)]);
    for carrier in carriers.split_whitespace() {
        docker.ok(["rm", "-f", carrier]);
    }
    poll_until(Duration::from_secs(10), || scene.served().is_none());
    remedied(&scene, "the proxy has no route for it", VERSION);
    containers_and_networks(&scene);
}
