//! bgd as a CI runs it, without a terminal and without Docker: annotations, the summary, and what they must not carry.

use std::process::Output;

use bgd::model::Outcome;

use crate::host::{CONFIG, Host};

/// Runs bgd as GitHub's runner does, in the checkout.
fn on_github(host: &Host, args: &[&str]) -> Output {
    let mut command = host.command(args);
    command
        .env("CI", "true")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", host.path())
        .env("GITHUB_STEP_SUMMARY", host.path().join("step.md"));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn file(host: &Host, name: &str) -> String {
    std::fs::read_to_string(host.path().join(name)).unwrap_or_default()
}

#[test]
fn faults_of_a_configuration_are_annotated_at_their_lines() {
    let wrong = CONFIG.replace("port: 3000", "prot: 3000").replace("upstream:", "upstrem:");
    let host = Host::with_config(&format!("{wrong}retire: maybe\n"));
    let output = on_github(&host, &["validate"]);
    insta::assert_snapshot!("annotated", host.shown(&["validate"], &output));
    // Beneath the checkout, wherever bgd was started.
    std::fs::create_dir(host.path().join("deploy")).unwrap();
    std::fs::rename(host.path().join("bgd.yaml"), host.path().join("deploy/bgd.yaml")).unwrap();
    let mut command = host.command(&["deploy", "myorg/api:1"]);
    command.current_dir(host.path().join("deploy"));
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", host.path());
    let output = command.output().unwrap();
    let told = text(&output.stderr);
    assert!(told.contains("\n::error file=deploy/bgd.yaml,line=3,col=1,title="), "{told}");
}

/// What comes from a form may be no argument, and no command of the runner's either.
#[test]
fn a_command_line_that_cannot_be_read_is_annotated() {
    let host = Host::with_config(CONFIG);
    let output = on_github(&host, &["rollback", "--to", "x\n::set-output name=a::b"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    let commands: Vec<&str> = told.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    let [annotation] = commands.as_slice() else { panic!("{told}") };
    assert!(annotation.starts_with("::error title=bgd%3A usage (exit code 2)::invalid value"), "{told}");
    let help = on_github(&host, &["rollback", "--help"]);
    assert!(help.status.success() && !text(&help.stderr).contains("::"), "{}", text(&help.stderr));
}

#[test]
fn faults_in_a_compose_project_are_annotated_in_their_file() {
    let host = Host::new();
    let project = "name: shop\nservices:\n  api:\n    image: a/b\n    x-bgd:\n      prot: 3000\n  web:\n    image: a/c\n    x-bgd: { port: x }\n";
    std::fs::write(host.path().join("compose.yaml"), project).unwrap();
    let output = on_github(&host, &["validate"]);
    let told = text(&output.stderr);
    let places: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("::error file=")).collect();
    assert!(places.iter().any(|place| place.starts_with("compose.yaml,line=6,col=7,")), "{told}");
    assert!(places.iter().any(|place| place.starts_with("compose.yaml,line=9,")), "both services: {told}");
}

#[tokio::test]
async fn a_failure_is_annotated_and_summed_up_and_json_stays_json() {
    let host = Host::with_config(CONFIG);
    let output = on_github(&host, &["deploy", "myorg/api:1", "--output", "json"]);
    assert_eq!(output.status.code(), Some(5));
    for line in text(&output.stdout).lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let told = text(&output.stderr);
    assert!(told.contains("\n::error title=bgd%3A docker (exit code 5)::"), "{told}");
    let summary = file(&host, "step.md");
    assert!(summary.contains("Exit code 5: docker") && summary.contains("**Error:**"), "{summary}");
    // The one that was asked for is written in its place.
    let output = on_github(&host, &["rollback", "--summary", "own.md"]);
    assert_eq!(output.status.code(), Some(10));
    assert_eq!(file(&host, "step.md"), summary);
    assert!(file(&host, "own.md").contains("Exit code 10: nothing-to-roll-back"));
    // And appended to.
    on_github(&host, &["rollback", "--summary", "own.md"]);
    assert_eq!(file(&host, "own.md").matches("Exit code 10").count(), 2);
}

/// As over SSH, where the job's file is on another machine: `ssh host bgd … --summary - >> "$GITHUB_STEP_SUMMARY"`.
#[test]
fn a_summary_on_standard_output_is_all_that_is_there() {
    let host = Host::new();
    let output = host.run(&["rollback", "--summary", "-"]);
    let told = text(&output.stdout);
    assert!(told.starts_with("\n### ❌ bgd: ") && told.ends_with("nothing-to-roll-back\n\n"), "{told}");
    assert!(text(&output.stderr).starts_with("error: "));
    let both = host.run(&["rollback", "--summary", "-", "--output", "json"]);
    assert_eq!(both.status.code(), Some(2));
    for line in text(&both.stdout).lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn without_a_runner_nothing_is_annotated_and_no_summary_is_written() {
    let host = Host::with_config(CONFIG);
    let output = host.run(&["deploy", "myorg/api:1"]);
    assert!(!text(&output.stderr).contains("::"), "{}", text(&output.stderr));
    for args in [["validate"].as_slice(), &["history"]] {
        on_github(&host, args);
    }
    assert!(!host.path().join("step.md").exists(), "a command that changes nothing wrote a summary");
}

#[test]
fn a_summary_that_cannot_be_written_is_refused_when_it_was_asked_for_and_else_told() {
    let host = Host::with_config(CONFIG);
    let mut shown = host.show(&["deploy", "myorg/api:1", "--summary", "none/summary.md"]);
    assert!(shown.contains("exit code: 2"), "{shown}");
    assert!(!host.path().join("state").exists(), "something was done before it was refused");
    let mut command = host.command(&["rollback"]);
    command.env("GITHUB_STEP_SUMMARY", host.path().join("none/step.md"));
    shown.push_str(&host.shown(&["rollback"], &command.output().unwrap()));
    assert!(shown.contains("exit code: 10"), "the summary decided how it ended: {shown}");
    insta::assert_snapshot!("summary-refused", shown);
}

/// No line that a runner would obey: `::name …::` at its start, or `##[name …]` anywhere.
fn assert_no_command(told: &str, args: &[&str]) {
    for line in told.lines() {
        let own = ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own));
        assert!(own || !line.trim_start().starts_with("::"), "{args:?}: {line}");
        assert!(!line.contains("##["), "{args:?}: {line}");
    }
}

#[tokio::test]
async fn no_text_from_outside_commands_the_runner() {
    let evil = "broken\n::add-mask::e\r  ::set-env name=PATH::/evil\n##[add-mask]e \u{1b}[31m";
    let host = Host::with_config(CONFIG);
    let failed = Outcome::Failed { reason: evil.to_owned() };
    host.record("api", &[(Outcome::Deployed, true), (failed, false)]).await;
    let commands: [&[&str]; 8] = [
        &["history"],
        &["history", "--json"],
        &["show", "api", "2"],
        &["show", "api", evil],
        &["deploy", evil],
        &["deploy", "--app", "##[add-mask]e"],
        &["rollback", "--output", "json"],
        &["validate", "-f", evil],
    ];
    for args in commands {
        let output = on_github(&host, args);
        let told = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
        assert!(
            told.contains("evil") || told.contains("add-mask") || args[0] == "rollback",
            "{args:?}: {told}"
        );
        assert_no_command(&told, args);
        assert!(!told.contains('\u{1b}'), "{args:?}: {told}");
    }
    let rows = on_github(&host, &["history", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&rows.stdout).unwrap();
    assert!(rows.to_string().contains("##[add-mask]e"), "the value of JSON was changed: {rows}");
    assert!(text(&host.run(&["history"]).stdout).contains("##[add-mask]e"), "changed where nobody obeys");
}

#[tokio::test]
async fn no_escape_byte_without_a_terminal_whatever_is_asked_for() {
    let host = Host::with_config(CONFIG);
    let coloured = Outcome::Failed { reason: "\u{1b}[31mred\u{1b}[0m".to_owned() };
    host.record("api", &[(Outcome::Deployed, true), (coloured, false)]).await;
    let forced: [&[(&str, &str)]; 6] = [
        &[],
        &[("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("CLICOLOR", "1")],
        &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("CLICOLOR_FORCE", "1")],
        &[("CI", "true"), ("GITLAB_CI", "true"), ("FORCE_COLOR", "3")],
        &[("CI", "woodpecker"), ("CLICOLOR_FORCE", "1")],
        &[("TERM", "dumb"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")],
    ];
    let commands: [&[&str]; 9] = [
        &["--help"],
        &["deploy", "--help"],
        &["deplo"],
        &["history"],
        &["history", "api", "--json"],
        &["rollback"],
        &["deploy", "myorg/api:1", "--output", "line"],
        &["recover", "--output", "json"],
        &["status", "--watch"],
    ];
    for vars in forced {
        for args in commands {
            let output = host.command(args).envs(vars.iter().copied()).output().unwrap();
            for bytes in [&output.stdout, &output.stderr] {
                assert!(!bytes.contains(&0x1b), "{vars:?} {args:?}: {}", String::from_utf8_lossy(bytes));
            }
        }
    }
}
