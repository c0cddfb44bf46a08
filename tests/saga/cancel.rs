//! Ctrl-C, SIGTERM and a closed terminal, at every step; and a disk that takes no record.

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::record::JournalState;
use bgd::saga::{Cancel, Wanted};
use bgd::step::Step;

use crate::world::{Ended, World};

/// Asks for something at the moment when a step begins; tells how the deploy ended, and the host.
async fn told(wanted: Wanted, at: Step) -> (World, Ended) {
    let world = World::new("retire: stop\nrename: true");
    world.deploy().await;
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    assert!(plan.steps.contains(&at));
    let (sender, cancel) = Cancel::told();
    world.ticks.on_step(move |step| {
        if step == at {
            sender.send_replace(wanted);
        }
    });
    let ended = world.run_told(&plan, None, &cancel).await;
    world.is_safe(&format!("{wanted:?} at {at}"));
    (world, ended)
}

fn served(world: &World) -> Option<u32> {
    world.proxy.served().map(|number| number.0)
}

#[tokio::test(start_paused = true)]
async fn before_the_switch_everything_is_undone() {
    for wanted in [Wanted::Stop, Wanted::Hangup] {
        for at in [Step::Create, Step::Start, Step::Ready, Step::Smoke, Step::Stage] {
            let (world, ended) = told(wanted, at).await;
            let Ended::Badly(error) = ended else { panic!("{wanted:?} at {at}: {ended:?}") };
            assert_eq!(error.kind(), Kind::Interrupted, "{wanted:?} at {at}");
            assert_eq!(served(&world), Some(2), "{wanted:?} at {at}");
            assert!(world.left().iter().all(|(release, _)| *release != 3), "{wanted:?} at {at}");
            world.is_settled(&format!("{wanted:?} at {at}"));
            world.deploy().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_switch_stays_on_green_with_blue_warm() {
    for at in [Step::Switch, Step::Verify, Step::Watch] {
        let (world, ended) = told(Wanted::Stop, at).await;
        let Ended::Badly(error) = ended else { panic!("{at}: {ended:?}") };
        assert_eq!(error.kind(), Kind::Interrupted, "{at}");
        assert!(
            error.hints().iter().any(|hint| hint.contains("bgd recover api")),
            "{at}: {:?}",
            error.hints()
        );
        assert!(matches!(world.records().journal().unwrap(), JournalState::Open(_)), "{at}");
        assert_eq!(served(&world), Some(3), "{at}");
        assert_eq!(world.left(), [(2, "running".to_owned()), (3, "running".to_owned())], "{at}");
        let (_, ended) = world.recover(None).await;
        assert!(matches!(ended, Ended::Well(_)), "{at}: {ended:?}");
        world.is_settled(&format!("recovered after a stop at {at}"));
        assert_eq!(served(&world), Some(3), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_terminal_after_the_switch_ends_nothing() {
    for at in [Step::Switch, Step::Verify, Step::Watch, Step::Record, Step::Drain, Step::Rename] {
        let (world, ended) = told(Wanted::Hangup, at).await;
        assert!(matches!(ended, Ended::Well(_)), "{at}: {ended:?}");
        assert_eq!(served(&world), Some(3), "{at}");
        world.is_settled(&format!("closed at {at}"));
    }
}

/// From the record on there is no way back, so a disk that is full there leaves the deploy open.
#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_written_is_written_by_the_recovery() {
    let world = World::new("retire: remove");
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let file = world.state_file();
    let kept = std::fs::read(&file).unwrap();
    let in_the_way = file.clone();
    world.ticks.on_step(move |step| {
        if step == Step::Record {
            std::fs::remove_file(&in_the_way).unwrap();
            std::fs::create_dir(&in_the_way).unwrap();
        }
    });
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!("it was recorded") };
    assert_eq!(error.kind(), Kind::NeedsRecovery, "{error:?}");
    world.is_safe("not recorded");
    assert_eq!(served(&world), Some(2));
    assert_eq!(world.left(), [(1, "running".to_owned()), (2, "running".to_owned())]);
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, kept).unwrap();
    world.ticks.on_step(|_| ());
    let (_, ended) = world.recover(None).await;
    assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
    world.is_settled("recorded by the recovery");
    assert_eq!(served(&world), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_for_a_release_that_never_gets_ready() {
    let world = World::new("");
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    world.proxy.answer(2, 503);
    let (sender, cancel) = Cancel::told();
    let began = tokio::time::Instant::now();
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        sender.send_replace(Wanted::Stop);
    };
    let (ended, ()) = tokio::join!(world.run_told(&plan, None, &cancel), stop);
    let Ended::Badly(error) = ended else { panic!("{ended:?}") };
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    world.is_settled("stopped while it waited");
}
