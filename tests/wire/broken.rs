use std::time::Duration;

use bgd::error::Kind;

use crate::fake::{Daemon, bytes, json, recorded};

#[tokio::test]
async fn an_engine_that_dies_in_the_middle_of_an_answer_is_an_error_and_never_a_result() {
    // The whole answer is announced, half of it comes.
    let whole = json(200, &recorded("1.41", "container.json")).bytes;
    let half = whole[..whole.len() / 2].to_vec();
    let daemon = Daemon::start("1.41", move |_| bytes(&half));
    let engine = daemon.connect().await;
    let error = engine.container("api").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Docker);
    assert!(error.to_string().contains("api"), "{error}");
    assert!(engine.containers(&[]).await.is_err());
    assert!(engine.create("api", &Default::default()).await.is_err());
}

#[tokio::test]
async fn an_engine_that_closes_the_connection_is_an_error_of_every_action() {
    let daemon = Daemon::start("1.51", |_| bytes(b""));
    let engine = daemon.connect().await;
    let errors = [
        engine.start("api").await.err(),
        engine.stop("api", Duration::from_secs(1)).await.err(),
        engine.remove("api").await.err(),
        engine.rename("api", "b").await.err(),
        engine.signal("api", "HUP").await.err(),
        engine.create("api", &Default::default()).await.err(),
        engine.container("api").await.err(),
        engine.download("api", "/x").await.err(),
        engine.upload("api", "/x", Vec::new()).await.err(),
        engine.exec("api", &["/x".to_owned()], Duration::from_secs(9)).await.err(),
        engine.attach("api", &Default::default(), None).await.err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert_eq!(error.kind(), Kind::Docker);
        assert!(error.one_line().contains("api"), "{}", error.one_line());
    }
    // The log is there to explain something else, so it says why it is not there.
    assert!(engine.log_tail("api", 5).await.unwrap().contains("cannot be read"));
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_an_error() {
    let daemon = Daemon::start("1.41", |_| bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\nhalf"));
    assert!(daemon.connect().await.download("api", "/x").await.is_err());
}
