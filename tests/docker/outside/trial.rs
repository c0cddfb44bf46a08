//! One deploy, one fault, and what becomes of both.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, Instant};

use bgd_load::{Kind, Load, Report, Running};
use bgd_testkit::{Front, Spawned, images, poll_until};
use nix::sys::signal::Signal;

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(60);
/// How a deploy may end, by the table of exit codes.
const ENDS: [i32; 10] = [0, 3, 5, 6, 7, 8, 9, 11, 12, 15];

/// Which load a trial runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// A little of every kind, through the published port.
    Mixed,
    /// The same without what is long in flight: WebSockets and slow requests.
    Short,
}

/// Trials of one app, one after the other, and the table of what happened.
pub struct Trials<'a, P> {
    scene: &'a Scene<P>,
    title: String,
    under: Under,
    /// Where the load is aimed; through the published port when nothing is said.
    aim: Option<Box<dyn Fn() -> Load + 'a>>,
    rows: Vec<[String; 6]>,
}

/// A deploy that is held at a step.
pub struct Held {
    deploy: Spawned,
    lock: Option<File>,
}

/// What became of a trial.
pub struct Ended {
    pub code: i32,
    /// All that bgd printed.
    pub said: String,
    /// Whether the new release is live.
    pub is_new: bool,
    pub recovered: bool,
    pub report: Report,
}

impl Held {
    /// Lets bgd go on.
    pub fn go_on(&mut self) {
        self.lock = None;
        self.deploy.signal(Signal::SIGCONT);
    }

    /// Waits until bgd has printed something.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.deploy.wait_for(text, SOON);
    }

    /// Waits until the watch has told of so many requests or more.
    #[track_caller]
    pub fn wait_for_requests(&mut self, least: u64) {
        self.deploy.wait_for_requests(least, SOON);
    }

    /// Waits for bgd's end, at most so long.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while !self.deploy.has_ended() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

impl<'a, P: Deref<Target = Front>> Trials<'a, P> {
    pub fn new(scene: &'a Scene<P>, title: &str, under: Under) -> Self {
        Self { scene, title: title.to_owned(), under, aim: None, rows: Vec::new() }
    }

    /// Where the trials are.
    pub fn scene(&self) -> &Scene<P> {
        self.scene
    }

    /// Aims the load elsewhere than at the published port.
    pub fn aimed(mut self, aim: impl Fn() -> Load + 'a) -> Self {
        self.aim = Some(Box::new(aim));
        self
    }

    fn load(&self) -> Running {
        let load = self.aim.as_ref().map_or_else(|| self.scene.load(), |aim| aim());
        let load = load
            .pace(Duration::from_millis(50))
            .with(Kind::PacedKeepalive, 2)
            .with(Kind::PerConnection, 1)
            .with(Kind::Post, 1);
        let load = match self.under {
            Under::Mixed => load.with(Kind::Slow, 2).with(Kind::Websocket, 2),
            Under::Short => load,
        };
        load.start().unwrap()
    }

    /// Deploys the other version, holds it at a step, and lets `act` do what it does; it has to let bgd go on. Then
    /// brings everything to its end, and asserts that it is as it has to be after any fault:
    ///
    /// - bgd has ended in a documented way, and `bgd recover` brings an open deploy to its end;
    /// - what is served is what bgd said, what it says now, and what its history says;
    /// - one release runs, and nothing is left over: containers, helpers, carriers, temporary files, locks;
    /// - no request failed but those begun between `act`'s beginning and its end, or until the proxy serves again after it.
    #[track_caller]
    pub fn run(&mut self, step: &str, fault: &str, act: impl FnOnce(&Scene<P>, &mut Held)) -> Ended {
        let scene = self.scene;
        let was = live(scene);
        let (old, new) =
            if scene.served().as_deref() == Some("1.0") { ("1.0", "1.1") } else { ("1.1", "1.0") };
        scene.wait_for(old);
        let began = Instant::now();
        let load = self.load();
        // It begins with the proxy's lock, so that it can be held at its very beginning.
        let lock = (step == "stage").then(|| lock_proxy(scene));
        let mut deploy = scene.bgd.spawn(&["deploy", &images().app(new), "--output", "json"]);
        deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), SOON);
        deploy.signal(Signal::SIGSTOP);
        let mut held = Held { deploy, lock };
        let from = began.elapsed();
        act(scene, &mut held);
        // Each worker of nginx finds the app by itself: one answer is not the end of the fault.
        let mut in_a_row = 0;
        poll_until(Duration::from_secs(20), || {
            in_a_row = if scene.served().is_some() { in_a_row + 1 } else { 0 };
            in_a_row >= 10
        });
        let until = began.elapsed();
        let outcome = held.deploy.wait(Duration::from_secs(120));
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        let named = || format!("{}: {fault} at {step}\n{said}", self.title);
        let code = outcome.code.unwrap_or_else(|| panic!("killed: {}", named()));
        assert!(ENDS.contains(&code), "ended with {code}: {}", named());
        let recovered = !problems(scene).is_empty();
        if recovered {
            let outcome = scene.bgd.run(&["recover", &scene.app, "--yes"]);
            assert_eq!(outcome.code, Some(0), "recover: {outcome:#?}\nafter {}", named());
        }
        let lives = live(scene);
        let is_new = lives != was;
        let (expected, history) = if is_new { (new, "deployed") } else { (old, "failed: |rolled back: ") };
        poll_until(Duration::from_secs(10), || scene.served().as_deref() == Some(expected));
        let report = load.stop();
        assert!(report.answered > 0, "there was no load\n{report}");
        assert_eq!(matches!(code, 0 | 15), is_new && !recovered, "{} lives: {}", lives, named());
        assert_clean(scene, lives, history, &named());
        // What was begun during the fault may take its time to fail.
        let first = report.failures.iter().map(|group| group.first_ms).min().unwrap_or_default();
        let last = report.failures.iter().map(|group| group.last_begun_ms).max().unwrap_or_default();
        let (from_ms, until_ms) = (millis(from), millis(until));
        assert!(
            report.failed == 0 || (first >= from_ms && last <= until_ms),
            "requests of {first} to {last} ms failed, and the fault lasted from {from_ms} to {until_ms} ms\n{report}\n{}",
            named()
        );
        let row = [
            step.to_owned(),
            fault.to_owned(),
            format!("ended with {code}"),
            if recovered { "recovered".to_owned() } else { "-".to_owned() },
            format!("{} serves", if is_new { "green" } else { "blue" }),
            match report.failed {
                0 => "lost none".to_owned(),
                lost => format!("lost {lost}, at {first}–{last} of {from_ms}–{until_ms} ms"),
            },
        ];
        println!("{} | {}", self.title, row.join(" | "));
        self.rows.push(row);
        Ended { code, said, is_new, recovered, report }
    }
}

impl<P> Drop for Trials<'_, P> {
    /// Prints what happened, however far it came.
    fn drop(&mut self) {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
        println!("\n{}", self.title);
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Takes the lock that whoever changes the proxy's files has to have.
#[track_caller]
fn lock_proxy<P: Deref<Target = Front>>(scene: &Scene<P>) -> File {
    let path = scene.bgd.state_dir().join("proxies").join(format!("{}.lock", scene.edge.name()));
    let file = File::open(path).unwrap();
    file.lock().unwrap();
    file
}

#[track_caller]
fn live<P: Deref<Target = Front>>(scene: &Scene<P>) -> u32 {
    let status = scene.status();
    let live = status["live"].as_u64().unwrap_or_else(|| panic!("nothing is live: {status:#}"));
    live.try_into().unwrap()
}

#[track_caller]
fn problems<P: Deref<Target = Front>>(scene: &Scene<P>) -> Vec<serde_json::Value> {
    scene.status()["problems"].as_array().cloned().unwrap_or_default()
}

/// Asserts that nothing is left of a deploy but the release that is live and, stopped, the one before: or running, where
/// bgd has said that a failure was that of both, for then none of them is retired.
#[track_caller]
fn assert_clean<P: Deref<Target = Front>>(scene: &Scene<P>, live: u32, history: &str, named: &str) {
    scene.assert_clean(live);
    let containers = scene.containers();
    let mut running: Vec<_> = containers.iter().filter(|(_, state, _)| state == "running").collect();
    let all = running.len();
    running.retain(|(.., release)| *release != live.to_string());
    let is_held = named.contains("is kept warm") || named.contains("was left as it is");
    assert!(!is_held || named.contains("it is not taken back"), "kept for no reason: {named}");
    let others = usize::from(is_held);
    assert!(
        all == running.len() + 1 && running.len() == others && containers.len() <= 2,
        "{live} should run, and {others} others: {containers:?}\n{named}"
    );
    let docker = scene.run.docker();
    for owner in [scene.edge.name().to_owned(), format!("wake {}", scene.app)] {
        assert_eq!(docker.labelled("container", &format!("bgd.helper={owner}")), [""; 0], "{named}");
    }
    assert_eq!(docker.labelled("network", &scene.run.label()).len(), 1, "{named}");
    assert_eq!(docker.labelled("network", &format!("bgd.app={}", scene.app)), [""; 0], "{named}");
    let folders = scene.edge.host_folder().into_iter().map(Path::to_path_buf);
    for folder in folders.chain([scene.bgd.state_dir()]) {
        let left: Vec<_> = files(&folder).into_iter().filter(|name| name.contains(".tmp")).collect();
        assert!(left.is_empty(), "{left:?}\n{named}");
    }
    let told = scene.bgd.run(&["history", &scene.app]).ok().stdout;
    let newest = told.lines().nth(1).unwrap_or_default();
    assert!(history.split('|').any(|outcome| newest.contains(outcome)), "{told}\n{named}");
}

/// The names of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            _ => found.push(entry.file_name().to_string_lossy().into_owned()),
        }
    }
    found
}
