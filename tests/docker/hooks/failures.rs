//! Hooks that fail, take too long or are interrupted.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{Data, SOON};
use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// A scene with release 1 live, whose next deploy has these hooks.
fn prepared(hooks: &str, env: &str) -> Scene {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    let data = Data::of(&scene);
    data.script("alarm.sh", "cat > data/alarm.json\necho \"$BGD_HOOK: $BGD_REASON\" >> data/alarm");
    data.configure(hooks, env);
    scene
}

/// Release 1 serves, in the very container that did before.
#[track_caller]
fn blue_is_untouched(scene: &Scene, before: &str) {
    scene.assert_clean(1);
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    assert_eq!(scene.live_container().incarnation(), before, "blue was restarted");
    assert_eq!(scene.containers().len(), 1, "{:?}", scene.containers());
}

#[test]
fn a_failing_migration_stops_the_deploy_with_blue_untouched() {
    let hooks = "  before_switch: { container: [migrate, expand] }\n  on_failure: { host: [./alarm.sh] }\n";
    let scene = prepared(hooks, "MIGRATE_EXIT: 3");
    let data = Data::of(&scene);
    let before = scene.live_container().incarnation();
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(13);
    let text = &outcome.stderr;
    assert!(text.contains("the hook before_switch failed: it ended with exit code 3"), "{text}");
    assert!(text.contains("release 1 of") && text.contains("is live, as before"), "{text}");
    assert!(text.contains("expand cannot be migrated"), "{text}");
    blue_is_untouched(&scene, &before);
    assert_eq!(data.migrations(), Vec::<String>::new());
    let alarm = data.read("alarm");
    assert!(alarm.starts_with("on_failure: ") && alarm.contains("exit code 3"), "{alarm}");
    let told: serde_json::Value = serde_json::from_str(&data.read("alarm.json")).unwrap();
    assert_eq!((&told["live"], &told["release"]["number"]), (&1.into(), &2.into()), "{told:#}");
    data.nothing_is_left();

    // With the cause mended it goes through.
    data.configure(hooks, "");
    scene.deploy("1.1").ok();
    assert_eq!(data.migrations(), ["expand 1.1 release 3"]);
    scene.assert_clean(3);
    nothing_lost(&load.stop());
}

#[test]
fn what_fails_after_the_switch_takes_the_release_back() {
    let hooks = "  after_switch: { host: [./check.sh] }\n  on_rollback: { host: [./alarm.sh] }\n";
    let scene = prepared(hooks, "");
    let data = Data::of(&scene);
    data.script("check.sh", "echo 'the cache cannot be purged' >&2; exit 1");
    let before = scene.live_container().incarnation();
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(9);
    assert!(outcome.stderr.contains("the cache cannot be purged"), "{}", outcome.stderr);
    blue_is_untouched(&scene, &before);
    assert!(data.read("alarm").starts_with("on_rollback: "), "{}", data.read("alarm"));
    nothing_lost(&load.stop());
}

#[test]
fn what_fails_at_the_end_leaves_the_release_live() {
    let scene = prepared("  after_deploy: { container: [migrate, contract] }\n", "MIGRATE_EXIT: 4");
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(14);
    assert!(outcome.stderr.contains("is live, and the hook after_deploy failed"), "{}", outcome.stderr);
    scene.assert_clean(2);
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    Data::of(&scene).nothing_is_left();
    nothing_lost(&load.stop());
}

#[test]
fn one_that_takes_too_long_is_stopped() {
    let hooks = "  before_switch: { container: [migrate, expand], timeout: 1s }\n";
    let scene = prepared(hooks, "MIGRATE_DELAY: 10m");
    let before = scene.live_container().incarnation();
    let outcome = scene.deploy("1.1").code(13);
    assert!(outcome.stderr.contains("it took longer than 1s and was stopped"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("interrupted: expand"), "it was not asked to stop: {}", outcome.stderr);
    assert!(outcome.stderr.contains("raise hooks.before_switch.timeout"), "{}", outcome.stderr);
    blue_is_untouched(&scene, &before);
    Data::of(&scene).nothing_is_left();
}

#[test]
fn an_interrupted_deploy_ends_its_hook() {
    let hooks = "  before_switch: { container: [migrate, expand] }\n";
    let scene = prepared(hooks, "MIGRATE_DELAY: 10m");
    let data = Data::of(&scene);
    let before = scene.live_container().incarnation();
    let load = scene.mixed();
    let began = Instant::now();
    let deploy = data.begin("1.1", "migrating: expand");
    deploy.signal(Signal::SIGINT);
    deploy.wait(SOON).code(130);
    blue_is_untouched(&scene, &before);
    data.nothing_is_left();
    assert_eq!(data.migrations(), Vec::<String>::new());

    data.script("slow.sh", "echo \"slow as $$\"\nsleep 600");
    data.configure("  before_deploy: { host: [./slow.sh] }\n", "");
    let deploy = data.begin("1.1", "slow as ");
    deploy.signal(Signal::SIGTERM);
    let outcome = deploy.wait(SOON).code(130);
    blue_is_untouched(&scene, &before);
    let process = outcome.stdout.split("slow as ").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{process}")).exists(), "the script still runs");
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    nothing_lost(&load.stop());
}
