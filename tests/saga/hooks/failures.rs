//! Hooks that fail.

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::model::Outcome;
use bgd::record::JournalState;
use bgd::step::Step;

use super::{nothing_is_left, prepared, ran, watch};
use crate::ticks::Act;
use crate::world::Ended;

#[tokio::test(start_paused = true)]
async fn what_fails_before_the_switch_leaves_blue_untouched() {
    for failing in [&["before-deploy"], &["before-start"], &["before-switch"]] {
        let world = prepared().await;
        let launches = watch(&world, failing, &[]);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        let Ended::Badly(error) = world.run(&plan, None).await else { panic!("{failing:?}") };
        assert_eq!(error.kind(), Kind::Hook, "{failing:?}: {error:?}");
        let text = error.one_line();
        assert!(
            text.contains("exit code 3") && text.contains("release 2 of api is live, as before"),
            "{text}"
        );
        assert!(error.details()[0].text.contains("was told"), "{error:?}");
        world.is_settled(failing[0]);
        nothing_is_left(&world, failing[0]);
        assert_eq!(world.proxy.served().map(|number| number.0), Some(2), "{failing:?}");
        let ran = ran(&launches, 3);
        assert!(ran.iter().any(|name| name == "on-failure") && !ran.iter().any(|name| name == "on-rollback"));
        assert!(!ran.iter().any(|name| name == "after-switch"), "{ran:?}");
        let told = launches.borrow()["api-hook-3-on-failure"][0].clone();
        assert!(told["reason"].as_str().unwrap().contains("exit code 3"), "{told}");
        assert_eq!(told["live"], 2, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_the_switch_takes_the_release_back() {
    let world = prepared().await;
    let launches = watch(&world, &["after-switch"], &[]);
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!() };
    assert_eq!(error.kind(), Kind::RolledBack, "{error:?}");
    world.is_settled("after the switch");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(2));
    assert!(matches!(world.outcome(3), Some(Outcome::RolledBack { .. })));
    let ran = ran(&launches, 3);
    assert!(
        ran.iter().any(|name| name == "on-rollback") && ran.iter().any(|name| name == "on-failure"),
        "{ran:?}"
    );
    assert!(!ran.iter().any(|name| name == "after-deploy"), "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_the_switch_holds_where_blue_fails_too() {
    let world = prepared().await;
    let launches = watch(&world, &["after-switch"], &[]);
    world.proxy.answer(2, 503);
    let plan = world.plan_deploy_watched(Behaviour::Runs, false).await.unwrap();
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!() };
    assert_eq!(error.kind(), Kind::LateHook, "{error:?}");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(3));
    assert!(!ran(&launches, 3).iter().any(|name| name.starts_with("on-")));
    let warned = world.ticks.warnings.borrow().join("\n");
    assert!(warned.contains("release 3 is not taken back: release 2 answers 503"), "{warned}");
    assert_eq!(world.records().journal().unwrap(), JournalState::None);
}

#[tokio::test(start_paused = true)]
async fn what_fails_when_all_is_recorded_is_told_and_the_release_stays() {
    let world = prepared().await;
    let launches = watch(&world, &["after-deploy"], &[]);
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!() };
    assert_eq!(error.kind(), Kind::LateHook, "{error:?}");
    assert!(
        error.to_string().contains("release 3 of api is live, and the hook after_deploy failed"),
        "{error}"
    );
    world.is_settled("after_deploy");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(3));
    assert!(!ran(&launches, 3).iter().any(|name| name.starts_with("on-")));
    nothing_is_left(&world, "after_deploy");
}

#[tokio::test(start_paused = true)]
async fn where_the_hook_before_its_end_fails_blue_is_left_running() {
    let moments = {
        let world = prepared().await;
        watch(&world, &["before-retire"], &[]);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        let Ended::Badly(error) = world.run(&plan, None).await else { panic!() };
        assert_eq!(error.kind(), Kind::LateHook, "{error:?}");
        assert!(error.to_string().contains("release 2 was left running"), "{error}");
        world.ticks.seen.borrow().clone()
    };
    // Killed at any moment of that hook, blue stays as well, and what was to come after it does not come.
    let its = moments.iter().enumerate().filter(|(_, tick)| tick.step == Some(Step::BeforeRetire));
    for (moment, tick) in its {
        let case = format!("killed at {moment} {tick:?}");
        let world = prepared().await;
        let launches = watch(&world, &["before-retire"], &[]);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        assert!(matches!(world.run(&plan, Some((moment, Act::Crash))).await, Ended::Killed), "{case}");
        let (_, ended) = world.recover(None).await;
        world.is_safe(&case);
        assert_eq!(world.records().journal().unwrap(), JournalState::None, "{case}");
        let is_known = ran(&launches, 3).iter().any(|name| name == "before-retire");
        if is_known {
            let Ended::Badly(error) = ended else { panic!("{case}: {ended:?}") };
            assert_eq!(error.kind(), Kind::LateHook, "{case}: {error:?}");
            assert!(world.left().contains(&(2, "running".to_owned())), "{case}: {:?}", world.left());
            assert!(!ran(&launches, 3).iter().any(|name| name == "after-deploy"), "{case}");
        } else {
            assert!(matches!(ended, Ended::Well(_)), "{case}: {ended:?}");
        }
        nothing_is_left(&world, &case);
        watch(&world, &[], &[]);
        world.deploy().await;
        world.is_settled(&case);
    }
}
