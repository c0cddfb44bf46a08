//! The damage matrix: whatever is damaged, `bgd status` names it, the remedy that it prints is typed as it stands, and
//! afterwards all is well.

mod drivers;

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use bgd_testkit::{Front, images};

use crate::scene::{Nginx, Route, Scene};

/// The records of the scene's app.
fn records(scene: &Scene) -> PathBuf {
    scene.bgd.state_dir().join("apps").join(&scene.app)
}

/// What the commands begin with that status prints.
const COMMANDS: [&str; 4] = ["bgd recover ", "docker network connect ", "docker rename ", "docker start "];

/// The first command in a problem that status tells.
#[track_caller]
fn command(problem: &str) -> Vec<String> {
    let at = COMMANDS
        .iter()
        .filter_map(|begin| Some((problem.find(begin)?, begin.split_whitespace().count())))
        .min();
    let Some((at, fixed)) = at else { panic!("no command in: {problem}") };
    // What follows the command's own words are names.
    let names =
        if problem[at..].starts_with("bgd ") || problem[at..].starts_with("docker start") { 1 } else { 2 };
    let end = |c: char| matches!(c, ',' | ';' | ':');
    let words = problem[at..].split_whitespace().take(fixed + names);
    words.map(|word| word.trim_end_matches(end).to_owned()).collect()
}

/// Types the first command of a problem as it stands.
#[track_caller]
fn typed<P: Deref<Target = Front>>(scene: &Scene<P>, problem: &str) -> Vec<String> {
    let command = command(problem);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"bgd", words)) => drop(scene.bgd.run(words).ok()),
        Some((_, words)) => drop(scene.run.docker().ok(words)),
        None => unreachable!("a command has words"),
    }
    command
}

/// Asserts that status names the damage, types the remedy that it prints, and asserts that all is well.
#[track_caller]
fn remedied<P: Deref<Target = Front>>(scene: &Scene<P>, named: &str, version: &str) {
    let status = scene.status();
    let problems = status["problems"].as_array().unwrap().clone();
    let told = problems.iter().filter_map(|one| one.as_str()).find(|one| one.contains(named));
    let Some(told) = told else { panic!("{named:?} is not told: {status:#}") };
    let words = typed(scene, told);
    scene.wait_for(version);
    let after = scene.status();
    assert_eq!(after["problems"], serde_json::json!([]), "after {words:?}: {after:#}");
    assert_eq!(after["image"], images().app(version), "{after:#}");
    let again = scene.bgd.run(&["recover", &scene.app]).ok();
    assert!(again.stderr.contains("all is as the records say"), "{}", again.stderr);
}

/// Releases 1 (1.0) and 2 (1.1), of which the second is live.
fn two_releases() -> Scene {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    scene.deploy("1.1").ok();
    scene
}

#[test]
fn records_that_are_gone_or_damaged() {
    let scene = two_releases();
    let record = records(&scene).join("releases/2.json");
    let first = fs::read(records(&scene).join("releases/1.json")).unwrap();
    let config = fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();

    // A flipped byte.
    let mut bytes = fs::read(&record).unwrap();
    bytes[20] ^= 0x40;
    fs::write(&record, &bytes).unwrap();
    let refused = scene.deploy("1.2").code(11);
    assert!(refused.stderr.contains(&format!("bgd recover {}", scene.app)), "{}", refused.stderr);
    scene.rollback().code(11);
    remedied(&scene, "2.json is damaged", "1.1");
    assert_eq!(fs::read(record.with_extension("json.damaged")).unwrap(), bytes, "the damaged file is kept");

    // Gone, and no bgd.yaml is there: the record of the other release tells the proxy.
    fs::remove_file(scene.bgd.project().join("bgd.yaml")).unwrap();
    fs::rename(&record, scene.bgd.project().join("2.json")).unwrap();
    let refused = scene.rollback().code(11);
    assert!(refused.stderr.contains(&format!("bgd recover {}", scene.app)), "{}", refused.stderr);
    remedied(&scene, "of which there is no record", "1.1");
    scene.bgd.write("bgd.yaml", &config);

    // Which of them was live; the records of both stay as they are, to the byte.
    let second = fs::read(&record).unwrap();
    fs::remove_file(records(&scene).join("state.json")).unwrap();
    remedied(&scene, "state.json", "1.1");
    assert_eq!(fs::read(records(&scene).join("releases/1.json")).unwrap(), first);
    assert_eq!(fs::read(&record).unwrap(), second);
    fs::write(records(&scene).join("state.json"), "{").unwrap();
    remedied(&scene, "state.json is damaged", "1.1");

    // All of it.
    fs::remove_dir_all(records(&scene).join("releases")).unwrap();
    remedied(&scene, "none of its records can be read", "1.1");
    scene.rollback().ok();
    scene.wait_for("1.0");
}

#[test]
fn the_journal_of_an_interrupted_deploy_is_gone() {
    let scene = two_releases();
    for (step, named, version) in
        [("smoke", "did not end, and its journal is gone", "1.1"), ("watch", "the records say", "1.2")]
    {
        let smoke = "smoke: [{ get: /api/v1/test, retries: 1000, expect: { status: 418 } }]\n";
        let more = if step == "smoke" { smoke } else { "" };
        scene.configure(&format!("drain: {{ timeout: 1s }}\nwatch: {{ window: 5m }}\n{more}"));
        let mut deploy = scene.bgd.spawn(&["deploy", &images().app("1.2"), "--output", "json"]);
        let begun = format!("\"event\":\"step-started\",\"step\":\"{step}\"");
        deploy.wait_for(&begun, Duration::from_secs(60));
        deploy.kill();
        fs::remove_file(records(&scene).join("journal.jsonl")).unwrap();
        remedied(&scene, named, version);
    }
    // What lost its journal after the switch is a release like any other.
    let history = scene.bgd.run(&["history", &scene.app]).ok().stdout;
    assert!(
        !history.lines().any(|line| line.contains("1.2") && line.contains('*') && line.contains("failed")),
        "{history}"
    );
    scene.rollback().ok();
    scene.wait_for("1.1");
}

#[test]
fn files_networks_and_containers() {
    let scene = two_releases();
    let docker = scene.run.docker();
    let file = || {
        let files = scene.edge.files().into_iter();
        let mut own = files.filter(|name| name.contains(&scene.app) && name.ends_with(".conf"));
        scene.edge.host_folder().unwrap().join(own.next_back().unwrap())
    };
    let text = fs::read_to_string(file()).unwrap();
    fs::write(file(), format!("{text}# mine\n")).unwrap();
    remedied(&scene, "changed or removed by hand", "1.1");
    fs::remove_file(file()).unwrap();
    remedied(&scene, "changed or removed by hand", "1.1");

    let live = || scene.status()["containers"].as_object().unwrap().keys().next().unwrap().clone();
    let network = scene.edge.network().to_owned();
    docker.ok(["network", "disconnect", &network, &live()]);
    remedied(&scene, "was changed by hand: networks", "1.1");
    let container = live();
    docker.ok(["network", "disconnect", &network, &container]);
    docker.ok(["network", "connect", &network, &container]);
    remedied(&scene, "does not know it as", "1.1");

    docker.ok(["stop", "-t", "0", &live()]);
    remedied(&scene, "is live and Exited", "1.1");
    docker.ok(["rm", "-f", &live()]);
    remedied(&scene, "1 of its 1 containers are missing", "1.1");

    docker.ok(["network", "disconnect", &network, scene.edge.name()]);
    remedied(&scene, "is not on the app's network", "1.1");
    docker.ok(["rename", scene.edge.name(), &format!("{}-front", scene.edge.name())]);
    remedied(&scene, "is named", "1.1");
    docker.ok(["stop", "-t", "1", scene.edge.name()]);
    remedied(&scene, "the proxy edge-", "1.1");
}
