//! The way to Docker is cut for a while: bgd waits for it, and nobody notices.

use std::ops::Deref;
use std::time::{Duration, Instant};

use bgd_testkit::{Cut, Front};

use super::trial::{Trials, Under};
use super::{behind_nginx, behind_traefik, settings};
use crate::scene::{Means, Nginx, Scene, nothing_lost};

/// As long as a restart of a daemon with many containers takes.
const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_secs(3);

/// Every step in which Docker is asked.
const ALL: [(&str, Duration); 6] = [
    ("create", SHORT),
    ("ready", LONG),
    ("stage", SHORT),
    ("switch", SHORT),
    ("watch", LONG),
    ("drain", SHORT),
];

/// Those in which it is asked for the proxy's sake: what the others do does not depend on the proxy.
const OF_THE_PROXY: [(&str, Duration); 3] = [("stage", SHORT), ("switch", SHORT), ("drain", SHORT)];

#[track_caller]
fn cut_at_each_step<P: Deref<Target = Front>>(mut scene: Scene<P>, title: &str, steps: &[(&str, Duration)]) {
    let mut cut = Cut::to(scene.run.docker());
    scene.bgd.set_env("DOCKER_HOST", &cut.host());
    let mut trials = Trials::new(&scene, title, Under::Mixed);
    for &(step, time) in steps {
        // Long enough to be cut within it, where that is what is tried.
        trials.scene().configure(&settings(if step == "watch" { "12s" } else { "1s" }));
        let ended = trials.run(step, &format!("no socket for {} s", time.as_secs()), |_, held| {
            if step == "watch" {
                held.go_on();
                held.wait_for_requests(1);
            }
            cut.cut();
            held.go_on();
            held.wait_for("does not answer: waiting for it");
            let until = Instant::now() + time;
            if step == "watch" {
                // The proxy is asked all the while.
                held.wait_for_requests(6);
            }
            assert!(
                !held.ends_within(until.saturating_duration_since(Instant::now())),
                "bgd did not wait at {step}"
            );
            cut.mend();
        });
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert!(ended.said.contains("Docker answers again"), "{}", ended.said);
        assert!(!ended.recovered);
        nothing_lost(&ended.report);
    }
}

/// Both at the same time: they wait most of it.
#[test]
fn behind_both_nginx() {
    std::thread::scope(|scope| {
        scope.spawn(|| cut_at_each_step(behind_nginx(Nginx::New), "socket, nginx", &ALL));
        cut_at_each_step(behind_nginx(Nginx::Old), "socket, old nginx", &OF_THE_PROXY);
    });
}

#[test]
fn behind_both_traefik() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            cut_at_each_step(behind_traefik(Means::Files), "socket, Traefik by files", &OF_THE_PROXY)
        });
        cut_at_each_step(behind_traefik(Means::Labels), "socket, Traefik by labels", &OF_THE_PROXY);
    });
}
