//! What a client gets before and after the switch: a deploy after which that is worse is taken back.

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::event::Event;
use bgd::model::{Health, Outcome};
use bgd::step::Step;

use crate::proxy::Detour;
use crate::ticks::Act;
use crate::world::{Ended, World};

/// A world with release 1, and what its second deploy came to.
async fn second(world: &World) -> Ended {
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    world.run(&plan, None).await
}

/// What the step `verify` said when it was done.
fn verified(world: &World) -> String {
    let events = world.ticks.events.borrow();
    let said = events.iter().find_map(|event| match event {
        Event::StepDone { step: Step::Verify, message, .. } => Some(message.clone()),
        _ => None,
    });
    said.unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_request_before_the_switch_one_after_it_and_one_at_the_end() {
    let world = World::new("");
    assert!(matches!(second(&world).await, Ended::Well(_)));
    // A first deploy has nothing to compare with. The last one is asked once the old release is stopped.
    assert_eq!(world.proxy.clients_asked(), [Some(1), Some(1), Some(2), Some(2)]);
    assert!(verified(&world).ends_with("a client is answered 200"), "{}", verified(&world));
    assert!(world.ticks.warnings.borrow().is_empty());
    world.is_settled("two deploys");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_clients_do_not_reach_is_taken_back() {
    for status in [301, 403, 404, 502] {
        let world = World::new("retire: stop");
        world.proxy.answer_clients(2, status);
        let Ended::Badly(error) = second(&world).await else { panic!("{status}: it stays live") };
        assert_eq!(error.kind(), Kind::Proxy, "{error:?}");
        let told = error.one_line();
        for part in ["api.test", "/health", &format!("answered {status} since"), "answered 200 before"] {
            assert!(told.contains(part), "no word of {part}: {told}");
        }
        // Green itself answers 200, so that it is the proxy that has to be looked at.
        assert!(error.hints().contains(&"look at the proxy".to_owned()), "{:?}", error.hints());
        world.is_settled("taken back");
        assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
        assert!(matches!(world.outcome(2), Some(Outcome::RolledBack { .. })), "{:?}", world.outcome(2));
        // It is believed when it is seen more than once.
        assert_eq!(world.proxy.clients_asked()[1..], [Some(1), Some(2), Some(2), Some(2)]);
        world.deploy().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_worse_than_before_stays() {
    for (before, after) in [(404, 404), (502, 404), (500, 503), (302, 200), (401, 403)] {
        let world = World::new("");
        world.proxy.answer_clients(1, before);
        world.proxy.answer_clients(2, after);
        let ended = second(&world).await;
        assert!(matches!(ended, Ended::Well(_)), "{before}, {after}: {ended:?}");
        world.is_settled("no worse");
        assert_eq!(world.proxy.served().map(|number| number.0), Some(2));
        let warned = world.ticks.warnings.borrow().iter().any(|one| one.contains("api.test"));
        assert_eq!(warned, matches!(after, 404 | 503), "{before}, {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_release_that_clients_do_not_reach_is_told() {
    let world = World::new("");
    world.proxy.answer_clients(1, 404);
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    world.is_settled("first");
    let warnings = world.ticks.warnings.borrow();
    assert!(warnings.iter().any(|one| one.contains("api.test") && one.contains("404")), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn where_no_request_can_be_made_that_is_told_and_nothing_fails() {
    let world = World::new("");
    world.proxy.hide("the route takes TLS");
    world.proxy.answer_clients(2, 502);
    assert!(matches!(second(&world).await, Ended::Well(_)));
    assert!(verified(&world).contains("the route takes TLS"), "{}", verified(&world));
    assert_eq!(world.proxy.clients_asked(), []);
    world.is_settled("not asked");
}

#[tokio::test(start_paused = true)]
async fn what_the_app_itself_answers_at_a_path_that_nobody_named_is_its_own_choice() {
    for (status, stays) in [(302, true), (404, true), (500, false)] {
        let mut world = World::new("");
        world.app.health = Health::None;
        world.app.smoke.clear();
        world.proxy.answer(2, status);
        world.app.watch_window = std::time::Duration::ZERO;
        let ended = second(&world).await;
        assert_eq!(matches!(ended, Ended::Well(_)), stays, "{status}: {ended:?}");
        world.is_settled("its own choice");
        let told =
            world.ticks.warnings.borrow().iter().any(|one| one.contains(&format!("answered {status}")));
        assert_eq!(told, stays, "{status}: {:?}", world.ticks.warnings.borrow());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_not_rolled_back() {
    let world = World::new("retire: stop");
    assert!(matches!(second(&world).await, Ended::Well(_)));
    world.proxy.answer_clients(1, 502);
    let plan = world.plan_rollback(None).await.unwrap();
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    world.is_settled("rolled back");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
    let warnings = world.ticks.warnings.borrow();
    assert!(warnings.iter().any(|one| one.contains("502")), "{warnings:?}");
}

/// Killed at whatever moment, what was before is still known.
#[tokio::test(start_paused = true)]
async fn a_deploy_that_was_killed_is_compared_with_what_was_before_it() {
    let prepared = async || {
        let world = World::new("retire: stop");
        world.deploy().await;
        world.proxy.answer_clients(2, 502);
        let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
        (world, plan)
    };
    let (world, plan) = prepared().await;
    assert!(matches!(world.run(&plan, None).await, Ended::Badly(_)));
    let seen = world.ticks.seen.borrow().clone();
    let mut compared = 0;
    for (moment, tick) in seen.iter().enumerate() {
        let name = format!("killed at {moment} {tick:?}");
        let (world, plan) = prepared().await;
        let ended = world.run(&plan, Some((moment, Act::Crash))).await;
        assert!(matches!(ended, Ended::Killed), "{name}: {ended:?}");
        let (_, ended) = world.recover(None).await;
        let told = match &ended {
            Ended::Badly(error) => error.one_line(),
            _ => String::new(),
        };
        let is_right = matches!(ended, Ended::Well(_)) || told.contains("answered 200 before");
        assert!(is_right, "{name}: {ended:?}");
        compared += usize::from(!told.is_empty());
        world.is_settled(&name);
        assert_eq!(world.proxy.served().map(|number| number.0), Some(1), "{name}");
    }
    assert!(compared > 0, "no recovery came to compare");
}

/// The marker proves green, and a server block or router of the user's leads clients to blue: once blue is stopped, they
/// would be answered 502.
#[tokio::test(start_paused = true)]
async fn an_answer_that_the_old_release_gave_is_no_proof() {
    for cause in ["deploy", "rollback"] {
        let world = World::new("retire: stop");
        if cause == "rollback" {
            assert!(matches!(second(&world).await, Ended::Well(_)));
            world.proxy.lead_clients(Detour::Release(2));
            let plan = world.plan_rollback(None).await.unwrap();
            // A rollback is not rolled back: it warns.
            let ended = world.run(&plan, None).await;
            assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
            let warnings = world.ticks.warnings.borrow();
            assert!(warnings.iter().any(|one| one.contains("the old release received it")), "{warnings:?}");
            continue;
        }
        world.proxy.lead_clients(Detour::Release(1));
        let Ended::Badly(error) = second(&world).await else { panic!("it stays live") };
        assert_eq!(error.kind(), Kind::Proxy, "{error:?}");
        let told = error.one_line();
        for part in
            ["api.test", "/health", "answered 200", "the new release did not receive", "the old release"]
        {
            assert!(told.contains(part), "no word of {part}: {told}");
        }
        assert!(error.hints().contains(&"look at the proxy".to_owned()), "{:?}", error.hints());
        world.is_settled("taken back");
        assert_eq!(world.proxy.served().map(|number| number.0), Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_of_the_app_gave_is_compared_with_who_gave_it_before() {
    // The app answered before, and something else does since.
    let world = World::new("retire: stop");
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let proxy = world.proxy.clone();
    world.ticks.on_step(move |step| {
        if step == Step::Verify {
            proxy.lead_clients(Detour::Else);
        }
    });
    let Ended::Badly(error) = world.run(&plan, None).await else { panic!("it stays live") };
    assert!(error.one_line().contains("the old release received it before"), "{error:?}");
    world.is_settled("taken back");

    // The proxy answers this path by itself, before and after: nothing to compare.
    let world = World::new("retire: stop");
    world.engine.receive([10, 99, 0, 1].into(), 1);
    world.proxy.lead_clients(Detour::Else);
    world.deploy().await;
    let warnings = world.ticks.warnings.borrow().clone();
    // With the first release it is told.
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("release 1 did not receive the request"), "{warnings:?}");
    world.deploy().await;
    assert!(world.ticks.warnings.borrow().is_empty(), "{:?}", world.ticks.warnings.borrow());
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_proxy_s_cache_says_nothing() {
    let world = World::new("retire: stop");
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let proxy = world.proxy.clone();
    world.ticks.on_step(move |step| {
        if step == Step::Switch {
            proxy.lead_clients(Detour::Cache);
        }
    });
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    assert!(world.ticks.warnings.borrow().is_empty(), "{:?}", world.ticks.warnings.borrow());
    world.is_settled("cached");
    assert_eq!(world.proxy.served().map(|number| number.0), Some(2));
}

#[tokio::test(start_paused = true)]
async fn clients_who_need_the_old_release_get_it_back() {
    let world = World::new("retire: stop");
    world.deploy().await;
    // As a router whose middleware is defined by the old container's labels.
    world.proxy.lead_clients(Detour::Needs(1));
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    assert!(matches!(world.run(&plan, None).await, Ended::Well(_)));
    world.is_safe("needed");
    assert_eq!(world.left(), [(1, "running".to_owned()), (2, "running".to_owned())]);
    let warnings = world.ticks.warnings.borrow();
    assert!(
        warnings.iter().any(|one| one.contains("answered 404, and was answered 200 before")),
        "{warnings:?}"
    );
}
