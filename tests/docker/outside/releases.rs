//! Either release dies: green before and after it has traffic, blue while green is watched.

use std::ops::Deref;

use bgd_testkit::{Container, Front};

use super::trial::{Held, Trials, Under};
use super::{behind_nginx, behind_traefik};
use crate::scene::{Means, Nginx, Scene, nothing_lost};

/// The container of green, or of blue, while a deploy is under way.
#[track_caller]
fn container<P: Deref<Target = Front>>(scene: &Scene<P>, is_green: bool) -> Container {
    let numbered = |(name, _, release): (String, String, String)| (release.parse::<u32>().unwrap(), name);
    let all: Vec<_> = scene.containers().into_iter().map(numbered).collect();
    // What is deployed has the highest number, and before it came no more than one that runs.
    let newest = all.iter().map(|(number, _)| *number).max().unwrap();
    let running = |name: &str| Container::new(scene.run.docker(), name).is_running();
    let found = all.iter().find(|(number, name)| (*number == newest) == is_green && running(name));
    Container::new(scene.run.docker(), &found.unwrap_or_else(|| panic!("{:?}", scene.containers())).1)
}

#[track_caller]
fn green_dies_at_each_step<P: Deref<Target = Front>>(scene: Scene<P>, title: &str) {
    let mut trials = Trials::new(&scene, title, Under::Mixed);
    // It has no restart policy here: what has died stays dead.
    for (step, codes) in [
        ("ready", [6].as_slice()),
        ("smoke", &[6, 7]),
        ("stage", &[6, 8]),
        ("switch", &[6, 8, 9]),
        ("verify", &[6, 8, 9]),
        ("watch", &[9]),
    ] {
        let ended = trials.run(step, "green killed", |scene, held: &mut Held| {
            container(scene, true).crash();
            held.go_on();
            held.ends_within(std::time::Duration::from_secs(60));
        });
        assert!(codes.contains(&ended.code), "{} at {step}\n{}", ended.code, ended.said);
        assert!(!ended.is_new && !ended.recovered, "{}", ended.said);
        // At the beginning of the switch traffic may have moved already when it is killed.
        if ["ready", "smoke", "stage"].contains(&step) {
            nothing_lost(&ended.report);
        }
    }
}

#[track_caller]
fn blue_dies_while_green_is_watched<P: Deref<Target = Front>>(scene: Scene<P>, title: &str) {
    let mut trials = Trials::new(&scene, title, Under::Short);
    let ended = trials.run("watch", "blue killed", |scene, held| {
        held.go_on();
        // By then blue has answered what it was asked.
        held.wait_for_requests(2);
        container(scene, false).kill();
    });
    assert_eq!(ended.code, 0, "{}", ended.said);
    nothing_lost(&ended.report);
    drop(trials);
    // Without a blue to go back to, a green that fails is held.
    scene.configure(&format!("{}env: {{ ROUND: two }}\n", super::settings("3s")));
    let image = bgd_testkit::images().app("1.2");
    let blue = scene.live_container();
    let mut deploy = scene.bgd.spawn(&["deploy", &image, "--output", "json", "--window", "15s"]);
    deploy.wait_for_requests(1, std::time::Duration::from_secs(60));
    blue.kill();
    let green = container(&scene, true);
    green.fault("status=500&spare_health=1");
    let outcome = deploy.wait(std::time::Duration::from_secs(60));
    assert_eq!(outcome.code, Some(15), "{outcome:#?}");
    let said = &outcome.stdout;
    assert!(said.contains("does not run any more") && said.contains("it is not taken back"), "{said}");
    green.fault("status=0");
    scene.wait_for("1.2");
    println!("{title} | watch | blue killed, then green fails | ended with 15, held");
}

#[test]
fn green_behind_nginx() {
    let scene = behind_nginx(Nginx::New);
    scene.configure(&format!("{}restart: \"no\"\n", super::settings("3s")));
    green_dies_at_each_step(scene, "green, nginx");
}

#[test]
fn green_behind_traefik() {
    let scene = behind_traefik(Means::Files);
    scene.configure(&format!("{}restart: \"no\"\n", super::settings("3s")));
    green_dies_at_each_step(scene, "green, Traefik by files");
}

#[test]
fn blue_behind_nginx() {
    blue_dies_while_green_is_watched(behind_nginx(Nginx::New), "blue, nginx");
}

#[test]
fn blue_behind_traefik() {
    blue_dies_while_green_is_watched(behind_traefik(Means::Files), "blue, Traefik by files");
}
