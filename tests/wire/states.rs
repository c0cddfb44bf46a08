use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bgd::docker::ImageRemoval;
use bgd::error::Kind;

use crate::fake::{Answer, Daemon, json, recorded, refusal};

#[tokio::test]
async fn what_is_so_already_is_a_success() {
    let daemon = Daemon::start("1.41", |request| match request.method.as_str() {
        "DELETE" => refusal(404, "No such container: api"),
        _ => json(304, ""),
    });
    let engine = daemon.connect().await;
    engine.start("api").await.unwrap();
    engine.stop("api", Duration::from_millis(2500)).await.unwrap();
    engine.remove("api").await.unwrap();
    assert_eq!(
        daemon.asked(),
        [
            "POST /containers/api/start",
            "POST /containers/api/stop?t=3",
            "DELETE /containers/api?v=false&force=true&link=false"
        ]
    );
}

#[tokio::test]
async fn a_removal_in_progress_is_waited_for() {
    let looks = AtomicUsize::new(0);
    let daemon = Daemon::start("1.41", move |request| match request.method.as_str() {
        "DELETE" => refusal(409, "removal of container api is already in progress"),
        _ if looks.fetch_add(1, Ordering::Relaxed) < 3 => json(200, "{}"),
        _ => refusal(404, "No such container: api"),
    });
    daemon.connect().await.remove("api").await.unwrap();
    assert_eq!(daemon.asked().len(), 5);

    let daemon = Daemon::start("1.41", |_| refusal(409, "you cannot remove it, for another reason"));
    let error = daemon.connect().await.remove("api").await.unwrap_err();
    assert!(error.one_line().contains("another reason"), "{}", error.one_line());
    assert_eq!(daemon.asked().len(), 1);
}

#[tokio::test]
async fn a_taken_name_is_told_with_its_holder() {
    let daemon = Daemon::start("1.41", |request| match request.method.as_str() {
        "POST" => refusal(409, "Conflict. The container name is already in use"),
        _ => json(200, &recorded("1.41", "container.json")),
    });
    let engine = daemon.connect().await;
    let error = engine.rename("a", "b").await.unwrap_err();
    assert_eq!(error.to_string(), "cannot rename a to b: the name is in use");
    assert!(error.one_line().contains("bgd-rec:1, running"), "{}", error.one_line());
    let error = engine.create("b", &Default::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot create b: the name is in use");
}

#[tokio::test]
async fn another_conflict_is_told_in_the_engines_words() {
    let daemon = Daemon::start("1.41", |request| match request.method.as_str() {
        "POST" => refusal(409, "conflicting options: port publishing and the container type network mode"),
        _ => refusal(404, "No such container"),
    });
    let error = daemon.connect().await.create("b", &Default::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot create b");
    assert!(error.causes()[0].starts_with("conflicting options"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_grace_period_longer_than_the_clients_limit_is_waited_for() {
    let daemon = Daemon::start("1.41", |_| Answer { after: Duration::from_secs(180), ..json(204, "") });
    let engine = daemon.connect().await;
    engine.stop("api", Duration::from_secs(180)).await.unwrap();
    assert_eq!(daemon.asked(), ["POST /containers/api/stop?t=180"]);
    // And the limit is there: an engine that hangs does not hang bgd.
    let error = engine.start("api").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Docker);
    assert!(error.one_line().contains("did not answer in time"), "{}", error.one_line());
}

#[tokio::test]
async fn an_image_is_removed_without_force_and_one_in_use_is_left() {
    let daemon = Daemon::start("1.41", |request| match request.path.as_str() {
        path if path.starts_with("/images/myorg/api:1?") => json(200, r#"[{"Untagged":"myorg/api:1"}]"#),
        path if path.starts_with("/images/myorg/api:2?") => refusal(404, "No such image: myorg/api:2"),
        path if path.starts_with("/images/myorg/api:3?") => {
            refusal(409, "conflict: unable to remove repository reference (must force)")
        }
        _ => refusal(500, "the disk is on fire"),
    });
    let engine = daemon.connect().await;
    assert_eq!(engine.remove_image("myorg/api:1").await.unwrap(), ImageRemoval::Gone);
    assert_eq!(engine.remove_image("myorg/api:2").await.unwrap(), ImageRemoval::Gone);
    let ImageRemoval::InUse(why) = engine.remove_image("myorg/api:3").await.unwrap() else { panic!() };
    assert!(why.starts_with("conflict: unable to remove"), "{why}");
    let error = engine.remove_image("myorg/api:4").await.unwrap_err();
    assert_eq!(error.one_line(), "cannot remove the image myorg/api:4: the disk is on fire");
    assert_eq!(daemon.asked()[0], "DELETE /images/myorg/api:1?force=false&noprune=true");
    // What is no reference becomes part of no path.
    assert!(engine.remove_image("../containers/api").await.is_err());
    assert_eq!(daemon.asked().len(), 4);
}

#[tokio::test]
async fn images_are_listed_with_their_names_and_what_they_were_built_from() {
    // What engines write where there is no name: the words of older ones, null, and an empty list.
    let listed = r#"[
        {"Id":"sha256:a","ParentId":"","RepoTags":["myorg/api:1","api:x"],"RepoDigests":["myorg/api@sha256:f"]},
        {"Id":"sha256:b","ParentId":"sha256:a","RepoTags":["<none>:<none>"],"RepoDigests":["<none>@<none>"]},
        {"Id":"sha256:c","RepoTags":null,"RepoDigests":[]}]"#;
    let daemon = Daemon::start("1.51", move |_| json(200, listed));
    let images = daemon.connect().await.images().await.unwrap();
    let seen: Vec<_> = images
        .iter()
        .map(|image| (image.id.as_str(), image.parent.as_deref(), image.tags.len(), image.digests.len()))
        .collect();
    assert_eq!(
        seen,
        [("sha256:a", None, 2, 1), ("sha256:b", Some("sha256:a"), 0, 0), ("sha256:c", None, 0, 0)]
    );
    assert_eq!(daemon.asked(), ["GET /images/json?all=true"]);
}
