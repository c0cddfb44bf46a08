use std::time::Duration;

use super::*;
use crate::error::Detail;
use crate::event::Failure;
use crate::model::{AppName, ReleaseNumber, Slot};
use crate::record::Cause;
use crate::step::Step;

fn api() -> AppName {
    AppName::parse("api").unwrap()
}

fn begin(cause: Cause, release: u32, former: Option<u32>) -> Event {
    Event::Begin {
        app: api(),
        cause,
        release: ReleaseNumber(release),
        image: format!("myorg/api:1.{release}"),
        slot: Slot::Green,
        former: former.map(ReleaseNumber),
        steps: vec![Step::Create, Step::Switch],
    }
}

fn done(step: Step, message: &str) -> Event {
    Event::StepDone { step, took: Duration::from_millis(24), message: message.to_owned() }
}

fn failure(class: &'static str, code: u8) -> Event {
    Event::Failed(Failure {
        class,
        code,
        message: "green's | smoke test failed".to_owned(),
        causes: vec!["GET /x answered <b>500</b>".to_owned()],
        details: vec![Detail {
            title: "last 2 lines of api-green".to_owned(),
            text: "\u{1b}[31mred\u{1b}[0m\n```\n# out".to_owned(),
        }],
        hints: vec!["look: bgd show api 2".to_owned()],
        places: Vec::new(),
    })
}

/// What a summary of these events says.
fn told(events: Vec<Event>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.md");
    std::fs::write(&path, "what was there").unwrap();
    let summary = Summary::asked_for(&path).unwrap();
    for event in events {
        summary.event(event);
    }
    summary.write().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    text.strip_prefix("what was there\n").unwrap().to_owned()
}

#[test]
fn a_deploy_is_told_with_its_steps_the_pull_before_it_included() {
    let events = vec![
        done(Step::Pull, "myorg/api:1.2"),
        begin(Cause::Deploy, 2, Some(1)),
        done(Step::Create, "api-green"),
        Event::Warning { message: "a*b".to_owned(), remedy: Some("see c|d".to_owned()) },
        done(Step::Switch, ""),
        Event::Done {
            app: api(),
            release: ReleaseNumber(2),
            slot: Slot::Green,
            took: Duration::from_secs(2),
            next: vec!["go back with: bgd rollback api".to_owned()],
        },
    ];
    insta::assert_snapshot!("deployed", told(events));
}

#[test]
fn a_failure_is_told_with_its_causes_texts_and_hints_and_nothing_is_markup() {
    let events = vec![
        begin(Cause::Deploy, 2, None),
        done(Step::Create, "api-green"),
        Event::StepFailed { step: Step::Smoke, reason: "a|b\nc".to_owned() },
        Event::Undoing { step: Step::Create, message: "remove api-green".to_owned() },
        failure("smoke", 7),
    ];
    insta::assert_snapshot!("failed", told(events));
}

#[test]
fn the_title_says_how_it_ended() {
    let title = |events| told(events).lines().next().unwrap_or_default().to_owned();
    assert_eq!(title(Vec::new()), "### ✅ bgd: nothing was deployed");
    assert_eq!(title(vec![failure("locked", 4)]), "### ❌ bgd: green's \\| smoke test failed");
    let after = |class, code| title(vec![begin(Cause::Deploy, 2, None), failure(class, code)]);
    assert_eq!(after("rolled-back", 9), "### ❌ api: release 2 was live and was taken back");
    assert_eq!(after("stuck", 12), "### ❌ api: release 2 is stuck: a person has to look at it");
    assert_eq!(after("not-ready", 6), "### ❌ api: release 2 failed: not-ready");
}

#[test]
fn an_adoption_and_the_deploy_after_it_are_two_tables() {
    let events = vec![
        begin(Cause::Adopt, 0, None),
        done(Step::Switch, ""),
        begin(Cause::Deploy, 1, Some(0)),
        done(Step::Create, "api-green"),
    ];
    let text = told(events);
    assert_eq!(text.matches("| step |").count(), 2, "{text}");
    assert!(text.contains("Adoption as release 0") && text.contains("Deploy of release 1"), "{text}");
}

#[test]
fn a_flood_of_warnings_is_cut() {
    let warning = |n| Event::Warning { message: format!("{n} {}", "x".repeat(9_000)), remedy: None };
    let text = told((0..1_000).map(warning).collect());
    assert!(text.len() < 1 << 18, "{} bytes", text.len());
    assert!(text.contains("and 950 more"), "{}", &text[text.len() - 200..]);
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_and_a_lost_one_told_after() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none/summary.md"), folder.path().to_owned()] {
        let error = Summary::asked_for(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(!error.causes().is_empty() && !error.hints().is_empty());
    }
    let path = folder.path().join("gone/summary.md");
    std::fs::create_dir(folder.path().join("gone")).unwrap();
    let summary = Summary::asked_for(&path).unwrap();
    std::fs::remove_dir_all(folder.path().join("gone")).unwrap();
    assert!(summary.write().unwrap_err().to_string().contains("summary.md"));
}

#[test]
fn a_pipe_that_nobody_reads_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(Summary::asked_for(&path).is_err());
}
