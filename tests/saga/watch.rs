//! What real traffic shows after the switch.

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::event::Event;
use bgd::model::Outcome;
use bgd::record::JournalState;
use bgd::step::Step;

use crate::ticks::At;
use crate::world::{Ended, World};

/// Deploys a second release, to which something happens when the watch begins.
async fn watched(world: &World, trouble: impl FnMut() + 'static) -> Ended {
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let mut trouble = trouble;
    world.ticks.on_step(move |step| {
        if step == Step::Watch {
            trouble();
        }
    });
    let ended = world.run(&plan, None).await;
    world.is_safe("watched");
    ended
}

fn was_taken_back_once(world: &World, ended: Ended, why: &str) {
    let Ended::Badly(error) = ended else { panic!("{ended:?}") };
    assert_eq!(error.kind(), Kind::RolledBack, "{error:?}");
    world.is_settled("taken back");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
    let Some(Outcome::RolledBack { reason }) = world.outcome(2) else { panic!("{:?}", world.outcome(2)) };
    assert!(reason.contains(why), "{reason}");
    let seen = world.ticks.seen.borrow();
    let switches = seen.iter().filter(|tick| tick.at == At::Before && tick.what == "proxy switch").count();
    assert_eq!(switches, 1, "a rollback that is rolled back");
    let events = world.ticks.events.borrow();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::StepFailed { .. })).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_under_traffic_is_taken_back_once() {
    let world = World::watching(10);
    let proxy = world.proxy.clone();
    let ended = watched(&world, move || proxy.answer(2, 500)).await;
    was_taken_back_once(&world, ended, "answered 500");
    world.deploy().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_dies_under_traffic_is_taken_back_once() {
    let world = World::new("");
    let (engine, ticks) = (world.engine.clone(), world.ticks.clone());
    let ended = watched(&world, move || {
        ticks.excused.set(true);
        engine.die("api-green", 3);
    })
    .await;
    was_taken_back_once(&world, ended, "exit code 3");
}

/// Killed once that is known, at whatever moment, recovery leaves blue as well.
#[tokio::test(start_paused = true)]
async fn what_is_held_stays_held_when_bgd_is_killed() {
    for kill in 1.. {
        let world = World::watching(10);
        world.deploy().await;
        let moment = std::rc::Rc::new(std::cell::Cell::new(usize::MAX));
        let (proxy, ticks, known) = (world.proxy.clone(), world.ticks.clone(), moment.clone());
        world.ticks.on_step(move |step| {
            match step {
                Step::Watch => {
                    proxy.answer(1, 500);
                    proxy.answer(2, 500);
                }
                // The journal has the watch's end by now. A recovery may come here once more.
                Step::Record if known.get() == usize::MAX => {
                    let here = ticks.seen.borrow().len();
                    known.set(here + kill);
                    ticks.kill_at(here + kill);
                }
                _ => {}
            }
        });
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        let ended = world.run(&plan, None).await;
        assert_ne!(moment.get(), usize::MAX, "it was not held");
        if !matches!(ended, Ended::Killed) {
            assert!(kill > 1, "no moment after the watch was met");
            break;
        }
        let (_, ended) = world.recover(None).await;
        let case = format!("killed {kill} moments after the watch");
        assert!(matches!(ended, Ended::Well(done) if done.held), "{case}: {ended:?}");
        assert_eq!(world.left(), [(1, "running".to_owned()), (2, "running".to_owned())], "{case}");
        world.is_safe(&case);
    }
}

#[tokio::test(start_paused = true)]
async fn when_blue_fails_too_nothing_is_taken_back_and_blue_stays() {
    let world = World::watching(10);
    let proxy = world.proxy.clone();
    let ended = watched(&world, move || {
        proxy.answer(1, 500);
        proxy.answer(2, 500);
    })
    .await;
    let Ended::Well(done) = ended else { panic!("{ended:?}") };
    assert!(done.held);
    assert_eq!(world.proxy.served().map(|number| number.0), Some(2));
    assert_eq!(world.left(), [(1, "running".to_owned()), (2, "running".to_owned())]);
    assert_eq!(world.records().journal().unwrap(), JournalState::None);
    let warnings = world.ticks.warnings.borrow().clone();
    assert!(warnings.iter().any(|one| one.contains("it is not taken back")), "{warnings:?}");
    world.proxy.answer(1, 200);
    world.proxy.answer(2, 200);
    world.deploy().await;
}

#[tokio::test(start_paused = true)]
async fn two_failures_and_then_good_answers_are_forgiven() {
    let world = World::watching(6);
    let proxy = world.proxy.clone();
    let healing = world.proxy.clone();
    let heal = async move {
        world.deploy().await;
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        world.ticks.on_step(move |step| {
            if step == Step::Watch {
                proxy.answer(2, 502);
                let healing = healing.clone();
                tokio::task::spawn_local(async move {
                    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
                    healing.answer(2, 200);
                });
            }
        });
        let ended = world.run(&plan, None).await;
        assert!(matches!(ended, Ended::Well(done) if !done.held), "{ended:?}");
        world.is_settled("forgiven");
    };
    tokio::task::LocalSet::new().run_until(heal).await;
}
