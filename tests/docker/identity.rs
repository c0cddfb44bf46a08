//! What is not proved to be bgd's is not touched, whatever it is called.

use std::time::Duration;

use bgd_testkit::{App, Bgd, Container, TestRun, images};

use crate::scene::{HOST, Nginx, Route, Scene, nothing_lost};

fn commit(run: &TestRun, container: &str, change: &[&str], name: &str) -> Image {
    let tag = format!("bgd-test/{}", run.name(name));
    let args = ["commit"].into_iter().chain(change.iter().copied()).chain([container, tag.as_str()]);
    run.docker().ok(args);
    Image { run: run.docker().clone(), tag }
}

/// An image as this one that declares a volume.
pub fn with_volume(run: &TestRun, image: &str, path: &str) -> Image {
    let name = run.name("base");
    run.docker().ok(["create", "--name", &name, "--label", &run.label(), image]);
    let made = commit(run, &name, &["--change", &format!("VOLUME {path}")], "volume");
    run.docker().ok(["rm", &name]);
    made
}

/// An image that goes when the test ends.
pub struct Image {
    run: bgd_testkit::Docker,
    pub tag: String,
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = self.run.run(["image", "rm", "--force", &self.tag]);
    }
}

/// An image as this one with another HEALTHCHECK.
pub fn with_check(run: &TestRun, image: &str, check: &str) -> Image {
    let name = run.name("base");
    run.docker().ok(["create", "--name", &name, "--label", &run.label(), image]);
    let made = commit(run, &name, &["--change", &format!("HEALTHCHECK {check}")], "checked");
    run.docker().ok(["rm", &name]);
    made
}

/// Another state folder on the same engine, with the same project.
fn elsewhere(scene: &Scene) -> Bgd {
    let other = Bgd::on(scene.run.docker(), env!("CARGO_BIN_EXE_bgd"));
    other.write("bgd.yaml", &std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap());
    other
}

#[test]
fn a_container_of_a_committed_image_is_no_replica() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let blue = format!("{}-blue", scene.app);
    let image = commit(&scene.run, &blue, &[], "debug");
    let mine = App::new(&scene.run, &image.tag).network(scene.edge.network()).start(&scene.run.name("mydb"));
    scene.deploy("1.1").ok();
    assert!(mine.is_running(), "a user's container was stopped");
    assert!(!Container::new(scene.run.docker(), &blue).is_running());
    scene.assert_clean(2);
    scene.deploy("1.2").ok();
    assert!(mine.is_running(), "a user's container was removed");
    scene.rollback().ok();
    scene.bgd.run(&["prune", &scene.app, "--keep", "1", "--yes"]).ok();
    assert!(mine.is_running());
    scene.assert_clean(2);
    // An image that was committed from a release can be deployed like any other.
    scene.bgd.run(&["deploy", &image.tag, "--app", &scene.app, "--no-watch"]).ok();
    assert_eq!(scene.status()["problems"], serde_json::json!([]), "{:#}", scene.status());
    assert!(mine.is_running());
}

#[test]
fn a_release_that_no_record_here_knows_is_never_surplus() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let load = scene.mixed();
    let other = elsewhere(&scene);
    // Behind another proxy, of which nothing is known yet.
    let beside = TestRun::new();
    let edge = bgd_testkit::Edge::builder(&beside, Nginx::New.image()).start();
    let text = std::fs::read_to_string(other.project().join("bgd.yaml")).unwrap();
    other.write(
        "bgd.yaml",
        &text.replace(scene.edge.name(), edge.name()).replace(scene.edge.network(), edge.network()),
    );
    let before = scene.containers();
    let image = images().app("1.1");
    let outcome = other.run(&["deploy", &image, "--no-watch"]).code(11);
    {
        let blue = format!("{}-blue", scene.app);
        for part in [blue.as_str(), "BGD_STATE_DIR", "bgd recover", "docker stop"] {
            assert!(outcome.stderr.contains(part), "no word of {part}\n{}", outcome.stderr);
        }
    }
    assert_eq!(scene.containers(), before);
    nothing_lost(&load.stop());
    scene.assert_clean(1);
}

#[test]
fn two_state_folders_take_turns_and_a_lock_of_a_bgd_that_was_killed_is_free() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let other = elsewhere(&scene);
    let image = images().app("1.1");
    let mut first = scene.bgd.spawn(&["deploy", &image, "--window", "60s"]);
    first.wait_for_requests(1, Duration::from_secs(60));
    let lock = Container::new(scene.run.docker(), format!("bgd_lock_{}", scene.app));
    assert_eq!(lock.state().as_deref(), Some("created"));
    let refused = other.run(&["deploy", &image, "--no-watch"]).code(4);
    for part in ["process ", "--window 60s", &scene.bgd.state_dir().display().to_string()] {
        assert!(refused.stderr.contains(part), "no word of {part}\n{}", refused.stderr);
    }
    first.kill();
    assert!(lock.exists());
    scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    assert!(!lock.exists(), "it was not given back");
    scene.assert_clean(2);
    // The same records in a second folder, from before: the proxy routes to a release that they do not know.
    let refused = other.run(&["deploy", &image, "--no-watch"]).code(11);
    assert!(refused.stderr.contains("BGD_STATE_DIR"), "{}", refused.stderr);
    scene.assert_clean(2);
}

/// The second state folder is another user's, or another checkout's, behind a proxy of its own.
#[test]
fn one_container_is_adopted_by_one_state_folder() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let web = scene.run.name("web");
    App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&web).wait_answers();
    scene.bgd.run(&["adopt", &web]).ok();
    let other = elsewhere(&scene);
    let beside = TestRun::new();
    let edge = bgd_testkit::Edge::builder(&beside, Nginx::New.image()).start();
    let text = std::fs::read_to_string(other.project().join("bgd.yaml")).unwrap();
    let text = text.replace(scene.edge.name(), edge.name()).replace(scene.edge.network(), edge.network());
    other.write("bgd.yaml", &text);
    scene.run.docker().ok(["network", "connect", edge.network(), &web]);
    let refused = other.run(&["adopt", &web]).code(3);
    let folder = scene.bgd.state_dir().display().to_string();
    for part in [web.as_str(), "is release 0 of", &folder, "docker rm bgd_adopted_"] {
        assert!(refused.stderr.contains(part), "no word of {part}\n{}", refused.stderr);
    }
    scene.deploy("1.1").ok();
    scene.rollback().ok();
    scene.assert_clean(0);
    // The remedy, for when the first one is given up.
    let remove = refused.stderr.lines().find_map(|line| line.split_once("docker rm ")).unwrap().1;
    scene.run.docker().ok(["rm", remove.trim()]);
    other.run(&["adopt", &web]).ok();
    scene.run.docker().ok(["rm", remove.trim()]);
}

#[test]
fn one_container_is_not_live_for_two_apps_and_one_that_was_replaced_is_release_0_no_more() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let web = scene.run.name("web");
    let start = || App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&web);
    start().wait_answers();
    scene.bgd.run(&["adopt", &web]).ok();
    let other = scene.bgd.beside();
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    let admin = scene.run.app_name("admin");
    other.write("bgd.yaml", &text.replace(&scene.app, &admin).replace("api.test", "admin.test"));
    let refused = other.run(&["adopt", &web]).code(3);
    assert!(refused.stderr.contains("two apps") && refused.stderr.contains(&scene.app), "{}", refused.stderr);

    scene.run.docker().ok(["rm", "--force", &web]);
    let replaced = start();
    replaced.wait_answers();
    let status = scene.status();
    assert!(status["problems"].to_string().contains("replaced"), "{status:#}");
    scene.deploy("1.1").ok();
    assert!(replaced.is_running(), "a container that only has the name was stopped");
    assert_eq!(scene.served().as_deref(), Some("1.1"));
}

#[test]
fn an_app_that_is_called_as_the_slot_of_another_gets_only_its_own_requests() {
    for nginx in [Nginx::Old, Nginx::New] {
        let scene = Scene::new(nginx, Route::Server);
        scene.first("1.0");
        let other = format!("{}-slot", scene.app);
        scene.run.has_app(&other);
        let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
        scene.bgd.write("other.yaml", &text.replace(&scene.app, &other).replace(HOST, "slot.test"));
        scene.bgd.run(&["deploy", "-f", "other.yaml", &images().app("1.2"), "--no-watch"]).ok();
        for _ in 0..60 {
            assert_eq!(scene.served().as_deref(), Some("1.0"));
            assert_eq!(scene.edge.get("slot.test", "/version").unwrap().body.trim(), "1.2");
        }
    }
}

#[test]
fn an_adopted_container_with_the_name_of_a_slot_keeps_it() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let blue = format!("{}-blue", scene.app);
    let adopted = App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&blue);
    adopted.wait_answers();
    scene.bgd.run(&["adopt", &blue]).ok();
    for (release, version) in [(1, "1.1"), (2, "1.2"), (3, "1.0"), (4, "1.1")] {
        scene.deploy(version).ok();
        scene.assert_clean(release);
    }
    scene.bgd.run(&["rollback", &scene.app, "--to", "0"]).ok();
    scene.assert_clean(0);
    assert!(adopted.is_running());
}

#[test]
fn a_strangers_container_keeps_its_name() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("rename: true\n");
    scene.first("1.0");
    let green = format!("{}-green", scene.app);
    let theirs = App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&green);
    let refused = scene.deploy("1.1").code(3);
    assert!(refused.stderr.contains(&format!("docker rename {green} {green}-old")), "{}", refused.stderr);
    scene.assert_clean(1);
    assert!(theirs.is_running());
    scene.run.docker().ok(["rename", &green, &format!("{green}-old")]);
    scene.deploy("1.1").ok();
    // A number is never given twice, also not that of a deploy that was refused.
    scene.assert_clean(3);
    // One that takes a name which the rename needs.
    let aside = format!("{}-blue-aside", scene.app);
    let aside = App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&aside);
    scene.deploy("1.2").ok();
    assert!(aside.is_running() && aside.exists(), "a stranger's container was renamed");
    assert_eq!(scene.served().as_deref(), Some("1.2"));
}

#[test]
fn another_project_of_the_same_name_is_refused_unless_it_is_the_same() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let other = scene.bgd.beside();
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    other.write("bgd.yaml", &text.replace("api.test", "other.test"));
    let image = images().app("1.1");
    for command in ["plan", "deploy"] {
        let refused = other.run(&[command, &image]).code(3);
        for part in ["api.test", "other.test", "--same-app", "app: NAME"] {
            assert!(refused.stderr.contains(part), "no word of {part}\n{}", refused.stderr);
        }
    }
    scene.assert_clean(1);
    other.run(&["deploy", &image, "--no-watch", "--same-app"]).ok();
    scene.assert_clean(2);
}

#[test]
fn a_hook_s_name_that_is_another_container_s_is_refused() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("hooks: { before_switch: { container: [\"/app\", \"check\"] } }\n");
    let name = format!("{}-hook-1-before-switch", scene.app);
    let theirs = App::new(&scene.run, images().app("1.0")).network(scene.edge.network()).start(&name);
    let outcome = scene.deploy("1.0");
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains(&name), "{}", outcome.stderr);
    assert!(theirs.is_running(), "a stranger's container was removed");
}
