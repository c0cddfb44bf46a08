//! Twenty processes do what they like with two apps, and one of them is killed every 400 ms.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bgd_testkit::{Spawned, images};
use nix::sys::signal::Signal;

use crate::scene::{HOST, Nginx, Route, Scene, nothing_lost};

const OTHER_HOST: &str = "web.test";
const PROCESSES: usize = 20;
const TIME: Duration = Duration::from_secs(40);
const BETWEEN_KILLS: Duration = Duration::from_millis(400);

/// Ends that are as they should be: done, in use, nothing to roll back to, an interrupted deploy that has to be
/// recovered first. A lost lock race or a rollback that was itself taken back would be another.
const GOOD: [i32; 4] = [0, 4, 10, 11];

/// Numbers that look random, the same ones for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let seed = u64::try_from(seed & u128::from(u64::MAX)).unwrap() | 1;
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

struct Running {
    process: Spawned,
    what: String,
    killed: bool,
}

fn begin(scene: &Scene, other: &str, dice: &mut Dice) -> Running {
    let (app, file) = [(scene.app.as_str(), "bgd.yaml"), (other, "other.yaml")][dice.below(2)];
    let image = images().app(["1.0", "1.1", "1.2"][dice.below(3)]);
    let mut args = match dice.below(6) {
        0 | 1 => vec!["rollback", app],
        2 => vec!["recover", app, "--yes"],
        3 => vec!["deploy", &image, "-f", file, "--yes", "--window", "500ms"],
        _ => vec!["deploy", &image, "-f", file, "--yes", "--no-watch"],
    };
    args.extend(["--wait", "20s"]);
    Running { process: scene.bgd.spawn(&args), what: args.join(" "), killed: false }
}

#[test]
fn twenty_processes_of_which_one_is_killed_again_and_again() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let more = "drain: { timeout: 1s }\nretire: stop\n";
    scene.configure(more);
    scene.first("1.0");
    let other = scene.run.app_name("web");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("other.yaml", &text.replace(&scene.app, &other).replace(HOST, OTHER_HOST));
    scene.bgd.run(&["deploy", "-f", "other.yaml", &images().app("1.0"), "--no-watch"]).ok();
    scene.edge.wait_serving(OTHER_HOST, "/version");

    let loads = [scene.mixed(), {
        use bgd_load::Kind;
        let load = scene.edge.load(OTHER_HOST).with(Kind::PacedKeepalive, 4).with(Kind::Slow, 2);
        load.with(Kind::Post, 2).start().unwrap()
    }];
    let mut dice = Dice::new();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut running: Vec<Running> = (0..PROCESSES).map(|_| begin(&scene, &other, &mut dice)).collect();
    let began = Instant::now();
    let mut next_kill = began + BETWEEN_KILLS;
    while !running.is_empty() {
        let mut still = Vec::new();
        for mut one in running {
            if one.process.has_ended() {
                let outcome = one.process.wait(Duration::from_secs(1));
                let command = one.what.split_whitespace().next().unwrap_or_default().to_owned();
                let end = match outcome.code {
                    None if one.killed => "killed".to_owned(),
                    Some(code) if GOOD.contains(&code) => code.to_string(),
                    code => panic!("bgd {} ended with {code:?}\n{}", one.what, outcome.stderr),
                };
                *ends.entry(format!("{command} {end}")).or_default() += 1;
                if began.elapsed() < TIME {
                    still.push(begin(&scene, &other, &mut dice));
                }
            } else {
                still.push(one);
            }
        }
        running = still;
        if Instant::now() >= next_kill && began.elapsed() < TIME {
            next_kill += BETWEEN_KILLS;
            let at = dice.below(running.len());
            running[at].killed = true;
            running[at].process.signal(Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("{ends:#?}");
    for app in [&scene.app, &other] {
        scene.bgd.run(&["recover", app, "--yes"]).ok();
        let status = scene.bgd.run(&["status", app, "--json"]).ok().stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status[0]["problems"], serde_json::json!([]), "{status:#}");
        assert!(status[0]["live"].is_u64(), "{status:#}");
    }
    for load in loads {
        nothing_lost(&load.stop());
    }
    let containers = scene.containers();
    assert!(containers.len() <= 2, "{containers:?}");
    let left: Vec<_> = scene.edge.files().into_iter().filter(|name| name.contains(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
    for done in ["deploy 0", "rollback 0", "recover 0"] {
        assert!(ends.contains_key(done), "{done}: {ends:?}");
    }
    assert!(ends.keys().any(|end| end.ends_with("killed")), "{ends:?}");
}
