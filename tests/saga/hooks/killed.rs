//! bgd is killed while a hook runs, or around it.

use std::time::Duration;

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::record::{Happened, JournalState};
use bgd::saga::Direction;
use bgd::step::Step;

use super::{FORWARD, nothing_is_left, prepared, ran, watch};
use crate::ticks::Act;
use crate::world::Ended;

#[tokio::test(start_paused = true)]
async fn killed_at_every_moment_each_hook_runs_once_or_is_told_as_one_that_may_have_run() {
    let moments = {
        let world = prepared().await;
        world.deploy().await;
        world.ticks.seen.borrow().clone()
    };
    let mut unknown = 0;
    for (moment, tick) in moments.iter().enumerate() {
        let case = format!("killed at {moment} {tick:?}");
        let world = prepared().await;
        let launches = watch(&world, &[], &[]);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        let ended = world.run(&plan, Some((moment, Act::Crash))).await;
        assert!(matches!(ended, Ended::Killed), "{case}: {ended:?}");
        let (direction, ended) = world.recover(None).await;
        assert!(matches!(ended, Ended::Well(_)), "{case}: {ended:?}");
        world.is_settled(&case);
        nothing_is_left(&world, &case);
        for (name, told) in launches.borrow().iter() {
            assert_eq!(told.len(), 1, "{case}: {name} ran more than once");
        }
        let warned = world.ticks.warnings.borrow().clone();
        let may_have_run = |name: &str| warned.iter().any(|text| text.contains(&name.replace('-', "_")));
        let ran = ran(&launches, 3);
        let ahead = world.proxy.served().map(|number| number.0) == Some(3);
        for name in FORWARD.iter().filter(|_| ahead) {
            let (did, may) = (ran.iter().any(|one| one == name), may_have_run(name));
            assert!(did || may, "{case}: nothing is told of {name}");
            unknown += usize::from(may);
        }
        if direction == Some(Direction::Back) {
            assert_eq!(ran.iter().filter(|name| *name == "on-failure").count(), 1, "{case}");
        }
    }
    assert!(unknown > 0, "no moment at which it cannot be known was met");
}

/// A migration goes on when bgd is killed: whoever recovers waits for it, and knows how it ended.
#[tokio::test(start_paused = true)]
async fn recovery_waits_for_a_hook_that_still_runs() {
    for (at, endless, code) in [
        (Step::BeforeSwitch, &["before-switch"], 0),
        (Step::BeforeSwitch, &["before-switch"], 3),
        (Step::AfterSwitch, &["after-switch"], 0),
        (Step::AfterSwitch, &["after-switch"], 3),
    ] {
        let case = format!("{at}, exit code {code}");
        let world = prepared().await;
        let launches = watch(&world, &[], endless);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        let name = format!("api-hook-3-{at}");
        let moment = {
            let world = prepared().await;
            world.deploy().await;
            let launched = format!("launch {name}");
            world.ticks.seen.borrow().iter().rposition(|tick| tick.what == launched).unwrap()
        };
        assert!(matches!(world.run(&plan, Some((moment, Act::Crash))).await, Ended::Killed), "{case}");
        let began = tokio::time::Instant::now();
        let ends = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            world.engine.die(&name, code);
        };
        let ((_, ended), ()) = tokio::join!(world.recover(None), ends);
        assert!(began.elapsed() >= Duration::from_secs(20), "{case}: {:?}", began.elapsed());
        let stays = at == Step::AfterSwitch && code == 0;
        assert_eq!(world.proxy.served().map(|number| number.0), Some(if stays { 3 } else { 2 }), "{case}");
        match (at, code) {
            (Step::AfterSwitch, 3) => {
                let Ended::Badly(error) = ended else { panic!("{case}: {ended:?}") };
                assert_eq!(error.kind(), Kind::RolledBack, "{case}: {error:?}");
            }
            _ => assert!(matches!(ended, Ended::Well(_)), "{case}: {ended:?}"),
        }
        let warned = world.ticks.warnings.borrow().join("\n");
        assert!(!warned.contains("may have run"), "{case}: {warned}");
        assert_eq!(warned.contains("exit code 3"), at == Step::BeforeSwitch && code == 3, "{case}: {warned}");
        assert_eq!(launches.borrow()[&name].len(), 1, "{case}");
        world.is_settled(&case);
        nothing_is_left(&world, &case);
    }
}

/// What tells of a failure never makes it worse, and runs once when bgd is killed meanwhile.
#[tokio::test(start_paused = true)]
async fn the_hooks_that_tell_fail_nothing_and_run_once() {
    let failing = &["after-switch", "on-rollback", "on-failure"];
    let moments = {
        let world = prepared().await;
        watch(&world, failing, &[]);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        let Ended::Badly(error) = world.run(&plan, None).await else { panic!() };
        assert_eq!(error.kind(), Kind::RolledBack, "{error:?}");
        let warned = world.ticks.warnings.borrow().join("\n");
        assert!(warned.contains("on_rollback failed") && warned.contains("on_failure failed"), "{warned}");
        world.is_settled("failing hooks that tell");
        world.ticks.seen.borrow().clone()
    };
    let first = moments.iter().position(|tick| tick.step == Some(Step::OnRollback)).unwrap();
    for (moment, tick) in moments.iter().enumerate().skip(first) {
        let case = format!("killed at {moment} {tick:?}");
        let world = prepared().await;
        let launches = watch(&world, failing, &[]);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        assert!(matches!(world.run(&plan, Some((moment, Act::Crash))).await, Ended::Killed), "{case}");
        let (_, ended) = world.recover(None).await;
        assert!(matches!(ended, Ended::Well(_)), "{case}: {ended:?}");
        world.is_settled(&case);
        nothing_is_left(&world, &case);
        for (name, told) in launches.borrow().iter() {
            assert_eq!(told.len(), 1, "{case}: {name} ran more than once");
        }
        let warned = world.ticks.warnings.borrow().join("\n");
        for name in ["on-rollback", "on-failure"] {
            let did = ran(&launches, 3).iter().any(|one| one == name);
            assert!(did || warned.contains(&name.replace('-', "_")), "{case}: nothing is told of {name}");
        }
    }
}

/// The journal names the hooks, and what is not known of them.
#[tokio::test(start_paused = true)]
async fn the_journal_says_what_may_have_run() {
    let world = prepared().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let moment = {
        let world = prepared().await;
        world.deploy().await;
        world.ticks.seen.borrow().iter().position(|tick| tick.what == "after-deploy").unwrap()
    };
    assert!(matches!(world.run(&plan, Some((moment, Act::Crash))).await, Ended::Killed));
    let JournalState::Open(replay) = world.records().journal().unwrap() else { panic!() };
    assert_eq!(replay.last(Step::AfterDeploy), Some(&Happened::Started));
    let path = world.records().journal_path();
    let folder = path.parent().unwrap().join("journals");
    let (_, ended) = world.recover(None).await;
    assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
    let mut old: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    old.sort();
    let text = std::fs::read_to_string(old.last().unwrap()).unwrap();
    assert!(text.contains("skipped") && text.contains("may have run"), "{text}");
}
