//! nginx or the live container is restarted after a deploy, a rollback and each kind of retire.

use std::ops::Deref;
use std::time::Duration;

use bgd_testkit::{App, Container, Front, images, poll_until};

use crate::scene::{Nginx, Retired, Route, Scene, each_retire};

/// The right release is served after each restart, whatever became of the other one.
#[track_caller]
fn restarts_are_survived(nginx: Nginx) {
    let scenes = each_retire(Scene::new(nginx, Route::Upstream));
    for (_, scene) in &scenes {
        scene.first("1.0");
        give_up_early(scene);
        scene.deploy("1.1").ok();
    }
    restart_both(&scenes, "1.1", 2);
    for (_, scene) in &scenes {
        scene.rollback().ok();
    }
    restart_both(&scenes, "1.0", 1);
    for (_, scene) in &scenes {
        move_the_live_container(scene, "1.0", 1);
        // What is there now is something to go on from.
        scene.rollback().ok();
        scene.wait_for("1.1");
        scene.assert_clean(2);
    }
}

/// A request that goes to the former address of a container, within the second for which nginx remembers it, finds
/// nobody there. How long it then hangs is said by the user's server block: a minute, when it says nothing.
#[track_caller]
fn give_up_early<P: Deref<Target = Front>>(scene: &Scene<P>) {
    let (file, block) = scene.server_block();
    scene.edge.put(&file, &block.replace("proxy_pass", "proxy_connect_timeout 1s;\n        proxy_pass"));
    scene.reload();
}

/// The proxy, the live containers and the proxy again are restarted: each time the right release is served.
#[track_caller]
pub fn restart_both<P: Deref<Target = Front>>(scenes: &[Retired<P>], version: &str, release: u32) {
    let right = || {
        for (_, scene) in scenes {
            scene.wait_for(version);
        }
    };
    let clean = || scenes.iter().for_each(|(_, scene)| scene.assert_clean(release));
    let (_, first) = &scenes[0];
    right();
    first.edge.restart();
    right();
    clean();
    for (_, scene) in scenes {
        scene.live_container().restart();
        scene.wait_for(version);
    }
    first.edge.restart();
    right();
    clean();
}

/// The live container comes back under another address, and another container answers at its former one.
#[track_caller]
fn move_the_live_container<P: Deref<Target = Front>>(scene: &Scene<P>, version: &str, release: u32) {
    let live = scene.live_container();
    let before = address(&live);
    live.stop();
    let taken = (0..8).any(|number| {
        let squatter = App::new(&scene.run, images().app_without_check("1.2"))
            .network(scene.edge.network())
            .start(&scene.run.name(&format!("squatter-{number}")));
        address(&squatter) == before
    });
    assert!(taken, "nobody took {before}");
    live.start();
    assert_ne!(address(&live), before);
    // Each worker of nginx remembers an address for up to two seconds of its own; then all of them have to be right.
    poll_until(Duration::from_secs(10), || (0..50).all(|_| scene.served().as_deref() == Some(version)));
    scene.edge.restart();
    scene.wait_for(version);
    scene.assert_clean(release);
}

fn address(container: &Container) -> String {
    container.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").unwrap()
}

/// Killed and not restarted by hand: the restart policy brings it back, and nginx finds it.
#[track_caller]
fn a_crash_is_survived(nginx: Nginx) {
    let scene = Scene::new(nginx, Route::Upstream);
    scene.first("1.0");
    give_up_early(&scene);
    scene.deploy("1.1").ok();
    let live = scene.live_container();
    let pid = live.pid();
    // From outside of Docker, which would take a `docker kill` for somebody's wish.
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid.try_into().unwrap()),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    poll_until(Duration::from_secs(10), || ![0, pid].contains(&live.pid()));
    scene.wait_for("1.1");
    // A worker of nginx that remembers the former address goes on asking there for up to two seconds.
    poll_until(Duration::from_secs(20), || scene.status()["problems"] == serde_json::json!([]));
    scene.assert_clean(2);
}

macro_rules! on_both {
    ($($name:ident: $test:expr;)*) => {
        mod nginx_new {
            use super::*;
            $(#[test] fn $name() { $test(Nginx::New); })*
        }
        mod nginx_old {
            use super::*;
            $(#[test] fn $name() { $test(Nginx::Old); })*
        }
    };
}

on_both! {
    with_the_old_release_kept_stopped_and_removed: restarts_are_survived;
    of_a_live_container_that_crashes: a_crash_is_survived;
}
