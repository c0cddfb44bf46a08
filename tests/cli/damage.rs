//! A journal or a record that is torn, damaged, of a newer bgd's or gone: each has an answer, and nothing is touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bgd::model::{AppName, Outcome};

use crate::host::{CONFIG, Host};

const BEGIN: &str = r#"{"begin":{"format":"1.0","at":"2026-01-03T10:00:00Z","cause":"deploy","release":RELEASE,"former":2,"steps":["create","start","switch","record"]}}"#;
const STARTED: &str = r#"{"step":{"at":"2026-01-03T10:00:01Z","step":"create","happened":"started"}}"#;

fn begin(release: u32) -> String {
    BEGIN.replace("RELEASE", &release.to_string())
}

/// Two good releases and a third whose deploy did not end.
async fn interrupted(journal: &[u8]) -> Host {
    let host = Host::with_config(CONFIG);
    let deployed = || (Outcome::Deployed, true);
    host.record("api", &[deployed(), deployed(), (Outcome::Unfinished, false)]).await;
    std::fs::write(journal_of(&host), journal).unwrap();
    host
}

fn journal_of(host: &Host) -> PathBuf {
    host.store().app(&AppName::parse("api").unwrap()).journal_path()
}

/// All files of the records but locks, with what is in them.
fn files(host: &Host) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path if path.ends_with("lock") => {}
                path => drop(found.insert(path.clone(), std::fs::read(path).unwrap())),
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&host.path().join("state"), &mut found);
    found
}

/// Asserts that every command that would follow the journal is refused with this, and leaves everything as it is.
fn refused(host: &Host, what: &str, text: &mut String) {
    let before = files(host);
    text.push_str(&format!("## {what}\n{}\n", host.show(&["recover", "api"])));
    for args in [["deploy", "myorg/api:1"].as_slice(), &["rollback", "api"], &["plan", "myorg/api:1"]] {
        let output = host.run(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(12), "{what}, {args:?}: {error}");
        assert!(error.contains("journal") && error.contains("hint: "), "{what}, {args:?}: {error}");
    }
    assert!(host.run(&["history", "api"]).status.success(), "{what}");
    assert_eq!(files(host), before, "{what}: something was changed");
}

#[tokio::test]
async fn a_journal_that_cannot_be_followed_is_refused_with_a_remedy() {
    let mut text = String::new();
    refused(&interrupted(b"\xff\xfe no journal").await, "garbage", &mut text);
    let newer = b"{\"begin\":{\"format\":\"2.0\",\"what\":1}}\n";
    refused(&interrupted(newer).await, "a newer format", &mut text);
    let damaged = format!("{}\n#{STARTED}\n{STARTED}\n", begin(3));
    refused(&interrupted(damaged.as_bytes()).await, "a damaged line", &mut text);
    let host = interrupted(b"").await;
    std::fs::remove_file(journal_of(&host)).unwrap();
    std::fs::create_dir(journal_of(&host)).unwrap();
    refused(&host, "unreadable", &mut text);
    insta::assert_snapshot!("journal-refused", text);
}

#[tokio::test]
async fn a_journal_whose_record_is_gone_or_damaged_is_refused_with_a_remedy() {
    let mut text = String::new();
    let journal = format!("{}\n{STARTED}\n", begin(9));
    text.push_str(&interrupted(journal.as_bytes()).await.show(&["recover", "api"]));
    let host = interrupted(format!("{}\n{STARTED}\n", begin(3)).as_bytes()).await;
    let record = host.path().join("state/apps/api/releases/3.json");
    let whole = std::fs::read(&record).unwrap();
    std::fs::write(&record, &whole[..whole.len() / 2]).unwrap();
    let before = files(&host);
    text.push_str(&host.show(&["recover", "api"]));
    text.push_str(&host.show(&["history", "api"]));
    assert_eq!(files(&host), before);
    insta::assert_snapshot!("record-damaged", text);
}

/// Nothing had been announced, so nothing had been done; the release that was recorded is told as what it is.
#[tokio::test]
async fn a_journal_without_a_whole_line_means_that_nothing_was_begun() {
    let line = begin(3);
    let mut text = String::new();
    for journal in [b"".as_slice(), &line.as_bytes()[..1], &line.as_bytes()[..40], line.as_bytes(), &[0; 64]]
    {
        let host = interrupted(journal).await;
        let told = host.show(&["recover", "api"]);
        // From there on it looks whether what is live is as recorded, which takes Docker.
        assert!(told.contains("interrupted before its first step"), "{journal:?}: {told}");
        text = told + &host.show(&["history", "api"]);
        assert!(text.contains("interrupted before its first step"), "{journal:?}: {text}");
        assert!(!host.show(&["recover", "api"]).contains("first step"), "it is told twice");
    }
    insta::assert_snapshot!("never-begun", text);
}

#[tokio::test]
async fn a_deploy_that_had_ended_needs_only_its_journal_moved_away() {
    let ended = format!(
        "{}\n{STARTED}\n{}\n",
        begin(9),
        r#"{"end":{"at":"2026-01-03T10:00:02Z","ending":"completed"}}"#
    );
    let host = interrupted(ended.as_bytes()).await;
    let told = host.show(&["recover", "api"]);
    // From there on it looks whether what is live is as recorded, which takes Docker.
    assert!(told.contains("exit code: 5"), "{told}");
    assert!(!journal_of(&host).exists());
    assert_eq!(std::fs::read_dir(host.path().join("state/apps/api/journals")).unwrap().count(), 1);
}

/// As records look after the clock was set back.
#[tokio::test]
async fn records_from_the_future_are_listed_by_their_number() {
    let host = interrupted(b"").await;
    std::fs::remove_file(journal_of(&host)).unwrap();
    for (path, bytes) in files(&host) {
        let text = String::from_utf8(bytes).unwrap();
        std::fs::write(
            path,
            text.replace("2026-01-01T", "2036-01-01T").replace("2026-01-02T", "2035-01-02T"),
        )
        .unwrap();
    }
    let output = host.run(&["history", "api", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let numbers: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| row["release"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(rows[1]["live"], true, "{rows:#}");
    assert_eq!(host.run(&["rollback", "api"]).status.code(), Some(5), "it comes as far as Docker");
}
