//! Restarts and deaths of the daemon: on an engine of their own.

use std::ops::Deref;
use std::time::{Duration, Instant};

use bgd_testkit::{Container, Front, Gate, PrivateEngine, TestRun, images};

use crate::scene::{Means, Nginx, Retired, Route, Scene, each_retire};

/// How long after the daemon's start everything has to serve.
///
/// An nginx that starts before its app ends again, and Docker waits longer before each new attempt.
const BACK: Duration = Duration::from_secs(15);

/// How the daemon ends before it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Restart,
    Kill,
}

impl End {
    /// A daemon that was killed ends the containers that it finds running, and then takes those that are
    /// `unless-stopped` for stopped by hand: only `always` brings them back.
    pub fn policy(self) -> &'static str {
        match self {
            Self::Restart => "unless-stopped",
            Self::Kill => "always",
        }
    }
}

/// Brings these proxies and two versions of the app.
pub fn load_images(engine: &PrivateEngine, proxies: &[&str]) {
    let apps = ["1.0", "1.1"].map(|version| images().app(version));
    let all: Vec<&str> = apps.iter().map(String::as_str).chain(proxies.iter().copied()).collect();
    engine.load_images(&all);
}

/// An app for each kind of retire behind the same proxy, with its second release.
#[track_caller]
fn retired<P: Deref<Target = Front>>(scene: Scene<P>, end: End) -> [Retired<P>; 3] {
    let scenes = each_retire(scene);
    for (retire, scene) in &scenes {
        scene.configure(&format!("retire: {retire}\nrestart: {}\n", end.policy()));
        scene.first("1.0");
        scene.deploy("1.1").ok();
    }
    scenes
}

/// After a deploy and after a rollback, whatever became of the other release, the daemon comes back with the right one.
#[track_caller]
fn each_survives<P: Deref<Target = Front>>(
    engine: &mut PrivateEngine,
    end: End,
    proxies: impl IntoIterator<Item = Scene<P>>,
) {
    let scenes: Vec<Retired<P>> = proxies.into_iter().flat_map(|proxy| retired(proxy, end)).collect();
    survive(engine, end, &scenes, "1.1", 2, 1);
    for (_, scene) in &scenes {
        scene.rollback().ok();
    }
    survive(engine, end, &scenes, "1.0", 1, 2);
}

#[track_caller]
fn survive<P: Deref<Target = Front>>(
    engine: &mut PrivateEngine,
    end: End,
    scenes: &[(&str, Scene<P>)],
    version: &str,
    live: u32,
    other: u32,
) {
    let before: Vec<_> = scenes.iter().map(|(_, scene)| started(&scene.edge)).collect();
    match end {
        End::Restart => engine.restart(),
        End::Kill => {
            engine.kill();
            engine.start_again();
        }
    }
    for ((retire, scene), before) in scenes.iter().zip(&before) {
        // Until then what answers may be what was there before.
        let is_back = || scene.edge.is_running() && started(&scene.edge) != *before;
        let deadline = Instant::now() + BACK;
        while !is_back() || scene.served().is_none() {
            assert!(Instant::now() < deadline, "retire: {retire}: {}", told(scene));
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(scene.served().as_deref(), Some(version), "retire: {retire}");
        scene.assert_clean(live);
        let expected = match *retire {
            "keep" => Some("running"),
            // `always` brings back what was stopped, too.
            "stop" if end == End::Restart => Some("exited"),
            "stop" => Some("running"),
            _ => None,
        };
        let containers = scene.containers();
        let old = containers.iter().find(|(.., release)| *release == other.to_string());
        assert_eq!(old.map(|(_, state, _)| state.as_str()), expected, "retire: {retire}");
    }
}

/// What a person would look at when nothing is served.
fn told<P: Deref<Target = Front>>(scene: &Scene<P>) -> String {
    let containers = scene.run.docker().run(["ps", "--all"]).unwrap_or_else(|why| why);
    format!("nothing is served\n{containers}\n{}", scene.edge.logs())
}

fn started(container: &Container) -> Option<String> {
    container.inspect("{{.State.StartedAt}}")
}

fn nginx(engine: &PrivateEngine, nginx: Nginx, policy: &str) -> Scene {
    let run = TestRun::on(&engine.docker());
    Scene::with(run, nginx, Route::Upstream, |edge| edge.arg("--restart").arg(policy))
}

fn traefik(engine: &PrivateEngine, means: Means, policy: &str) -> Scene<Gate> {
    Scene::gate(TestRun::on(&engine.docker()), &images().traefik_new, means, |gate| {
        gate.option("--providers.providersthrottleduration=100ms").arg("--restart").arg(policy)
    })
}

/// One engine for both proxies of a kind: each restart tells of all apps behind them.
#[track_caller]
fn the_daemon_ends_and_comes_back(end: End) {
    let mut engine = PrivateEngine::in_turn();
    load_images(&engine, &[Nginx::New.image(), Nginx::Old.image(), &images().traefik_new]);
    let proxies = [Nginx::New, Nginx::Old].map(|kind| nginx(&engine, kind, end.policy()));
    each_survives(&mut engine, end, proxies);
    let proxies = [Means::Files, Means::Labels].map(|means| traefik(&engine, means, end.policy()));
    each_survives(&mut engine, end, proxies);
}

#[test]
fn a_restarted_daemon() {
    the_daemon_ends_and_comes_back(End::Restart);
}

#[test]
fn a_killed_daemon() {
    the_daemon_ends_and_comes_back(End::Kill);
}
