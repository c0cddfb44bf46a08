//! The commands of the files to copy, on real Docker: a deploy, another one, the way back, and a bad release.

use std::process::Output;

use serde_json::Value;

use crate::commands::{Ci, Job, scripts};
use crate::job::Runner;
use crate::page::section;

/// Everything that a script printed, which is what the log of the job has.
fn log(output: &Output) -> String {
    let log =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!log.contains('\u{1b}') && !log.contains('\r'), "something is for terminals: {log:?}");
    log
}

/// Runs all scripts of a job, each of which has to succeed. Returns their log.
#[track_caller]
fn succeeds(runner: &Runner, ci: Ci, job: Job, tag: &str) -> String {
    let mut logs = String::new();
    for script in scripts(ci, job) {
        // The app of the test has a name of its own.
        let script = script.replace("rollback api", &format!("rollback {}", runner.app));
        let script = script.replace("status api", &format!("status {}", runner.app));
        let output = runner.script(&script, tag);
        let log = log(&output);
        assert!(output.status.success(), "{ci:?} {script}\n{log}");
        logs.push_str(&log);
    }
    logs
}

/// Two deploys and the way back. Returns the logs of all three.
#[track_caller]
fn there_and_back(runner: &Runner, ci: Ci) -> [String; 3] {
    let first = succeeds(runner, ci, Job::Deploy, "v1.0");
    runner.wait_for("1.0");
    let second = succeeds(runner, ci, Job::Deploy, "v1.1");
    runner.wait_for("1.1");
    let back = succeeds(runner, ci, Job::Rollback, "v1.1");
    runner.wait_for("1.0");
    [first, second, back]
}

#[test]
fn those_for_github_with_annotations_and_a_summary() {
    let runner = Runner::new(Ci::GitHub);
    let [_, second, _] = there_and_back(&runner, Ci::GitHub);
    assert!(second.contains("\n::notice title=bgd::") && second.contains("release 2 is live"), "{second}");
    assert!(runner.step_output().ends_with("code=0\n"), "{}", runner.step_output());
    let summary = std::fs::read_to_string(runner.step_summary()).unwrap();
    assert_eq!(summary.matches("\n### ✅ ").count(), 3, "{summary}");
    assert!(summary.contains("| switch | ✓ |") && summary.contains("Rollback to release 1"), "{summary}");

    // By its number, as somebody types it into the form.
    let rollback = scripts(Ci::GitHub, Job::Rollback).pop().unwrap();
    let rollback = rollback.replace("rollback api", &format!("rollback {}", runner.app));
    let output = runner.script(&format!("TO=2\n{rollback}"), "v1.1");
    assert!(output.status.success(), "{}", log(&output));
    runner.wait_for("1.1");
    let output = runner.script(&format!("TO='1 --wait 1s'\n{rollback}"), "v1.1");
    assert_eq!(output.status.code(), Some(2), "{}", log(&output));

    // A bad release, whose log has what would be commands.
    runner.configure("env: { EXIT_AFTER: \"never ##[add-mask]e\\r::add-mask::e\\n \\e[31m::error::e\" }\n");
    let deploy = scripts(Ci::GitHub, Job::Deploy).pop().unwrap();
    let output = runner.script(&deploy, "v1.2");
    let log = log(&output);
    assert_eq!(output.status.code(), Some(6), "{log}");
    assert!(runner.step_output().ends_with("code=6\n"), "{}", runner.step_output());
    assert!(log.contains("\n::error title=bgd%3A not-ready (exit code 6)::"), "{log}");
    let summary = std::fs::read_to_string(runner.step_summary()).unwrap();
    assert!(summary.contains("failed: not-ready") && summary.contains("Exit code 6: not-ready"), "{summary}");
    assert!(
        log.contains("add-mask") && summary.contains("add-mask"),
        "the tail of the log is missing\n{log}"
    );
    for line in log.lines() {
        let own = ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own));
        assert!((own || !line.trim_start().starts_with("::")) && !line.contains("##["), "{line}\n{log}");
    }
    runner.wait_for("1.1");
}

#[test]
fn those_for_gitlab_with_a_summary_and_the_status_as_artifacts() {
    let runner = Runner::new(Ci::GitLab);
    there_and_back(&runner, Ci::GitLab);
    let summary = runner.read("bgd-summary.md");
    assert_eq!(summary.matches("\n### ✅ ").count(), 3, "{summary}");
    // What the page says of the status.
    let status: Value = serde_json::from_str(&runner.read("bgd-status.json")).unwrap();
    assert_eq!(status[0]["live"], 1, "{status:#}");
    assert_eq!(status[0]["problems"], serde_json::json!([]), "{status:#}");
    let page = section("## JSON data");
    for key in status[0].as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{key}`")), "the page has no {key} of status");
    }
    for (script, row) in [("bgd history APP --json", "/0"), ("bgd plan bgd-test/app:1.2 --output json", "")] {
        let output = runner.script(&script.replace("APP", &runner.app), "v1.2");
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str::<Value>(&text);
        let value = value.or_else(|_| serde_json::from_str(text.lines().last().unwrap())).unwrap();
        for key in value.pointer(row).unwrap().as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{key}`")), "the page has no {key} of {script}");
        }
    }
}

#[test]
fn those_for_woodpecker_with_the_summary_in_the_log() {
    let runner = Runner::new(Ci::Woodpecker);
    let [first, _, back] = there_and_back(&runner, Ci::Woodpecker);
    assert!(first.contains("### ✅ ") && first.contains("| switch | ✓ |"), "{first}");
    assert!(back.contains("Rollback to release 1"), "{back}");
}

/// What the page has for a job that comes in over SSH; here the other machine is this one, with nothing of the job's.
#[test]
fn the_way_over_ssh() {
    let runner = Runner::new(Ci::GitHub);
    assert!(runner.script("bgd deploy myorg/api:1.0", "v1.0").status.success());
    std::fs::remove_file(runner.step_summary()).unwrap();
    let ssh = "#!/bin/sh\nshift\nexec env -i PATH=\"$PATH\" HOME=\"$HOME\" BGD_STATE_DIR=\"$BGD_STATE_DIR\" ${DOCKER_HOST:+DOCKER_HOST=\"$DOCKER_HOST\"} sh -c \"cd / && $*\"\n";
    runner.program("ssh", ssh);
    let page = section("## Where bgd runs");
    let script = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let script = script.replace("--app api", &format!("--app {}", runner.app));
    let output = runner.script(&script, "v1.1");
    assert!(output.status.success(), "{}", log(&output));
    runner.wait_for("1.1");
    let summary = std::fs::read_to_string(runner.step_summary()).unwrap();
    assert!(summary.contains("\n### ✅ ") && summary.contains("release 2 is live"), "{summary}");
    // Git lets a tag be named like this.
    let output = runner.script(&script, "v1.2;touch$IFS$HOME/evil;'$(touch$IFS$HOME/evil)'");
    assert_eq!(output.status.code(), Some(2), "{}", log(&output));
    assert!(!runner.step_summary().with_file_name("evil").exists(), "a tag was a command");
    runner.wait_for("1.1");
}

#[test]
fn json_is_one_event_a_line_as_the_page_has_them() {
    let runner = Runner::new(Ci::Woodpecker);
    let output = runner.script("bgd deploy myorg/api:1.0 --yes --output json", "v1.0");
    assert!(output.status.success(), "{}", log(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let first = names.iter().position(|name| *name == "begin").unwrap();
    assert_eq!(names.last(), Some(&"done"), "{text}");
    assert!(names[first..].contains(&"step-started") && names[first..].contains(&"step-done"), "{text}");
    for event in &events {
        let page = section(&format!("### `{}`", event["event"].as_str().unwrap()));
        for key in
            event.as_object().unwrap().keys().filter(|key| !["format", "at", "event"].contains(&key.as_str()))
        {
            assert!(page.contains(&format!("| `{key}` |")), "the page has no {key}: {event}");
        }
    }
}
