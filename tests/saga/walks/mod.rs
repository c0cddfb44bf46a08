//! Random walks: commands of bgd's run as they are, by several people with records of their own, over one engine and several
//! proxies in memory; they are killed and interrupted, and people change things by hand between them. What may never be is
//! in `rules`. A walk comes back with its seed: `scripts/walks SEED`.

mod acts;
mod chance;
mod edges;
mod follow;
mod found;
mod hand;
mod hints;
mod land;
mod machine;
mod moments;
mod rules;

use acts::Paths;
use chance::Chance;
use land::Land;

/// What one walk found.
struct Walked {
    seed: u64,
    violations: Vec<String>,
    log: Vec<String>,
}

async fn walk(seed: u64, paths: Paths) -> Walked {
    let mut chance = Chance::new(seed);
    let apps: &[&str] = if chance.percent(30) { &["api", "web"] } else { &["api"] };
    let mut land = Land::new(apps);
    for _ in 0..paths.steps {
        acts::step(&mut land, &mut chance, paths).await;
        if !land.rules.violations().is_empty() {
            break;
        }
    }
    if land.rules.violations().is_empty() {
        follow::settle(&mut land, &mut chance).await;
        for person in 0..land::PEOPLE {
            for app in 0..land.apps.len() {
                follow::agree(&mut land, (person, app)).await;
            }
        }
    }
    Walked { seed, violations: land.rules.violations(), log: land.log }
}

/// Runs on a stack as large as that of bgd's own main thread: the futures of all steps are on it.
fn on_a_large_stack(work: impl FnOnce(&tokio::runtime::Runtime) + Send + 'static) {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        work(&runtime.unwrap());
    };
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(run).unwrap();
    if let Err(payload) = thread.join() {
        std::panic::resume_unwind(payload);
    }
}

/// Walks many of them, and tells of each that broke a rule.
fn walks(seeds: impl Iterator<Item = u64> + Send + 'static, paths: Paths) {
    on_a_large_stack(move |runtime| {
        let (mut broken, mut count) = (0, 0);
        for seed in seeds {
            count += 1;
            let walked = runtime.block_on(walk(seed, paths));
            if !walked.violations.is_empty() {
                broken += 1;
                println!("walk {} broke a rule: {:#?}", walked.seed, walked.violations);
                for (at, line) in walked.log.iter().enumerate() {
                    println!("  {at:3} {line}");
                }
            }
            if broken >= number("BGD_WALKS_STOP").unwrap_or(3) {
                break;
            }
        }
        assert_eq!(
            broken, 0,
            "{broken} of {count} walks broke a rule; walk one again with: scripts/walks SEED 1"
        );
    });
}

/// One person, one proxy, and nobody changes anything by hand.
const NARROW: Paths =
    Paths { steps: 5, people: 1, ways: 1, disturbed: 25, by_hand: false, spoils_records: false };
const WIDE: Paths =
    Paths { steps: 6, people: 2, ways: 4, disturbed: 25, by_hand: true, spoils_records: true };

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn narrow_walks_break_no_rule() {
    walks(0..100, NARROW);
}

#[test]
fn wide_walks_break_no_rule() {
    walks(1000..1400, WIDE);
}

/// Those of `scripts/walks`, which are longer.
#[test]
#[ignore = "scripts/walks runs it, for many minutes"]
fn many_walks_break_no_rule() {
    let first = number("BGD_WALKS_FIRST").unwrap_or(10_000);
    let count = number("BGD_WALKS").unwrap_or(20_000);
    walks(first..first + count, Paths { steps: 10, ..WIDE });
}
