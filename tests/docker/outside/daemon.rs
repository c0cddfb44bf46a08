//! Docker itself is restarted or killed in the middle of a deploy: a private, current engine.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::time::Duration;

use bgd_load::Load;
use bgd_testkit::{Front, Gate, PrivateEngine, TestRun, images};

use super::trial::{Trials, Under};
use crate::daemon::{End, load_images};
use crate::scene::{HOST, Means, Nginx, Route, Scene, nothing_lost};

/// Stopped releases would come back with the daemon under `always`, so they are removed.
fn settings(policy: &str) -> String {
    format!("drain: {{ timeout: 1s }}\nretire: remove\nwatch: {{ window: 3s }}\nrestart: {policy}\n")
}

fn nginx(engine: &PrivateEngine, policy: &str) -> Scene {
    let run = TestRun::on(&engine.docker());
    let scene = Scene::with(run, Nginx::New, Route::Server, |edge| edge.arg("--restart").arg(policy));
    scene.configure(&settings(policy));
    scene.first("1.0");
    scene
}

fn traefik(engine: &PrivateEngine, policy: &str) -> Scene<Gate> {
    let run = TestRun::on(&engine.docker());
    let scene = Scene::gate(run, &images().traefik_new, Means::Files, |gate| {
        gate.option("--providers.providersthrottleduration=100ms").arg("--restart").arg(policy)
    });
    scene.configure(&settings(policy));
    scene.first("1.0");
    scene
}

fn end(engine: &mut PrivateEngine, end: End) {
    match end {
        End::Restart => engine.stop(),
        End::Kill => engine.kill(),
    }
}

/// Where containers go on without the daemon, bgd waits for it, and nobody notices: nginx keeps the addresses that it knows.
/// Docker's DNS is the daemon itself, and Traefik, which asks it for each new connection to an app, loses requests then.
#[track_caller]
fn with_live_restore<P: Deref<Target = Front>>(scene: Scene<P>, engine: &mut PrivateEngine, title: &str) {
    // Docker's own process for a published port ends with the daemon, so the load goes to the proxy's own address.
    let address = format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", scene.edge.network());
    let address: Ipv4Addr = scene.edge.inspect(&address).unwrap().parse().unwrap();
    let netns = engine.netns();
    let aim = move || Load::new(SocketAddr::from((address, 80)), HOST).netns(&netns);
    let mut trials = Trials::new(&scene, title, Under::Mixed).aimed(aim);
    let steps = [("create", End::Kill), ("stage", End::Kill), ("switch", End::Restart), ("watch", End::Kill)];
    for (step, how) in steps {
        let ended = trials.run(step, &format!("daemon {how:?}, live-restore").to_lowercase(), |_, held| {
            end(engine, how);
            held.go_on();
            held.wait_for("does not answer: waiting for it");
            engine.start_again();
        });
        // A request to create a container that was sent as the daemon died cannot be sent again.
        let was_sent = step == "create" && ended.said.contains("could not be created");
        assert_eq!(ended.code, if was_sent { 5 } else { 0 }, "{}", ended.said);
        nothing_lost(&ended.report);
    }
}

/// Where they end with it, everything serves again as soon as it is up again, and nothing is lost from then on.
#[track_caller]
fn without_live_restore<P: Deref<Target = Front>>(
    scene: Scene<P>,
    engine: &mut PrivateEngine,
    how: End,
    title: &str,
    steps: &[&str],
) {
    let mut trials = Trials::new(&scene, title, Under::Mixed);
    for step in steps {
        trials.run(step, &format!("daemon {how:?}").to_lowercase(), |_, held| {
            end(engine, how);
            held.go_on();
            held.ends_within(Duration::from_millis(300));
            engine.start_again();
        });
    }
}

#[test]
fn with_live_restore_behind_nginx() {
    let mut engine = PrivateEngine::in_turn_with_live_restore();
    load_images(&engine, &[Nginx::New.image()]);
    with_live_restore(nginx(&engine, "unless-stopped"), &mut engine, "live-restore, nginx");
}

/// One proxy after the other, on one engine.
#[test]
fn without_live_restore_behind_each_proxy() {
    let mut engine = PrivateEngine::in_turn();
    load_images(&engine, &[Nginx::New.image(), &images().traefik_new]);
    let scene = nginx(&engine, "unless-stopped");
    let steps = ["ready", "switch", "drain"];
    without_live_restore(scene, &mut engine, End::Restart, "daemon, nginx", &steps);
    let scene = traefik(&engine, "always");
    let steps = ["start", "stage", "watch"];
    without_live_restore(scene, &mut engine, End::Kill, "daemon, Traefik by files", &steps);
    let scene = nginx(&engine, "always");
    without_live_restore(scene, &mut engine, End::Kill, "daemon, nginx", &["switch", "watch"]);
}
