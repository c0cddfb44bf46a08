//! Every prefix of every journal recovers: random configurations, kills at random moments, also of the recoveries, and
//! a green that dies in between.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use bgd::docker::fake::Behaviour;
use bgd::model::{Outcome, ReleaseNumber};
use bgd::plan::Plan;
use bgd::record::{JournalState, Replay};
use bgd::saga::{Direction, Phase};
use bgd::step::Step;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::ticks::{Act, At};
use crate::world::{Ended, World};

/// So many recoveries that nothing disturbs bring everything to its end.
const RECOVERIES: usize = 2;

#[derive(Debug, Clone)]
struct Case {
    retire: &'static str,
    rename: bool,
    replicas: usize,
    watch: bool,
    hooks: bool,
    /// Releases that were deployed before.
    before: usize,
    /// Whether it is a rollback, where there is something to go back to.
    rollback: bool,
    /// What disturbs the run, then each recovery.
    blows: Vec<Blow>,
}

#[derive(Debug, Clone)]
struct Blow {
    /// The moment at which bgd is killed. Past the end, it is not.
    at: usize,
    /// Whether the line that it was writing is on disk in part.
    torn: bool,
    /// Whether green dies before the next command.
    green_dies: bool,
    /// Whether the next command is `bgd rollback`, not `bgd recover`.
    taken_back: bool,
}

fn blow(moments: usize) -> impl Strategy<Value = Blow> {
    (0..moments, any::<bool>(), prop::bool::weighted(0.15), prop::bool::weighted(0.2))
        .prop_map(|(at, torn, green_dies, taken_back)| Blow { at, torn, green_dies, taken_back })
}

fn case() -> impl Strategy<Value = Case> {
    let blows = (blow(200), prop::collection::vec(blow(40), 0..3))
        .prop_map(|(first, later)| std::iter::once(first).chain(later).collect::<Vec<_>>());
    let settings = (prop::sample::select(vec!["keep", "stop", "remove"]), any::<bool>(), 1..3usize);
    (settings, any::<[bool; 2]>(), 0..3usize, any::<bool>(), blows).prop_map(
        |((retire, rename, replicas), [watch, hooks], before, rollback, blows)| Case {
            retire,
            rename,
            replicas,
            watch,
            hooks,
            before,
            rollback,
            blows,
        },
    )
}

/// How the cases ended, so that a test that has become blind shows.
#[derive(Debug, Default)]
struct Seen {
    phases: BTreeSet<String>,
    ahead: usize,
    back: usize,
    held: usize,
    hooks: usize,
}

const HOOKS: &str = "hooks:\n  before_switch: { container: [expand] }\n  after_switch: { container: [warm] }\n  \
                     after_deploy: { container: [contract] }\n  on_rollback: { container: [tell] }\n  \
                     on_failure: { container: [tell] }";

#[test]
fn whatever_dies_recovery_ends_with_a_release_that_serves() {
    let seen = std::cell::RefCell::new(Seen::default());
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    });
    let result = runner.run(&case(), |case| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(play(&case, &mut seen.borrow_mut()));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    println!(
        "{} ahead, {} back, {} held, {} hooks, {:?}",
        seen.ahead, seen.back, seen.held, seen.hooks, seen.phases
    );
    let everything =
        seen.ahead > 10 && seen.back > 10 && seen.held > 0 && seen.hooks > 50 && seen.phases.len() >= 12;
    assert!(everything, "the cases are all alike: {seen:?}");
}

async fn play(case: &Case, seen: &mut Seen) {
    let Case { retire, rename, replicas, .. } = case;
    let hooks = if case.hooks { HOOKS } else { "" };
    let world = World::new(&format!("retire: {retire}\nrename: {rename}\nreplicas: {replicas}\n{hooks}"));
    for _ in 0..case.before {
        world.deploy().await;
    }
    let plan = match case.rollback && case.before == 2 {
        true => world.plan_rollback(None).await.unwrap(),
        false => world.plan_deploy_watched(Behaviour::Runs, case.watch).await.unwrap(),
    };
    let launched = Rc::new(RefCell::new(Vec::new()));
    let seen_launches = launched.clone();
    world.engine.on_launch(move |name, _| {
        seen_launches.borrow_mut().push(name.to_owned());
        Some(0)
    });
    let kill = |at: usize| Some((at, Act::Crash));
    let mut ended = world.run(&plan, kill(case.blows[0].at)).await;
    let mut written = 0;
    for (at, blow) in case.blows.iter().enumerate() {
        if matches!(ended, Ended::Killed) {
            seen.phases.insert(phase(&world));
            if blow.torn {
                tear(&world, written);
            }
        }
        written = lines(&world);
        if blow.green_dies {
            green_dies(&world, &plan);
        }
        let next = case.blows.get(at + 1).and_then(|next| kill(next.at));
        ended = if blow.taken_back { take_back(&world, next).await } else { world.recover(next).await.1 };
    }
    for _ in 0..RECOVERIES {
        if !matches!(ended, Ended::Well(_)) {
            ended = world.recover(None).await.1;
        }
    }
    let Ended::Well(done) = ended else { panic!("{case:?}: it does not end: {ended:?}") };
    let mut launched = launched.take();
    seen.hooks += launched.len();
    launched.sort();
    let runs = launched.len();
    launched.dedup();
    assert_eq!(launched.len(), runs, "{case:?}: a hook ran twice");
    judge(&world, &plan, done.held || is_dead(&world), case, seen);
    afterwards(&world, case).await;
}

/// What the journal was in the middle of.
fn phase(world: &World) -> String {
    match world.records().journal().unwrap() {
        JournalState::None => "no journal".to_owned(),
        JournalState::Ended(_) => "ended".to_owned(),
        JournalState::Open(replay) => format!("{:?}", status(&replay)),
    }
}

fn status(replay: &Replay) -> Phase {
    let mut status = bgd::saga::Status::new(replay.steps.clone());
    for (step, happened) in &replay.happened {
        status.advance(bgd::saga::Advance::Step(*step, happened.clone())).unwrap();
    }
    status.phase
}

/// Leaves a line on disk in part: the last one, when its effect has not begun or nothing follows from it, else one more.
/// Those that were `written` by an earlier bgd are on disk whole: whoever takes up its hook writes no line of its own.
fn tear(world: &World, written: usize) {
    let last = world.ticks.seen.borrow().last().map(|tick| tick.at);
    match (last, world.records().journal().unwrap()) {
        (Some(At::Started | At::Succeeded), JournalState::Open(_)) if lines(world) > written => {
            world.tear_journal();
        }
        (Some(_), JournalState::Open(_)) => world.begin_a_line(),
        _ => {}
    }
}

/// The lines of the journal.
fn lines(world: &World) -> usize {
    std::fs::read_to_string(world.records().journal_path()).map_or(0, |text| text.lines().count())
}

fn green_dies(world: &World, plan: &Plan) {
    let release = plan.target.number;
    if world.proxy.served() == Some(release) {
        world.ticks.excused.set(true);
    }
    world.die(release.0);
}

/// What `bgd rollback` does with an unfinished deploy.
async fn take_back(world: &World, act: Option<(usize, Act)>) -> Ended {
    let replay = match world.records().journal().unwrap() {
        JournalState::Open(replay) if replay.former.is_some() => replay,
        _ => return world.recover(act).await.1,
    };
    if replay.last(Step::Record).is_some() {
        // Noted or about to be: from there it only goes forward.
        return world.recover(act).await.1;
    }
    let records = world.lock().await;
    let plan = world.plan_of(&replay).unwrap();
    world.resume(&records, &replay, &plan, Direction::Back, act).await
}

/// Whether what is served does not run.
fn is_dead(world: &World) -> bool {
    world.proxy.trouble().is_some()
}

fn judge(world: &World, plan: &Plan, held: bool, case: &Case, seen: &mut Seen) {
    let name = format!("{case:?}");
    let target = plan.target.number;
    let former = plan.former.as_ref().map(|former| former.number);
    let served = world.proxy.served();
    assert!(served == Some(target) || served == former, "{name}: release {served:?} is served");
    let is_ahead = served == Some(target);
    if held {
        seen.held += 1;
        // Green died after it was recorded: blue, if there is one, is left as it was, so that it can be gone back to.
        assert!(is_ahead, "{name}");
        let violations = world.ticks.violations.borrow();
        assert!(violations.is_empty(), "{name}: {violations:#?}");
        assert_eq!(world.records().journal().unwrap(), JournalState::None, "{name}");
    } else {
        *(if is_ahead { &mut seen.ahead } else { &mut seen.back }) += 1;
        world.is_settled(&name);
    }
    let recorded = world.outcome(target.0);
    let is_told = match recorded {
        Some(Outcome::Deployed) => is_ahead || case.rollback,
        Some(Outcome::Failed { .. } | Outcome::RolledBack { .. }) => !is_ahead,
        // Killed before the record of the release was on disk.
        None => !is_ahead,
        _ => false,
    };
    assert!(
        is_told,
        "{name}: release {target} is recorded as {:?}, and {served:?} is served",
        world.outcome(target.0)
    );
    assert_eq!(world.records().state().unwrap().live(), served, "{name}");
    assert_eq!(world.records().never_begun().unwrap(), None, "{name}");
}

/// What died is gone back from, and in any case the next deploy finds everything in order.
async fn afterwards(world: &World, case: &Case) {
    let live = world.proxy.served();
    let before = live.and_then(|live| world.records().state().unwrap().previous(live));
    if is_dead(world) && before.is_some() {
        let plan = world.plan_rollback(None).await.unwrap();
        let ended = world.run(&plan, None).await;
        assert!(matches!(ended, Ended::Well(_)), "{case:?}: going back from what died: {ended:?}");
        assert_eq!(world.proxy.served(), before, "{case:?}");
        assert!(!is_dead(world), "{case:?}: what was gone back to is dead");
    }
    if !is_dead(world) {
        world.ticks.excused.set(false);
    }
    world.deploy().await;
    assert_ne!(world.proxy.served(), None::<ReleaseNumber>);
}

/// The moment at which a case is killed means something only when there are that many.
#[tokio::test(start_paused = true)]
async fn the_moments_that_are_drawn_are_about_as_many_as_there_are() {
    let world = World::new("retire: stop\nreplicas: 2");
    world.deploy().await;
    world.deploy().await;
    let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
    let Ended::Well(_) = world.run(&plan, None).await else { panic!() };
    let moments = world.ticks.seen.borrow().len();
    assert!((90..300).contains(&moments), "{moments}");
}
