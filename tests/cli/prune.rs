use std::os::unix::fs::symlink;
use std::time::Duration;

use bgd::model::{AppName, Outcome, ReleaseNumber};
use jiff::Timestamp;

use crate::host::Host;

fn api() -> AppName {
    AppName::parse("api").unwrap()
}

#[tokio::test]
async fn without_apps_there_is_nothing_to_prune_and_without_docker_nothing_goes() {
    let host = Host::new();
    let mut text = host.show(&["prune"]);
    text.push_str(&host.show(&["prune", "api"]));
    host.record("api", &[(Outcome::Deployed, true), (Outcome::Deployed, true)]).await;
    text.push_str(&host.show(&["prune", "api", "--keep", "1", "--yes"]));
    insta::assert_snapshot!("prune", text);
    assert_eq!(host.store().app(&api()).numbers().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_not_as_bgd_left_it_is_named_and_never_taken_for_a_record() {
    let host = Host::new();
    host.record("api", &vec![(Outcome::Deployed, true); 5]).await;
    let folder = host.path().join("state/apps/api");
    let releases = folder.join("releases");
    let newer = std::fs::read_to_string(releases.join("2.json")).unwrap().replace("\"1.0\"", "\"2.0\"");
    std::fs::write(releases.join("2.json"), newer).unwrap();
    let outside = host.path().join("3.json");
    std::fs::rename(releases.join("3.json"), &outside).unwrap();
    symlink(&outside, releases.join("3.json")).unwrap();
    std::fs::copy(releases.join("4.json"), releases.join("6.json")).unwrap();
    std::fs::copy(releases.join("4.json"), releases.join("04.json")).unwrap();
    std::fs::write(releases.join("notes.txt"), "mine").unwrap();
    std::fs::create_dir(folder.join("journals")).unwrap();
    std::fs::write(folder.join("journals/1700000000000000.jsonl"), "").unwrap();
    symlink(&outside, folder.join("journals/1700000000000001.jsonl")).unwrap();

    let survey = host.store().app(&api()).survey().unwrap();
    let numbers = |list: &[bgd::model::Release]| list.iter().map(|one| one.number.0).collect::<Vec<_>>();
    assert_eq!(numbers(&survey.releases), [1, 4, 5]);
    assert_eq!(numbers(&survey.fixed), [3]);
    assert_eq!(survey.unread.iter().map(|number| number.0).collect::<Vec<_>>(), [2, 6]);
    assert_eq!(survey.journals, [Timestamp::from_microsecond(1_700_000_000_000_000).unwrap()]);
    let mut odd: Vec<String> = survey
        .odd
        .iter()
        .map(|(path, why)| format!("{}: {why}", path.file_name().unwrap().to_string_lossy()))
        .collect();
    odd.sort();
    let shown = odd.join("\n").replace(&host.path().display().to_string(), "[folder]");
    insta::assert_snapshot!("odd", shown);

    let records = host.store().app(&api()).lock(Duration::ZERO).await.unwrap();
    let ended: Vec<Timestamp> = survey.journals.clone();
    records.remove(&[ReleaseNumber(1), ReleaseNumber(9)], &ended).unwrap();
    assert!(outside.exists() && !folder.join("journals/1700000000000000.jsonl").exists());
    assert_eq!(numbers(&records.survey().unwrap().releases), [4, 5]);
}

#[tokio::test]
async fn history_and_show_are_right_when_numbers_are_missing() {
    let host = Host::new();
    host.record("api", &vec![(Outcome::Deployed, true); 6]).await;
    let records = host.store().app(&api()).lock(Duration::ZERO).await.unwrap();
    records.remove(&[1, 2, 4].map(ReleaseNumber), &[]).unwrap();
    let listed = host.run(&["history", "api", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let numbers: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| row["release"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [6, 5, 3]);
    assert_eq!(rows[0]["live"], true);
    assert!(host.run(&["show", "api", "3"]).status.success());
    assert_eq!(host.run(&["show", "api", "4"]).status.code(), Some(2));
}
