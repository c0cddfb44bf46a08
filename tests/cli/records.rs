use std::time::Duration;

use bgd::model::{AppName, Outcome};

use crate::host::{CONFIG, Host, failed, taken_back};

async fn one_app() -> Host {
    let host = Host::new();
    let (failed, taken_back) = ((failed(), false), (taken_back(), false));
    host.record("api", &[(Outcome::Deployed, true), failed, (Outcome::Deployed, true), taken_back]).await;
    host
}

#[tokio::test]
async fn history_lists_releases_as_text_and_as_json() {
    let host = one_app().await;
    insta::assert_snapshot!("history", host.show(&["history"]));
    insta::assert_snapshot!("history-json", host.show(&["history", "api", "--json"]));
    let json = host.run(&["history", "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn show_tells_everything_but_secrets() {
    insta::assert_snapshot!("show", one_app().await.show(&["show", "api", "3"]));
}

#[tokio::test]
async fn what_is_not_recorded_is_said_with_what_is() {
    let host = one_app().await;
    let mut text = String::new();
    let asked: [&[&str]; 6] = [
        &["show", "api", "9"],
        &["show", "web", "1"],
        &["history", "web"],
        &["rollback", "web"],
        &["rollback", "api", "--to", "9"],
        &["deploy", "myorg/web:1"],
    ];
    for args in asked {
        text.push_str(&host.show(args));
        text.push('\n');
    }
    insta::assert_snapshot!("unknown", text);
}

#[tokio::test]
async fn of_several_apps_one_has_to_be_named() {
    let host = one_app().await;
    host.record("web", &[(Outcome::Deployed, true)]).await;
    let mut text = String::new();
    for args in [["history"].as_slice(), &["rollback"], &["recover"]] {
        text.push_str(&host.show(args));
        text.push('\n');
    }
    insta::assert_snapshot!("several", text);
    std::fs::write(host.path().join("bgd.yaml"), CONFIG).unwrap();
    assert!(host.run(&["history"]).status.success(), "the folder's own app is not taken");
}

#[test]
fn with_nothing_deployed_every_command_says_so() {
    let host = Host::new();
    let mut text = String::new();
    for args in [["history"].as_slice(), &["rollback"], &["recover"], &["show", "api", "1"]] {
        text.push_str(&host.show(args));
        text.push('\n');
    }
    insta::assert_snapshot!("nothing", text);
}

#[tokio::test]
async fn without_docker_the_code_is_5_and_the_address_is_named() {
    let host = one_app().await;
    std::fs::write(host.path().join("bgd.yaml"), CONFIG).unwrap();
    let mut text = String::new();
    for args in [["status"].as_slice(), &["deploy", "myorg/api:1"], &["rollback"], &["plan", "myorg/api:1"]] {
        assert_eq!(host.run(args).status.code(), Some(5), "{args:?}");
        text.push_str(&host.show(args));
        text.push('\n');
    }
    insta::assert_snapshot!("no-docker", text);
}

#[tokio::test]
async fn an_app_that_is_being_changed_is_refused_and_the_holder_is_named() {
    let host = one_app().await;
    std::fs::write(host.path().join("bgd.yaml"), CONFIG).unwrap();
    let name = AppName::parse("api").unwrap();
    let held = host.store().app(&name).lock(Duration::ZERO).await.unwrap();
    for args in [["deploy", "myorg/api:1"].as_slice(), &["rollback"]] {
        let output = host.run(args);
        assert_eq!(output.status.code(), Some(4), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains("hint: "), "{text}");
    }
    drop(held);
    assert_eq!(host.run(&["rollback"]).status.code(), Some(5));
}
