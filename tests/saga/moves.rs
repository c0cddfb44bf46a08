//! The app moves to another proxy: each release is asked, stopped and restored at its own.

use std::collections::BTreeMap;
use std::time::Duration;

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::model::ContainerName;
use bgd::plan::Move;
use bgd::step::Step;

use crate::ticks::{Act, At};
use crate::world::{Ended, World};

/// A world with release 1 behind `edge`, whose configuration has moved on to `edge2`.
async fn moved(keep_old: Option<Duration>) -> World {
    let mut world = World::new("retire: stop");
    world.deploy().await;
    world.app.proxy = world.app.proxy.in_container(ContainerName::parse("edge2").unwrap());
    world.app.keep_old = keep_old;
    world
}

/// What `edge` and `edge2` serve.
fn served(world: &World) -> (Option<u32>, Option<u32>) {
    (world.proxy.served().map(|number| number.0), world.other.served().map(|number| number.0))
}

#[tokio::test(start_paused = true)]
async fn a_move_needs_a_word_of_the_users() {
    let world = moved(None).await;
    let error = world.plan_deploy(Behaviour::Runs).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.hints().iter().any(|hint| hint.contains("move: { keep_old")), "{:?}", error.hints());
    assert_eq!(served(&world), (Some(1), None));
}

#[tokio::test(start_paused = true)]
async fn the_proxy_that_is_left_serves_the_old_release_until_a_deploy_ends_that() {
    let mut world = moved(Some(Duration::from_secs(3600))).await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    assert_eq!((plan.moves(), plan.keeps_old_route()), (Move::Elsewhere, true));
    assert!(!plan.steps.contains(&Step::Retire), "{:?}", plan.steps);
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    assert_eq!(served(&world), (Some(1), Some(2)));
    assert_eq!(world.left(), [(1, "running".to_owned()), (2, "running".to_owned())]);

    // Its time is not over, and then it is.
    let error = world.plan_deploy(Behaviour::Runs).await.unwrap_err();
    assert!(error.to_string().contains("kept until"), "{error}");
    world.app.keep_old = Some(Duration::ZERO);
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    assert_eq!(served(&world), (None, Some(3)));
    assert_eq!(world.left(), [(2, "exited".to_owned()), (3, "running".to_owned())]);
    world.is_safe("ended");
}

#[tokio::test(start_paused = true)]
async fn going_back_over_a_move_makes_the_release_live_that_was_asked_for() {
    for keep in [Duration::ZERO, Duration::from_secs(3600)] {
        let world = moved(Some(keep)).await;
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
        let plan = world.plan_rollback(None).await.unwrap();
        assert_eq!(plan.target.number.0, 1);
        assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
        let left = (keep > Duration::ZERO).then_some(2);
        assert_eq!(served(&world), (Some(1), left), "{keep:?}");
        assert_eq!(world.records().state().unwrap().live().map(|live| live.0), Some(1));
        world.is_safe("gone back");
    }
}

/// Every moment of a move, failing and killed.
#[tokio::test(start_paused = true)]
async fn a_disturbed_move_ends_on_either_side_and_nothing_routed_is_stopped() {
    for keep in [Duration::ZERO, Duration::from_secs(3600)] {
        let prepared = async || {
            let world = moved(Some(keep)).await;
            let plan = world.plan_deploy_watched(Behaviour::Runs, false).await.unwrap();
            (world, plan)
        };
        let (world, plan) = prepared().await;
        assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
        let seen = world.ticks.seen.borrow().clone();
        let mut ends: BTreeMap<(Option<u32>, Option<u32>), usize> = BTreeMap::new();
        for (moment, tick) in seen.iter().enumerate() {
            for act in [Act::Crash, Act::Fail] {
                if act == Act::Fail && !matches!(tick.at, At::Before | At::After) {
                    continue;
                }
                let name = format!("{keep:?}: {act:?} at {moment} {tick:?}");
                let (world, plan) = prepared().await;
                let ended = world.run(&plan, Some((moment, act))).await;
                world.is_safe(&name);
                let (_, recovered) = world.recover(None).await;
                assert!(matches!(recovered, Ended::Well(_)), "{name}: {ended:?}, {recovered:?}");
                world.engine.arrive();
                world.is_safe(&name);
                let ahead = (if keep.is_zero() { None } else { Some(1) }, Some(2));
                let now = served(&world);
                assert!(now == ahead || now == (Some(1), None), "{name}: {now:?}");
                let live = world.records().state().unwrap().live().map(|live| live.0);
                assert_eq!(live, Some(if now == ahead { 2 } else { 1 }), "{name}");
                *ends.entry(now).or_default() += 1;
            }
        }
        println!("{keep:?}: {} moments, {ends:?}", seen.len());
        assert_eq!(ends.len(), 2, "only one end was met");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_served_is_not_dropped_without_a_word() {
    let served_for = |world: &mut World, hosts: &str| {
        let text = format!(
            "{{\"hosts\":[{hosts}],\"listen\":80,\"max_body\":0,\"read_timeout\":{{\"secs\":60,\"nanos\":0}},\"tls\":null}}"
        );
        let bgd::model::ProxyConfig::Nginx(nginx) = &mut world.app.proxy else { panic!("no nginx") };
        nginx.route = bgd::model::NginxRoute::Server(serde_json::from_str(&text).unwrap());
    };
    let mut world = World::new("");
    served_for(&mut world, "\"a.test\",\"b.test\"");
    world.deploy().await;
    served_for(&mut world, "\"b.test\"");
    let error = world.plan_deploy(Behaviour::Runs).await.unwrap_err();
    assert!(error.to_string().contains("a.test"), "{error}");
    world.app.keep_old = Some(Duration::ZERO);
    world.plan_deploy(Behaviour::Runs).await.unwrap();
    world.app.keep_old = None;
    served_for(&mut world, "\"a.test\",\"b.test\",\"c.test\"");
    world.plan_deploy(Behaviour::Runs).await.unwrap();
}
