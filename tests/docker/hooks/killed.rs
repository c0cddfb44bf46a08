//! bgd is killed while a hook runs: it runs once, or is reported as one that may have run.

use super::{Data, SOON};
use crate::scene::{Nginx, Route, Scene, nothing_lost};

fn prepared(hooks: &str, env: &str) -> Scene {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.first("1.0");
    Data::of(&scene).configure(hooks, env);
    scene
}

/// The container goes on without bgd. Whoever recovers waits for it and knows how it ended.
#[test]
fn a_migration_before_the_switch_is_waited_for_and_the_deploy_undone() {
    let scene = prepared("  before_switch: { container: [migrate, expand] }\n", "MIGRATE_DELAY: 5s");
    let data = Data::of(&scene);
    let before = scene.live_container().incarnation();
    let load = scene.mixed();
    data.begin("1.1", "migrating: expand").kill();
    assert_eq!(data.migrations(), Vec::<String>::new(), "it had ended before bgd was killed");
    let outcome = scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    assert!(outcome.stderr.contains("the hook before_switch had ended"), "{}", outcome.stderr);
    assert_eq!(data.migrations(), ["expand 1.1 release 2"], "{}", outcome.stderr);
    scene.assert_clean(1);
    assert_eq!(scene.live_container().incarnation(), before, "blue was restarted");
    data.nothing_is_left();
    scene.deploy("1.2").ok();
    assert_eq!(data.migrations(), ["expand 1.1 release 2", "expand 1.2 release 3"]);
    nothing_lost(&load.stop());
}

#[test]
fn a_migration_after_the_switch_runs_once_and_the_deploy_goes_on() {
    for (hook, kept) in [("after_switch", 1), ("after_deploy", 1)] {
        let hooks = format!("  {hook}: {{ container: [migrate, late] }}\n");
        let scene = prepared(&hooks, "MIGRATE_DELAY: 4s");
        let data = Data::of(&scene);
        let load = scene.mixed();
        data.begin("1.1", "migrating: late").kill();
        let outcome = scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
        assert!(!outcome.stderr.contains("may have run"), "{}", outcome.stderr);
        assert_eq!(data.migrations().len(), kept, "{:?}", data.migrations());
        scene.assert_clean(2);
        data.nothing_is_left();
        nothing_lost(&load.stop());
    }
}

/// A script on the host goes on as well; how it ended nobody knows, which is said.
#[test]
fn a_script_on_the_host_is_waited_for_and_reported() {
    for (hook, live) in [("before_switch", 1), ("after_switch", 2)] {
        let scene = prepared(&format!("  {hook}: {{ host: [./slow.sh] }}\n"), "");
        let data = Data::of(&scene);
        data.script(
            "slow.sh",
            "echo slow\nuntil [ -e data/go ]; do sleep 0.1; done\necho ended >> data/ended",
        );
        let load = scene.mixed();
        data.begin("1.1", "slow").kill();
        let recovery = scene.bgd.spawn(&["recover", &scene.app, "--yes", "--output", "json"]);
        let mut recovery = recovery;
        recovery.wait_for("still runs", SOON);
        assert_eq!(data.read("ended"), "", "{hook}: the script ended before it was told to");
        std::fs::write(scene.bgd.project().join("data/go"), "").unwrap();
        let outcome = recovery.wait(SOON).ok();
        let said = format!("the hook {hook} may have run, whole or in part");
        assert!(outcome.stdout.contains(&said), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("run it by hand if it is needed: ./slow.sh"), "{}", outcome.stdout);
        assert_eq!(data.read("ended"), "ended\n", "{hook}: it ran once");
        let log = data.log(2);
        assert!(log.contains("\nslow\n") && log.contains(&format!("{hook} may have run")), "{log}");
        scene.assert_clean(live);
        nothing_lost(&load.stop());
    }
}
