use std::rc::Rc;

use bgd::docker::PullProgress;
use bgd::model::ImageRef;

use crate::registry::Registry;
use crate::support::{Host, image};

pub async fn an_imported_image_is_found(host: Rc<Host>) {
    let found = host.engine.image(&image()).await.unwrap().unwrap();
    assert!(found.id.starts_with("sha256:"));
    assert_eq!(found.platform, "linux/amd64");
    assert_eq!(found.exposed_ports, ["8080/tcp"]);
    assert_eq!(found.health_test.unwrap(), ["CMD", "/child", "--bgd-child", "exit", "0"]);
    assert_eq!(host.engine.image(&found.id).await.unwrap().unwrap().id, found.id);
    assert_eq!(host.engine.image("bgd-test-no-such-image:1").await.unwrap(), None);
}

fn reference(text: String) -> ImageRef {
    ImageRef::parse(&text).unwrap()
}

async fn remove(host: &Host, image: &ImageRef) {
    host.raw
        .remove_image(&image.to_string(), None::<bollard::query_parameters::RemoveImageOptions>, None)
        .await
        .unwrap();
}

pub async fn a_pull_sends_what_docker_login_stored(host: Rc<Host>) {
    let registry = Registry::start();
    crate::support::write_docker_config(&registry.docker_config());
    let by_tag = reference(format!("{}/team/api:1.0", registry.host));
    let mut last = PullProgress::default();
    host.engine.pull(&by_tag, &mut |progress| last = progress).await.unwrap();
    assert_eq!((last.layers_done, last.layers), (1, 1));
    let pulled = host.engine.image(&by_tag.to_string()).await.unwrap().unwrap();
    let digest = format!("{}/team/api@{}", registry.host, registry.digest);
    assert_eq!(pulled.repo_digests, [digest.clone()]);
    remove(&host, &by_tag).await;

    let by_digest = reference(digest);
    host.engine.pull(&by_digest, &mut |_| {}).await.unwrap();
    assert_eq!(host.engine.image(&by_digest.to_string()).await.unwrap().unwrap().id, pulled.id);
    assert!(!registry.served.lock().unwrap().is_empty());
    remove(&host, &by_digest).await;

    // A registry for which nothing is stored is asked without a password, and says no.
    let other = Registry::start();
    let unknown = reference(format!("{}/team/api:1.0", other.host));
    let error = host.engine.pull(&unknown, &mut |_| {}).await.unwrap_err();
    assert!(
        error.hints().iter().any(|hint| hint.contains(&format!("docker login {}", other.host))),
        "{error:?}"
    );
    assert!(other.served.lock().unwrap().is_empty());
}

pub async fn a_pull_that_fails_says_what_to_do(host: Rc<Host>) {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = reference(format!("{closed}/team/api:1.0"));
    let error = host.engine.pull(&refused, &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().contains(&refused.to_string()), "{error}");
    assert!(error.hints().iter().any(|hint| hint.contains("cannot reach")), "{error:?}");
}
