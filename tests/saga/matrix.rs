//! Every step of a whole deploy × everything that can happen in it.

use std::collections::BTreeMap;
use std::fmt::Write;

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::model::Outcome;
use bgd::record::JournalState;
use bgd::saga::Direction;
use bgd::step::{self, Step};

use crate::ticks::{Act, At, Reporter, Tick};
use crate::world::{Ended, World};

const STOP: &str = "replicas: 2\nretire: stop\nrename: true";
const REMOVE: &str = "retire: remove";
const KEEP: &str = "retire: keep\nrename: true";

const COLUMNS: [&str; 9] = [
    "call fails",
    "answer lost",
    "killed before its line",
    "killed after its line",
    "killed in its effect",
    "undo fails",
    "killed while undoing",
    "done twice",
    "undone twice",
];

/// Results by step and column.
#[derive(Default)]
struct Table(BTreeMap<(Step, usize), BTreeMap<&'static str, usize>>);

impl Table {
    fn add(&mut self, step: Step, column: usize, result: &'static str) {
        *self.0.entry((step, column)).or_default().entry(result).or_default() += 1;
    }

    fn print(&self, title: &str, steps: &[Step]) {
        let mut text = format!("\n{title}\n{:8}", "");
        for column in COLUMNS {
            write!(text, " │ {column:26}").unwrap();
        }
        for step in steps {
            write!(text, "\n{step:8}").unwrap();
            for column in 0..COLUMNS.len() {
                let cell = self.0.get(&(*step, column));
                let results = cell.into_iter().flatten().map(|(result, count)| format!("{count} {result}"));
                write!(text, " │ {:26}", results.collect::<Vec<_>>().join(", ")).unwrap();
            }
        }
        println!("{text}");
    }
}

/// A host with two releases, the second one live.
async fn prepared(more: &str) -> World {
    let world = World::new(more);
    world.deploy().await;
    world.deploy().await;
    world
}

/// What a deploy of a third release passes through when nothing happens.
async fn moments(more: &str) -> (Vec<Step>, Vec<Tick>) {
    let world = prepared(more).await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let ended = world.run(&plan, None).await;
    assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
    world.is_settled("undisturbed");
    let seen = world.ticks.seen.borrow().clone();
    (plan.steps, seen)
}

/// Deploys a third release, disturbed at one moment, and brings everything to an end.
async fn case(more: &str, moment: usize, act: Act, name: &str) -> &'static str {
    let world = prepared(more).await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let ended = world.run(&plan, Some((moment, act))).await;
    let result = judge(&world, ended, name).await;
    world.deploy().await;
    result
}

/// Kills a third deploy while it writes the line that announces a step.
async fn torn(more: &str, moment: usize, name: &str) -> &'static str {
    let world = prepared(more).await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let ended = world.run(&plan, Some((moment, Act::Crash))).await;
    world.tear_journal();
    let result = judge(&world, ended, name).await;
    world.deploy().await;
    result
}

/// Checks how a deploy of release 3 over release 2 ended, and recovers when it has not.
async fn judge(world: &World, ended: Ended, name: &str) -> &'static str {
    world.is_safe(name);
    let is_open = matches!(world.records().journal().unwrap(), JournalState::Open(_));
    match ended {
        Ended::Well(_) => {
            is_live(world, 3, name);
            return "done";
        }
        Ended::Badly(error) => {
            let says_open = matches!(error.kind(), Kind::NeedsRecovery | Kind::Stuck | Kind::Interrupted);
            assert_eq!(is_open, says_open, "{name}: {:?} {}", error.kind(), error.one_line());
            assert!(!error.hints().is_empty() || !is_open, "{name}: no hint in {error:?}");
            if !is_open {
                was_undone(world, name);
                return "undone";
            }
        }
        Ended::Killed => {}
    }
    let (direction, ended) = world.recover(None).await;
    assert!(matches!(ended, Ended::Well(_)), "{name}: recover: {ended:?}");
    match direction {
        Some(Direction::Back) => {
            was_undone(world, name);
            "recovered back"
        }
        Some(Direction::Forward) => {
            is_live(world, 3, name);
            "recovered ahead"
        }
        None => {
            world.is_settled(name);
            "nothing to recover"
        }
    }
}

fn is_live(world: &World, release: u32, name: &str) {
    world.is_settled(name);
    assert_eq!(world.proxy.served().map(|number| number.0), Some(release), "{name}");
}

fn was_undone(world: &World, name: &str) {
    is_live(world, 2, name);
    assert!(world.left().iter().all(|(release, _)| *release != 3), "{name}: {:?}", world.left());
    let outcome = world.outcome(3);
    let is_told = matches!(outcome, Some(Outcome::Failed { .. } | Outcome::RolledBack { .. }));
    assert!(is_told, "{name}: release 3 is recorded as {outcome:?}");
}

async fn disturbed(title: &str, more: &str) {
    let (steps, seen) = moments(more).await;
    let mut table = Table::default();
    for (moment, tick) in seen.iter().enumerate() {
        let name = format!("{title}: {moment} {tick:?}");
        let Some(step) = tick.step else { panic!("{name}: outside of all steps") };
        let (column, step) = match tick.at {
            At::Succeeded => (2, steps.iter().copied().find(|next| *next > step).unwrap_or(step)),
            At::Started => (3, step),
            At::Before | At::After => (4, step),
        };
        table.add(step, column, case(more, moment, Act::Crash, &format!("killed at {name}")).await);
        if tick.at == At::Started {
            table.add(step, 2, torn(more, moment, &format!("line torn at {name}")).await);
        }
        let failing = match tick.at {
            At::Before => 0,
            At::After => 1,
            At::Started | At::Succeeded => continue,
        };
        table.add(step, failing, case(more, moment, Act::Fail, &format!("fault at {name}")).await);
        if tick.at == At::Before && step.can_go_back() {
            let name = format!("fault at {name}, and at its undo");
            table.add(step, 5, case(more, moment, Act::FailAndItsUndo, &name).await);
        }
    }
    for step in [Step::Create, Step::Ready, Step::Stage, Step::Switch, Step::Verify] {
        let last = |tick: &Tick| tick.step == Some(step) && tick.at != At::Succeeded;
        let moment = seen.iter().rposition(last).unwrap();
        for later in 1.. {
            let name = format!("{title}: fault at {moment} {:?}, killed {later} moments later", seen[moment]);
            let world = prepared(more).await;
            let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
            let ended = world.run(&plan, Some((moment, Act::FailThenCrash(later)))).await;
            let was_killed = matches!(ended, Ended::Killed);
            table.add(step, 6, judge(&world, ended, &name).await);
            if !was_killed {
                break;
            }
        }
    }
    for step in &steps {
        table.add(*step, 7, twice(more, &steps, *step).await);
        if step.can_go_back() {
            table.add(*step, 8, undone_twice(more, *step).await);
        }
    }
    table.print(title, &steps);
}

/// Does all steps, one of them twice.
async fn twice(more: &str, steps: &[Step], doubled: Step) -> &'static str {
    let name = format!("{doubled} twice");
    let world = prepared(more).await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    {
        let records = world.lock().await;
        let report = Reporter(world.ticks.clone());
        let context = world.context(&records, &plan, &report);
        world.ticks.arm(None);
        records.put_release(&plan.target).unwrap();
        for step in steps {
            for _ in 0..if *step == doubled { 2 } else { 1 } {
                world.ticks.at_step(*step);
                step::run(*step, &context).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        }
        records.archive().unwrap();
    }
    is_live(&world, 3, &name);
    world.deploy().await;
    "done"
}

/// Does all steps up to one, that one twice, then undoes all of them twice.
async fn undone_twice(more: &str, last: Step) -> &'static str {
    let name = format!("up to {last}, then undone twice");
    let world = prepared(more).await;
    let files = bgd::proxy::Proxy::snapshot(world.proxy.as_ref()).await.unwrap();
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    {
        let records = world.lock().await;
        let report = Reporter(world.ticks.clone());
        let context = world.context(&records, &plan, &report);
        world.ticks.arm(None);
        records.put_release(&plan.target).unwrap();
        let begun: Vec<Step> = plan.steps.iter().copied().filter(|step| *step <= last).collect();
        for step in &begun {
            for _ in 0..if *step == last { 2 } else { 1 } {
                step::run(*step, &context).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        }
        for step in begun.iter().rev() {
            for _ in 0..2 {
                step::undo(*step, &context).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        }
        records.archive().unwrap();
    }
    is_live(&world, 2, &name);
    assert!(world.left().iter().all(|(release, _)| *release != 3), "{name}: {:?}", world.left());
    let now = bgd::proxy::Proxy::snapshot(world.proxy.as_ref()).await.unwrap();
    assert_eq!(now, files, "{name}: the proxy's files are not as before");
    world.deploy().await;
    "undone"
}

#[tokio::test(start_paused = true)]
async fn two_replicas_retired_by_stopping_and_renamed() {
    disturbed("two replicas, retire: stop, rename: true", STOP).await;
}

#[tokio::test(start_paused = true)]
async fn one_container_retired_by_removing() {
    disturbed("one container, retire: remove", REMOVE).await;
}

#[tokio::test(start_paused = true)]
async fn one_container_kept_warm_and_renamed() {
    disturbed("one container, retire: keep, rename: true", KEEP).await;
}

/// A recovery can be killed as well, at every moment of it.
#[tokio::test(start_paused = true)]
async fn a_recovery_that_is_killed_is_recovered() {
    let (_, seen) = moments(STOP).await;
    for step in [Step::Ready, Step::Switch, Step::Verify, Step::Retire, Step::Rename] {
        let first =
            seen.iter().rposition(|tick| tick.step == Some(step) && tick.at != At::Succeeded).unwrap();
        for second in 0.. {
            let name = format!("killed at {first} {:?}, recovery killed at {second}", seen[first]);
            let world = prepared(STOP).await;
            let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
            let ended = world.run(&plan, Some((first, Act::Crash))).await;
            assert!(matches!(ended, Ended::Killed), "{name}: {ended:?}");
            let (_, ended) = world.recover(Some((second, Act::Crash))).await;
            if !matches!(ended, Ended::Killed) {
                break;
            }
            judge(&world, ended, &name).await;
        }
    }
}
