use bgd::docker::{Address, connect};
use bgd::error::Kind;

use crate::fake::{Daemon, json, recorded, refusal};

fn about(api: &str, least: &str) -> String {
    format!(r#"{{"Version": "0", "ApiVersion": "{api}", "MinAPIVersion": "{least}", "Os": "linux"}}"#)
}

#[tokio::test]
async fn every_request_is_pinned_to_the_version_that_was_agreed_on() {
    for (version, api) in [("1.41", (1, 41)), ("1.51", (1, 51))] {
        let daemon = Daemon::start(version, |request| match request.method.as_str() {
            "GET" => json(404, "{}"),
            _ => json(204, ""),
        });
        let engine = daemon.connect().await;
        assert_eq!(engine.info().api, api);
        assert!(matches!(&engine.info().address, Address::Unix(path) if path.ends_with("docker.sock")));
        engine.start("a").await.unwrap();
        engine.container("a").await.unwrap();
        let requests = daemon.requests.lock().unwrap();
        // What the engine is, and its defaults, are asked for before there is anything to agree on.
        let (mut first, later): (Vec<_>, Vec<_>) =
            requests.iter().partition(|request| matches!(request.path.as_str(), "/version" | "/info"));
        first.sort_by(|one, other| one.path.cmp(&other.path));
        let first: Vec<_> =
            first.iter().map(|request| (request.path.as_str(), request.version.as_str())).collect();
        assert_eq!(first, [("/info", ""), ("/version", "")]);
        assert!(later.len() >= 2 && later.iter().all(|request| request.version == version), "{later:?}");
    }
}

#[tokio::test]
async fn an_engine_from_the_future_is_spoken_to_in_the_newest_version_that_is_known() {
    let daemon = Daemon::bare(|_| json(200, &about("1.99", "1.44")));
    assert_eq!(daemon.connect().await.info().api, (1, 52));
}

#[tokio::test]
async fn engines_out_of_range_are_refused_with_both_numbers() {
    for (api, least, numbers) in [("1.40", "1.12", ["1.40", "1.41"]), ("1.99", "1.60", ["1.60", "1.52"])] {
        let daemon = Daemon::bare(move |_| json(200, &about(api, least)));
        let error = connect(Some(&daemon.address)).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Docker);
        assert!(numbers.iter().all(|number| error.to_string().contains(number)), "{error}");
        assert!(error.hints()[0].contains("upgrade"), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_no_docker_engine_is_told_apart() {
    let scripts: [fn() -> crate::fake::Answer; 3] =
        [|| refusal(404, "page not found"), || json(200, "<html>"), || json(200, "{}")];
    for script in scripts {
        let daemon = Daemon::bare(move |_| script());
        let error = connect(Some(&daemon.address)).await.err().unwrap();
        assert!(error.hints().iter().any(|hint| hint.contains("DOCKER_HOST")), "{error:?}");
    }
}

#[tokio::test]
async fn windows_containers_are_refused() {
    let version = recorded("1.51", "version.json").replace("\"linux\"", "\"windows\"");
    let daemon = Daemon::bare(move |_| json(200, &version));
    let error = connect(Some(&daemon.address)).await.err().unwrap();
    assert!(error.to_string().contains("windows"), "{error}");
}

#[tokio::test]
async fn a_socket_that_does_not_answer_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("unix://{}", folder.path().join("none").display());
    let stale = folder.path().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for host in [missing, format!("unix://{}", stale.display()), format!("tcp://{closed}")] {
        let error = connect(Some(&host)).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Docker);
        assert!(error.to_string().contains(&host), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("daemon running")), "{error:?}");
    }
}
