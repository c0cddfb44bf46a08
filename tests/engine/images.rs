use std::rc::Rc;

use bgd::docker::fake::{Behaviour, Fake};
use bgd::docker::{Engine, ImageRemoval, PullProgress};
use bgd::model::{ContainerSpec, ImageRef};

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

/// What is left of an image whose tags are taken one by one, while a container uses it and when none does any more.
async fn removals(engine: &dyn Engine, host: &Host, tags: &[String; 2]) -> Vec<String> {
    let [one, other] = tags;
    let id = engine.image(one).await.unwrap().unwrap().id;
    let mut lines = Vec::new();
    let mut say = |what: &str, removal: ImageRemoval| {
        // The engine's own words differ from version to version.
        let said = if removal == ImageRemoval::Gone { "gone" } else { "in use" };
        lines.push(format!("{what}: {said}"));
    };
    let spec = ContainerSpec { image: one.clone(), ..host.spec(&["wait"]) };
    let user = engine.create(&host.name("user"), &spec).await.unwrap();
    say("no such image", engine.remove_image("bgd-test-no-such-image:1").await.unwrap());
    say("by its id, with two tags", engine.remove_image(&id).await.unwrap());
    say("one of two tags", engine.remove_image(one).await.unwrap());
    say("the last tag, in use", engine.remove_image(other).await.unwrap());
    let listed = engine.containers(&[]).await.unwrap();
    assert!(listed.iter().any(|container| container.id == user && container.image_id == id));
    let images = engine.images().await.unwrap();
    let image = images.iter().find(|image| image.id == id).unwrap();
    assert_eq!(image.tags, std::slice::from_ref(other));
    engine.remove(&user).await.unwrap();
    say("the last tag", engine.remove_image(other).await.unwrap());
    say("again", engine.remove_image(other).await.unwrap());
    assert_eq!(engine.image(&id).await.unwrap(), None);
    lines
}

pub async fn an_image_goes_with_its_last_tag_unless_it_is_used(host: Rc<Host>) {
    let tags = ["a", "b"].map(|part| format!("bgd-test-engine/{}:{part}", host.name("image")));
    let mut archive = tar::Builder::new(Vec::new());
    archive.sparse(false);
    archive.append_path_with_name(std::env::current_exe().unwrap(), "child").unwrap();
    let changes = [r#"ENTRYPOINT ["/child", "--bgd-child"]"#.to_owned()];
    host.engine.import(archive.into_inner().unwrap(), &tags[0], &changes).await.unwrap();
    let (repository, tag) = tags[1].split_once(':').unwrap();
    let options = bollard::query_parameters::TagImageOptions {
        repo: Some(repository.to_owned()),
        tag: Some(tag.to_owned()),
    };
    host.raw.tag_image(&tags[0], Some(options)).await.unwrap();
    let fake = Fake::new();
    fake.add_image(&tags[0], Behaviour::Runs);
    fake.tag_image(&tags[0], &tags[1]);
    let real = removals(&*host.engine, &host, &tags).await;
    assert_eq!(removals(&fake, &host, &tags).await, real);
    assert_eq!(real.iter().filter(|line| line.ends_with("in use")).count(), 2, "{real:#?}");
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
    assert_eq!(pulled.repo_digests, std::slice::from_ref(&digest));
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
