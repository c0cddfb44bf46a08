//! Going back: to what is warm, stopped or removed, and back again.

use bgd::docker::Engine;
use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::record::Cause;
use bgd::step::Step;

use crate::ticks::{Act, At};
use crate::world::{Ended, World, quiet_async};

async fn roll_back(world: &World, to: Option<u32>) -> Vec<Step> {
    let plan = world.plan_rollback(to).await.unwrap();
    assert_eq!(plan.cause, Cause::Rollback);
    let ended = world.run(&plan, None).await;
    assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
    world.is_settled("rolled back");
    assert_eq!(world.proxy.served(), Some(plan.target.number));
    plan.steps
}

#[tokio::test(start_paused = true)]
async fn a_rollback_does_what_is_needed_and_a_second_one_comes_back() {
    let cases = [
        ("retire: keep", vec![]),
        ("retire: stop", vec![Step::Start, Step::Ready, Step::Smoke]),
        ("retire: remove", vec![Step::Create, Step::Start, Step::Ready, Step::Smoke]),
        ("retire: stop\nrename: true\nreplicas: 2", vec![Step::Start, Step::Ready, Step::Smoke]),
        ("retire: remove\nrename: true", vec![Step::Create, Step::Start, Step::Ready, Step::Smoke]),
    ];
    for (more, needed) in cases {
        let world = World::new(more);
        world.deploy().await;
        world.deploy().await;
        for back_to in [1, 2, 1] {
            let steps = roll_back(&world, None).await;
            let first: Vec<Step> = steps.iter().copied().take_while(|step| *step < Step::Stage).collect();
            assert_eq!(first, needed, "{more}");
            assert!(!steps.contains(&Step::Watch), "{more}: {steps:?}");
            assert_eq!(world.proxy.served().map(|number| number.0), Some(back_to), "{more}");
        }
        world.deploy().await;
    }
}

#[tokio::test(start_paused = true)]
async fn any_release_that_is_recorded_can_be_gone_back_to() {
    let world = World::new("retire: stop");
    for _ in 0..4 {
        world.deploy().await;
    }
    assert_eq!(roll_back(&world, Some(1)).await.first(), Some(&Step::Create));
    assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
    roll_back(&world, None).await;
    assert_eq!(world.proxy.served().map(|number| number.0), Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_image_is_gone_is_refused_with_a_remedy() {
    let world = World::new("retire: remove");
    world.deploy().await;
    world.deploy().await;
    world.engine.lose_image("myorg/api:1");
    let error = world.plan_rollback(None).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NothingToRollBack);
    assert!(error.hints().iter().any(|hint| hint.contains("myorg/api:1")), "{:?}", error.hints());
    assert!(error.hints().len() > 1, "no remedy: {:?}", error.hints());
    world.is_settled("refused");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_does_not_get_ready_again_is_not_switched_to() {
    let world = World::new("retire: stop");
    world.deploy().await;
    world.deploy().await;
    world.proxy.answer(1, 500);
    let plan = world.plan_rollback(None).await.unwrap();
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!("it was switched to") };
    assert_eq!(error.kind(), Kind::NotReady);
    world.is_settled("not switched to");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(2));
}

/// Every moment of a rollback, failing and killed.
async fn disturbed(more: &str) {
    let prepared = async || {
        let world = World::new(more);
        world.deploy().await;
        world.deploy().await;
        let plan = world.plan_rollback(None).await.unwrap();
        (world, plan)
    };
    let (world, plan) = prepared().await;
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    let seen = world.ticks.seen.borrow().clone();
    let mut results = std::collections::BTreeMap::new();
    for (moment, tick) in seen.iter().enumerate() {
        for act in [Act::Crash, Act::Fail] {
            if act == Act::Fail && !matches!(tick.at, At::Before | At::After) {
                continue;
            }
            let name = format!("{more}: {act:?} at {moment} {tick:?}");
            let (world, plan) = prepared().await;
            let ended = world.run(&plan, Some((moment, act))).await;
            world.is_safe(&name);
            let (_, recovered) = world.recover(None).await;
            assert!(matches!(recovered, Ended::Well(_)), "{name}: {ended:?}, {recovered:?}");
            world.is_settled(&name);
            let served = world.proxy.served().map(|number| number.0);
            let is_ahead = served == Some(1);
            assert!(is_ahead || served == Some(2), "{name}: {served:?}");
            *results.entry((tick.step, act == Act::Crash, is_ahead)).or_insert(0) += 1;
            // Whatever became of it, a deploy and going back from it work.
            world.deploy().await;
            roll_back(&world, None).await;
        }
    }
    println!("{more}");
    for ((step, killed, ahead), count) in results {
        let (what, where_to) = (if killed { "killed" } else { "fails" }, if ahead { 1 } else { 2 });
        println!("  {:8} {what:7} {count:3} × release {where_to} is live", step.map_or("", Step::as_str));
    }
}

#[tokio::test(start_paused = true)]
async fn a_disturbed_rollback_to_what_was_stopped() {
    disturbed("retire: stop").await;
}

#[tokio::test(start_paused = true)]
async fn a_disturbed_rollback_to_what_was_removed() {
    disturbed("retire: remove").await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_dies_at_once_never_gets_traffic() {
    let world = World::new("");
    world.deploy().await;
    for behaviour in [Behaviour::Dies(3), Behaviour::CannotStart] {
        let plan = world.plan_deploy(behaviour).await.unwrap();
        let Ended::Badly(error) = world.run(&plan, None).await else { panic!("{behaviour:?} was deployed") };
        assert_eq!(error.kind(), Kind::NotReady, "{behaviour:?}: {error:?}");
        world.is_settled("never got ready");
        assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
    }
    // What failed was never live: going back means what was live before.
    world.deploy().await;
    roll_back(&world, None).await;
    assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
}

/// Somebody has given what is live the very names that the other slot is to get.
#[tokio::test(start_paused = true)]
async fn a_name_that_what_is_live_has_by_now_is_given_to_no_other() {
    for (more, renamed) in
        [("", 1), ("replicas: 2", 1), ("replicas: 2", 2), ("retire: remove\nrename: true", 1)]
    {
        let world = World::new(more);
        world.deploy().await;
        let called: Vec<String> = world.engine.names().into_keys().collect();
        for name in &called[..renamed] {
            quiet_async(world.engine.rename(name, &name.replace("-blue", "-green"))).await.unwrap();
        }
        world.deploy().await;
        let steps = roll_back(&world, None).await;
        assert_eq!(steps.contains(&Step::Create), more.contains("remove"), "{more}, {renamed} renamed");
        world.deploy().await;
    }
}

/// The release died between its rename and the moment at which that was to be recorded, and is left as it is.
#[tokio::test(start_paused = true)]
async fn what_died_while_it_was_renamed_is_gone_back_from() {
    for retire in ["keep", "stop", "remove"] {
        died_while_it_was_renamed(&format!("retire: {retire}\nrename: true")).await;
    }
}

async fn died_while_it_was_renamed(more: &str) {
    let moments = {
        let world = World::new(more);
        world.deploy().await;
        world.deploy().await;
        world.ticks.seen.borrow().clone()
    };
    let renames = moments.iter().enumerate().filter(|(_, tick)| tick.step == Some(Step::Rename));
    for (moment, tick) in renames {
        let case = format!("{more}, killed at {moment} {tick:?}");
        let world = World::new(more);
        world.deploy().await;
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        assert!(matches!(world.run(&plan, Some((moment, Act::Crash))).await, Ended::Killed), "{case}");
        world.ticks.excused.set(true);
        world.die(2);
        let (_, ended) = world.recover(None).await;
        assert!(matches!(ended, Ended::Well(_)), "{case}: {ended:?}");
        let plan = world.plan_rollback(None).await.unwrap();
        let ended = world.run(&plan, None).await;
        assert!(matches!(ended, Ended::Well(_)), "{case}: {ended:?}");
        assert_eq!(world.proxy.served().map(|number| number.0), Some(1), "{case}");
        world.ticks.excused.set(false);
        world.deploy().await;
    }
}
