//! Hooks that take too long, or that somebody stops.

use std::time::Duration;

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::record::JournalState;
use bgd::saga::{Cancel, Direction, Wanted};
use bgd::step::Step;

use super::{Launches, nothing_is_left, prepared, ran, watch};
use crate::world::{Ended, World};

#[tokio::test(start_paused = true)]
async fn one_that_takes_too_long_is_stopped() {
    let world = prepared().await;
    watch(&world, &[], &["before-switch"]);
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let began = tokio::time::Instant::now();
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!() };
    assert_eq!(error.kind(), Kind::Hook);
    assert!(error.one_line().contains("took longer than 1m"), "{}", error.one_line());
    assert!(began.elapsed() >= Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(world.engine.calls().iter().any(|call| call.starts_with("stop ")));
    world.is_settled("too long");
    nothing_is_left(&world, "too long");
}

/// Asks to stop once a hook has begun.
async fn interrupted(at: Step, endless: &'static [&'static str]) -> (World, bgd::error::Error, Launches) {
    let world = prepared().await;
    let launches = watch(&world, &[], endless);
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let (sender, cancel) = Cancel::told();
    let began = launches.clone();
    let name = format!("api-hook-3-{at}");
    let ask = async move {
        while !began.borrow().contains_key(&name) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        sender.send_replace(Wanted::Stop);
        sender
    };
    let (ended, _sender) = tokio::join!(world.run_told(&plan, None, &cancel), ask);
    let Ended::Badly(error) = ended else { panic!("{at}: {ended:?}") };
    assert_eq!(error.kind(), Kind::Interrupted, "{at}: {error:?}");
    nothing_is_left(&world, at.as_str());
    (world, error, launches)
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_hook_and_undoes_the_deploy_before_the_switch() {
    let (world, _, launches) = interrupted(Step::BeforeSwitch, &["before-switch"]).await;
    world.is_settled("a stop before the switch");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(2));
    assert!(ran(&launches, 3).iter().any(|name| name == "on-failure"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_switch_stays_there_and_recovery_tells_what_may_have_run() {
    for (at, endless) in [(Step::AfterSwitch, &["after-switch"]), (Step::AfterDeploy, &["after-deploy"])] {
        let (world, _, launches) = interrupted(at, endless).await;
        assert!(matches!(world.records().journal().unwrap(), JournalState::Open(_)), "{at}");
        assert_eq!(world.proxy.served().map(|number| number.0), Some(3));
        let (direction, ended) = world.recover(None).await;
        assert_eq!(direction, Some(Direction::Forward), "{at}");
        assert!(matches!(ended, Ended::Well(_)), "{at}: {ended:?}");
        let warned = world.ticks.warnings.borrow().join("\n");
        assert!(warned.contains(&format!("the hook {} may have run", at.hook_name())), "{warned}");
        assert_eq!(launches.borrow()[&format!("api-hook-3-{at}")].len(), 1, "{at}");
        world.is_settled(at.as_str());
    }
}
