use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::{Duration, Instant};

use bgd_testkit::{Front, Outcome, Spawned, images};
use nix::sys::signal::Signal;

use super::table::Table;
use crate::scene::{Scene, nothing_lost};

const SOON: Duration = Duration::from_secs(60);

/// A way in which a deploy is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `kill -9` as the step begins.
    Kill,
    /// `kill -9` when half of the time has passed that the step took without it.
    KillMidway,
    /// SIGTERM, once.
    Term,
    /// Ctrl-C, again and again until it has ended: the second one leaves at once.
    Interrupts,
    /// The terminal goes away.
    Hangup,
}

impl Way {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Kill, Self::KillMidway, Self::Term, Self::Interrupts, Self::Hangup];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::KillMidway => "kill -9 half way",
            Self::Term => "SIGTERM",
            Self::Interrupts => "SIGINT twice",
            Self::Hangup => "SIGHUP",
        }
    }

    fn is_kill(self) -> bool {
        matches!(self, Self::Kill | Self::KillMidway)
    }

    fn send(self, mut deploy: Spawned, step_takes: Duration) -> Outcome {
        match self {
            Self::Kill => deploy.signal(Signal::SIGKILL),
            Self::KillMidway => {
                std::thread::sleep(step_takes / 2);
                deploy.signal(Signal::SIGKILL);
            }
            Self::Term => deploy.signal(Signal::SIGTERM),
            Self::Hangup => deploy.signal(Signal::SIGHUP),
            Self::Interrupts => {
                let begun = Instant::now();
                while !deploy.has_ended() && begun.elapsed() < SOON {
                    deploy.signal(Signal::SIGINT);
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
        deploy.wait(SOON)
    }

    /// The exit codes that it may have: `None` for an end by the signal.
    fn codes(self, told: Told) -> &'static [Option<i32>] {
        match self {
            // It may have ended by itself in time, or have said so and be about to.
            Self::Kill | Self::KillMidway if told == Told::Ended => &[None, Some(0)],
            Self::Kill | Self::KillMidway => &[None],
            // What cannot be interrupted any more goes on to the end.
            Self::Hangup if told != Told::Unmoved => &[Some(0)],
            _ if told == Told::Ended => &[Some(0)],
            _ => &[Some(130)],
        }
    }
}

/// How far the deploy said it had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The switch was not begun.
    Unmoved,
    /// The switch was begun and not proved.
    Moving,
    /// The switch was proved.
    Moved,
    /// It was done.
    Ended,
}

impl Told {
    fn of(events: &str) -> Self {
        if events.contains("\"event\":\"done\"") {
            Self::Ended
        } else if events.contains("\"event\":\"step-done\",\"step\":\"verify\"") {
            Self::Moved
        } else if events.contains("\"event\":\"step-started\",\"step\":\"switch\"") {
            Self::Moving
        } else {
            Self::Unmoved
        }
    }
}

/// What is live: a release and the version that it serves.
#[derive(Debug, Clone, Copy)]
struct Live {
    release: u32,
    version: &'static str,
}

/// Interrupts a deploy in each step in the ways that are named with it, with a load for each step, and prints what became of it.
#[track_caller]
pub fn every_cell<P: Deref<Target = Front>>(scene: &Scene<P>, title: &str, steps: &[(&'static str, &[Way])]) {
    let mut table = Table::new(title);
    let mut live = Live { release: 2, version: "1.1" };
    let mut last = 2;
    let takes = undisturbed(scene, live.version);
    for (step, ways) in steps {
        let load = scene.mixed();
        for way in ways.iter().copied() {
            last += 1;
            let next = Live { release: last, version: if live.version == "1.1" { "1.2" } else { "1.1" } };
            let what = format!("{} at {step}, release {} after {live:?}", way.name(), next.release);
            let (result, now) = cell(scene, step, way, takes[*step], live, next, &what);
            table.add(step, way, &result);
            live = now;
        }
        let report = load.stop();
        table.lost(step, report.answered, report.failed);
        table.print_row(step);
        nothing_lost(&report);
    }
    // Everything that was interrupted has left the way free.
    let version = if live.version == "1.1" { "1.2" } else { "1.1" };
    scene.deploy(version).ok();
    assert_eq!(scene.served().as_deref(), Some(version));
    scene.assert_clean(last + 1);
}

/// How long each step of a deploy takes that nobody interrupts.
#[track_caller]
fn undisturbed<P: Deref<Target = Front>>(scene: &Scene<P>, version: &str) -> BTreeMap<String, Duration> {
    let load = scene.mixed();
    let outcome = scene.bgd.run(&["deploy", &images().app(version), "--output", "json"]).ok();
    nothing_lost(&load.stop());
    let events = outcome.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let done = events.filter(|event| event["event"] == "step-done");
    let takes = done.map(|event| {
        (
            event["step"].as_str().unwrap().to_owned(),
            Duration::from_millis(event["took_ms"].as_u64().unwrap()),
        )
    });
    takes.collect()
}

#[track_caller]
fn cell<P: Deref<Target = Front>>(
    scene: &Scene<P>,
    step: &str,
    way: Way,
    step_takes: Duration,
    live: Live,
    next: Live,
    what: &str,
) -> (String, Live) {
    let mut deploy = scene.bgd.spawn(&["deploy", &images().app(next.version), "--output", "json"]);
    deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), SOON);
    let outcome = way.send(deploy, step_takes);
    let told = Told::of(&outcome.stdout);
    assert!(
        way.codes(told).contains(&outcome.code),
        "{what}: ended with {:?} although {told:?}\n{}\n{}",
        outcome.code,
        outcome.stdout,
        outcome.stderr
    );
    let recovered = scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
    let served = scene.served();
    let now = match told {
        Told::Unmoved => live,
        Told::Moved | Told::Ended => next,
        Told::Moving if served.as_deref() == Some(next.version) => next,
        Told::Moving => live,
    };
    assert_eq!(served.as_deref(), Some(now.version), "{what}: {told:?}\n{}", recovered.stderr);
    scene.assert_clean(now.release);
    nothing_left(scene, now, next, what);
    (result(way, told, &outcome, &recovered, now.release == next.release), now)
}

/// What became of it, in a few words.
fn result(way: Way, told: Told, outcome: &Outcome, recovered: &Outcome, is_live: bool) -> String {
    let by_itself = recovered.stderr.contains("nothing is unfinished");
    match (by_itself, is_live) {
        (true, true) => "went on".to_owned(),
        (true, false) if way.is_kill() && told == Told::Unmoved => "nothing begun".to_owned(),
        (true, false) => "undone".to_owned(),
        (false, true) if outcome.code == Some(130) => "stayed, finished".to_owned(),
        (false, true) => "finished".to_owned(),
        (false, false) => "recover undid".to_owned(),
    }
}

/// No container, network, helper or temporary file is left, and the history says how it ended.
#[track_caller]
fn nothing_left<P: Deref<Target = Front>>(scene: &Scene<P>, now: Live, next: Live, what: &str) {
    let containers = scene.containers();
    let running: Vec<_> = containers.iter().filter(|(_, state, _)| state == "running").collect();
    assert!(
        matches!(&running[..], [(_, _, release)] if *release == now.release.to_string()),
        "{what}: {containers:?}"
    );
    // The one that a rollback goes to, if a deploy has not made room for itself before it was undone.
    assert!(containers.len() <= 2, "{what}: {containers:?}");
    let is_undone = now.release != next.release;
    let has_next = containers.iter().any(|(_, _, release)| *release == next.release.to_string());
    assert!(!(is_undone && has_next), "{what}: {containers:?}");
    let left = temporary(&scene.bgd.state_dir());
    assert!(left.is_empty(), "{what}: {left:?}");

    let history = scene.bgd.run(&["history", &scene.app, "--json"]).ok().stdout;
    let history: serde_json::Value = serde_json::from_str(&history).unwrap();
    let row = history.as_array().unwrap().iter().find(|row| row["release"] == next.release);
    match row {
        // Interrupted before anything was written.
        None => assert!(is_undone, "{what}: {history:#}"),
        Some(row) => {
            let outcome = row["outcome"].to_string();
            let expected = if is_undone { ["failed", "rolled-back"] } else { ["deployed", "deployed"] };
            assert!(expected.iter().any(|kind| outcome.contains(kind)), "{what}: {outcome}");
            assert_eq!(row["live"], !is_undone, "{what}: {row:#}");
        }
    }
}

/// Files of the state folder that are no record, journal or lock.
fn temporary(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(temporary(&entry.path()));
        } else {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_known =
                [".json", ".jsonl", ".lock"].iter().any(|end| name.ends_with(end)) || name == "lock";
            if !is_known || name.starts_with('.') {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}
