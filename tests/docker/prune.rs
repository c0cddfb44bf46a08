//! What no rollback needs goes, and nothing else.

use std::time::Duration;

use bgd_load::Kind;
use bgd_testkit::{OwnImages, images};

use crate::scene::{Nginx, Route, Scene, nothing_lost};

const SOON: Duration = Duration::from_secs(60);

/// Images of this test's own, so many and each with another content, and their versions.
fn own(name: &str, many: usize) -> (Vec<String>, OwnImages) {
    let versions: Vec<String> = (1..=many).map(|at| format!("{name}-{}-{at}", std::process::id())).collect();
    let made = images().own_apps(&versions);
    (versions, made)
}

/// The numbers of the releases that `bgd history` tells of, newest first.
#[track_caller]
fn releases(scene: &Scene) -> Vec<u64> {
    let listed = scene.bgd.run(&["history", &scene.app, "--json"]).ok();
    let rows: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    rows.as_array().unwrap().iter().map(|row| row["release"].as_u64().unwrap()).collect()
}

/// Which of these images the host has, by their places, from 1.
fn there(scene: &Scene, images: &[String]) -> Vec<usize> {
    let format = "{{.Repository}}:{{.Tag}}";
    let listed = scene.run.docker().ok(["image", "ls", "bgd-test/app", "--format", format]);
    let has = |image: &String| listed.lines().any(|line| line == image);
    (1..).zip(images).filter(|(_, image)| has(image)).map(|(at, _)| at).collect()
}

fn journals(scene: &Scene) -> usize {
    let folder = scene.bgd.state_dir().join("apps").join(&scene.app).join("journals");
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn of_ten_releases_those_go_that_nobody_needs_whatever_dies() {
    let (versions, made) = own("prune", 10);
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first(&versions[0]);
    versions[1..].iter().for_each(|version| {
        scene.deploy(version).ok();
    });
    let docker = scene.run.docker();
    let load = scene.load().with(Kind::PacedKeepalive, 4).with(Kind::PerConnection, 4).start().unwrap();
    let user = scene.run.name("theirs");
    docker.ok(["create", "--name", &user, "--label", &scene.run.label(), &made[0]]);
    let tag = format!("bgd-test/theirs:{}", versions[1]);
    docker.ok(["tag", &made[1], &tag]);

    // A plan changes nothing and needs no lock.
    let plan = scene.bgd.run(&["prune", &scene.app, "--keep", "3", "--images", "--plan"]).ok();
    assert!(plan.stdout.contains("REMOVES") && plan.stdout.contains("beyond the last 3"), "{}", plan.stdout);
    assert!(plan.stderr.contains(&user) && plan.stderr.contains(&tag), "{}", plan.stderr);
    assert_eq!((releases(&scene).len(), there(&scene, &made).len()), (10, 10));

    // Killed at one place after the other, each time finished by the next.
    let killed = |keep: &str, at: &str| {
        let args = ["prune", &scene.app, "--keep", keep, "--images", "--output", "json"];
        let mut prune = scene.bgd.spawn(&args);
        prune.wait_for(at, SOON);
        prune.kill();
        scene.assert_clean(10);
        assert!(releases(&scene).starts_with(&[10, 9]));
        scene.bgd.run(&args).ok();
    };
    killed("7", "\"event\":\"surplus\"");
    assert_eq!((releases(&scene).len(), there(&scene, &made)), (7, vec![1, 2, 4, 5, 6, 7, 8, 9, 10]));
    killed("5", "\"event\":\"removed\"");
    assert_eq!((releases(&scene).len(), there(&scene, &made)), (5, vec![1, 2, 6, 7, 8, 9, 10]));
    killed("3", &format!("\"event\":\"removed\",\"app\":\"{}\",\"thing\":\"image\"", scene.app));
    assert_eq!(releases(&scene), [10, 9, 8]);
    assert_eq!((there(&scene, &made), journals(&scene)), (vec![1, 2, 8, 9, 10], 3));
    docker.ok(["image", "inspect", &tag]);
    let left: Vec<_> = scene.containers().into_iter().map(|(_, state, release)| (release, state)).collect();
    assert!(left.contains(&("9".to_owned(), "exited".to_owned())) && left.len() == 2, "{left:?}");

    // Nothing is left to do but what others still need, and that goes when they do not any more.
    let images = ["prune", &scene.app, "--keep", "3", "--images", "--yes"];
    let again = scene.bgd.run(&images).ok();
    assert!(again.stderr.contains("nothing to remove") && again.stderr.contains(&user), "{}", again.stderr);
    docker.ok(["rm", &user]);
    docker.ok(["rmi", &tag]);
    scene.bgd.run(&images).ok();
    assert_eq!(there(&scene, &made), [8, 9, 10]);

    scene.rollback().ok();
    assert_eq!(scene.served().as_ref(), Some(&versions[8]));
    scene.bgd.run(&["rollback", &scene.app, "--to", "8"]).ok();
    assert_eq!(scene.served().as_ref(), Some(&versions[7]));
    scene.deploy(&versions[9]).ok();
    scene.assert_clean(11);
    nothing_lost(&load.stop());
}

#[test]
fn an_app_that_is_being_changed_or_needs_recovery_is_left_as_it_is() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    scene.deploy("1.1").ok();
    let image = images().app("1.2");
    let mut deploy = scene.bgd.spawn(&["deploy", &image, "--window", "5m", "--output", "json"]);
    deploy.wait_for("\"step\":\"watch\"", SOON);
    for args in
        [["prune", "--keep", "1", "--yes"].as_slice(), &["prune", &scene.app, "--keep", "1", "--plan"]]
    {
        let refused = scene.bgd.run(args).code(4);
        assert!(
            refused.stderr.contains("process ") && refused.stderr.contains(&scene.app),
            "{}",
            refused.stderr
        );
    }
    deploy.kill();
    let refused = scene.bgd.run(&["prune", "--keep", "1", "--yes"]).code(11);
    assert!(refused.stderr.contains("bgd recover"), "{}", refused.stderr);
    assert_eq!(releases(&scene), [3, 2, 1]);
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.1"));
}

#[test]
fn records_are_bounded_by_the_configuration_and_no_number_is_given_twice() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("retention: { releases: 2 }\nretire: remove\ndrain: { timeout: 1s }\n");
    scene.first("1.0");
    scene.deploy("1.1").ok();
    scene.deploy("1.2").ok();
    assert_eq!((releases(&scene), journals(&scene)), (vec![3, 2], 2));
    // Those that fail push out none that served, and are bounded too.
    scene.configure("retention: { releases: 2 }\nsmoke: [{ get: /no-such-path }]\n");
    for _ in 0..3 {
        scene.deploy("1.0").code(7);
    }
    assert_eq!((releases(&scene), journals(&scene)), (vec![6, 5, 3, 2], 2));
    scene.bgd.run(&["prune", &scene.app, "--older-than", "0", "--yes"]).ok();
    assert_eq!((releases(&scene), journals(&scene)), (vec![6, 3, 2], 0));
    scene.configure("retention: { releases: 2, max_age: 12h }\n");
    let told = scene.deploy("1.0").ok();
    assert!(told.stderr.contains("1 record of"), "{}", told.stderr);
    assert_eq!(releases(&scene), [7, 6, 3]);
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.2"));
    assert_eq!(releases(&scene), [7, 6, 3]);
    scene.assert_clean(3);
}
