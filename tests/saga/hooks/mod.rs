//! Hooks in containers: each runs once whatever happens, and what its failure means depends on when it runs.

mod failures;
mod interrupted;
mod killed;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bgd::model::label;

use crate::proxy::containers;
use crate::world::{Ended, World};

const FORWARD: [&str; 6] =
    ["before-deploy", "before-start", "before-switch", "after-switch", "before-retire", "after-deploy"];
const ALL: [&str; 8] = [
    "before-deploy",
    "before-start",
    "before-switch",
    "after-switch",
    "before-retire",
    "after-deploy",
    "on-rollback",
    "on-failure",
];

/// How often each hook of a release was started, and what it was told last.
type Launches = Rc<RefCell<BTreeMap<String, Vec<serde_json::Value>>>>;

/// The configuration with every hook.
fn every_hook() -> String {
    let hook =
        |name: &str| format!("  {}: {{ container: [/app, {name}], timeout: 1m }}\n", name.replace('-', "_"));
    format!("replicas: 2\nhooks:\n{}", ALL.map(hook).concat())
}

/// Counts what is launched; the hooks named here end with 3, or go on for ever.
fn watch(world: &World, failing: &'static [&'static str], endless: &'static [&'static str]) -> Launches {
    let launches = Launches::default();
    let seen = launches.clone();
    world.engine.on_launch(move |name, input| {
        let told = serde_json::from_slice(input).unwrap();
        seen.borrow_mut().entry(name.to_owned()).or_default().push(told);
        let is = |hook: &&&str| name.ends_with(**hook);
        if endless.iter().any(|hook| is(&hook)) {
            return None;
        }
        Some(if failing.iter().any(|hook| is(&hook)) { 3 } else { 0 })
    });
    launches
}

/// The hooks of a release that ran, in no order.
fn ran(launches: &Launches, release: u32) -> Vec<String> {
    let prefix = format!("api-hook-{release}-");
    launches.borrow().keys().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect()
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    names.sort();
    names
}

/// A host with two releases, the second one live, of which every hook has run by now.
async fn prepared() -> World {
    let world = World::new(&every_hook());
    world.deploy().await;
    world.deploy().await;
    world
}

fn nothing_is_left(world: &World, case: &str) {
    let all = containers(&world.engine);
    let left: Vec<_> = all.iter().filter(|one| one.labels.contains_key(label::HOOK)).collect();
    assert!(left.is_empty(), "{case}: {left:?}");
}

#[tokio::test(start_paused = true)]
async fn every_hook_of_a_deploy_runs_once_in_order_and_knows_what_is_live() {
    let world = prepared().await;
    let launches = watch(&world, &[], &[]);
    world.deploy().await;
    assert_eq!(ran(&launches, 3), sorted(&FORWARD));
    for (at, name) in FORWARD.iter().enumerate() {
        let told = launches.borrow()[&format!("api-hook-3-{name}")].clone();
        let [told] = told.as_slice() else { panic!("{name}: {told:?}") };
        assert_eq!(told["hook"], name.replace('-', "_"));
        assert_eq!((&told["release"]["number"], &told["former"]["number"]), (&3.into(), &2.into()));
        assert_eq!(told["live"], if at < 3 { 2 } else { 3 }, "{name}");
        assert_eq!(told["reason"], serde_json::Value::Null);
    }
    nothing_is_left(&world, "a deploy");
    let log = std::fs::read_to_string(world.records().hook_log(bgd::model::ReleaseNumber(3))).unwrap();
    let begun: Vec<_> = log.lines().filter(|line| line.contains(" of release 3: /app ")).collect();
    assert_eq!(begun.len(), FORWARD.len(), "{log}");
    assert!(log.contains("api-hook-3-before-switch was told "), "{log}");
}

#[tokio::test(start_paused = true)]
async fn going_back_runs_the_hook_of_the_release_that_is_left_and_no_other() {
    let world = prepared().await;
    let launches = watch(&world, &[], &[]);
    let plan = world.plan_rollback(None).await.unwrap();
    let ended = world.run(&plan, None).await;
    assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
    assert_eq!(launches.borrow().keys().collect::<Vec<_>>(), ["api-hook-2-on-rollback"]);
    let told = launches.borrow()["api-hook-2-on-rollback"][0].clone();
    assert_eq!((&told["cause"], &told["live"]), (&"rollback".into(), &1.into()), "{told}");
    assert_eq!((&told["release"]["number"], &told["former"]["number"]), (&1.into(), &2.into()), "{told}");
    world.is_settled("a rollback");
    nothing_is_left(&world, "a rollback");
}
