use bgd::model::{ContainerSpec, NetworkAttachment, Secret};

use crate::fake::{Daemon, json, refusal};

fn spec() -> ContainerSpec {
    let network =
        |name: &str| NetworkAttachment { name: name.into(), aliases: vec!["api".into()], ipv4: None };
    ContainerSpec {
        image: "api:1".into(),
        networks: vec![network("front"), network("back"), network("logs")],
        env: [("TOKEN".to_owned(), Secret::new("hunter2"))].into(),
        ..Default::default()
    }
}

fn endpoints(daemon: &Daemon) -> Vec<String> {
    let requests = daemon.requests.lock().unwrap();
    let create = requests.iter().find(|request| request.path.starts_with("/containers/create")).unwrap();
    let body: serde_json::Value = serde_json::from_str(&create.body).unwrap();
    assert_eq!(body["HostConfig"]["NetworkMode"], "front");
    let mut names: Vec<_> =
        body["NetworkingConfig"]["EndpointsConfig"].as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_old_engine_is_given_one_network_and_connected_to_the_others() {
    let daemon = Daemon::start("1.41", |request| match request.path.split('?').next().unwrap() {
        "/containers/create" => json(201, r#"{"Id": "abc", "Warnings": []}"#),
        _ => json(200, ""),
    });
    assert_eq!(daemon.connect().await.create("api", &spec()).await.unwrap(), "abc");
    assert_eq!(endpoints(&daemon), ["front"]);
    assert_eq!(daemon.asked()[1..], ["POST /networks/back/connect", "POST /networks/logs/connect"]);
    let connect = daemon.requests.lock().unwrap().last().unwrap().body.clone();
    assert!(
        connect.contains(r#""Container":"abc""#) && connect.contains(r#""Aliases":["api"]"#),
        "{connect}"
    );
}

#[tokio::test]
async fn a_current_engine_is_given_all_networks_at_once() {
    let daemon = Daemon::start("1.51", |_| json(201, r#"{"Id": "abc", "Warnings": []}"#));
    daemon.connect().await.create("api", &spec()).await.unwrap();
    assert_eq!(endpoints(&daemon), ["back", "front", "logs"]);
    assert_eq!(daemon.asked().len(), 1);
}

#[tokio::test]
async fn a_container_that_cannot_be_connected_is_removed_again() {
    let daemon = Daemon::start("1.41", |request| match request.path.split('?').next().unwrap() {
        "/containers/create" => json(201, r#"{"Id": "abc", "Warnings": []}"#),
        "/networks/logs/connect" => refusal(404, "network logs not found"),
        _ => json(200, ""),
    });
    let error = daemon.connect().await.create("api", &spec()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect api to the network logs");
    assert_eq!(error.causes(), ["network logs not found"]);
    assert!(daemon.asked().last().unwrap().starts_with("DELETE /containers/abc?"), "{:?}", daemon.asked());
}

#[tokio::test]
async fn a_refusal_that_quotes_the_environment_is_shown_without_it() {
    let daemon = Daemon::start("1.51", |_| refusal(400, "invalid environment variable: TOKEN=hunter2"));
    let error = daemon.connect().await.create("api", &spec()).await.unwrap_err();
    assert_eq!(error.one_line(), "cannot create api: invalid environment variable: TOKEN=***");
}

#[tokio::test]
async fn a_missing_image_says_how_to_get_it() {
    let daemon = Daemon::start("1.51", |_| refusal(404, "No such image: api:1"));
    let error = daemon.connect().await.create("api", &spec()).await.unwrap_err();
    assert_eq!(error.hints(), ["`docker pull api:1`"]);
}
