//! A current Docker engine of the test's own: the main job on its API, and restarts of the daemon.

use std::ops::Deref;
use std::time::{Duration, Instant};

use bgd_testkit::{Container, Front, PrivateEngine, TestRun, images};

use crate::scene::{Nginx, Route, Scene, nothing_lost};

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

fn engine(nginx: &[Nginx]) -> PrivateEngine {
    engine_with(&nginx.iter().map(|nginx| nginx.image()).collect::<Vec<_>>())
}

/// An engine that has these proxies and two versions of the app.
pub fn engine_with(proxies: &[&str]) -> PrivateEngine {
    let engine = PrivateEngine::start();
    load_images(&engine, proxies);
    engine
}

/// Brings these proxies and two versions of the app.
pub fn load_images(engine: &PrivateEngine, proxies: &[&str]) {
    for version in ["1.0", "1.1"] {
        engine.load_image(&images().app(version));
    }
    for proxy in proxies {
        engine.load_image(proxy);
    }
}

fn scene(engine: &PrivateEngine, nginx: Nginx, policy: &str) -> Scene {
    Scene::with(TestRun::on(&engine.docker()), nginx, Route::Upstream, |edge| {
        edge.arg("--restart").arg(policy)
    })
}

#[test]
fn the_main_job_on_a_current_engine() {
    let engine = engine(&[Nginx::New, Nginx::Old]);
    for nginx in [Nginx::New, Nginx::Old] {
        let scene = scene(&engine, nginx, "unless-stopped");
        scene.configure("drain: { timeout: 3s }\n");
        scene.first("1.0");
        let load = scene.mixed();
        scene.bgd.run(&["deploy", &images().app("1.1")]).ok();
        assert_eq!(scene.served().as_deref(), Some("1.1"));
        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some("1.0"));
        let report = load.stop();
        nothing_lost(&report);
        assert!(report.served_by.contains_key("1.1"), "1.1 served nothing\n{report}");
        scene.assert_clean(1);
    }
}

/// One scene for each kind of retire, so that each restart tells of all of them.
#[track_caller]
fn restarts_of_the_daemon(nginx: Nginx, end: End) {
    let mut engine = engine(&[nginx]);
    let scenes: Vec<(&str, Scene)> = ["keep", "stop", "remove"]
        .map(|retire| {
            let scene = scene(&engine, nginx, end.policy());
            scene.configure(&format!("retire: {retire}\nrestart: {}\n", end.policy()));
            scene.first("1.0");
            scene.deploy("1.1").ok();
            (retire, scene)
        })
        .into();
    survive(&mut engine, end, &scenes, "1.1", 2, 1);
    for (_, scene) in &scenes {
        scene.rollback().ok();
    }
    survive(&mut engine, end, &scenes, "1.0", 1, 2);
}

#[track_caller]
pub fn survive<P: Deref<Target = Front>>(
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

#[test]
fn a_restarted_daemon_behind_a_new_nginx() {
    restarts_of_the_daemon(Nginx::New, End::Restart);
}

#[test]
fn a_restarted_daemon_behind_an_old_nginx() {
    restarts_of_the_daemon(Nginx::Old, End::Restart);
}

#[test]
fn a_killed_daemon_behind_a_new_nginx() {
    restarts_of_the_daemon(Nginx::New, End::Kill);
}

#[test]
fn a_killed_daemon_behind_an_old_nginx() {
    restarts_of_the_daemon(Nginx::Old, End::Kill);
}
