use std::rc::Rc;

use bgd::docker::Container;
use bgd::error::Kind;
use bgd::model::ContainerSpec;
use bgd::probe::{FailureKind, Force};

use crate::support::{Host, get};

async fn stopped(host: &Host, spec: &ContainerSpec) -> Container {
    let id = host.engine.create(&host.name("child"), spec).await.unwrap();
    host.look(&id).await
}

pub async fn files_of_a_stopped_container(host: Rc<Host>) {
    let mut spec = host.spec();
    spec.mounts = vec![host.bind("bound", false)];
    let container = stopped(&host, &spec).await;
    let vantage = host.open(&container).await;
    assert_eq!(vantage.read("/conf.d/own.conf").await.unwrap(), None);
    assert_eq!(vantage.list("/nowhere").await.unwrap(), None);
    for folder in ["/conf.d", "/bound", "/sites"] {
        vantage.write(&format!("{folder}/own.conf"), b"first").await.unwrap();
        vantage.write(&format!("{folder}/own.conf"), folder.as_bytes()).await.unwrap();
        assert_eq!(vantage.read(&format!("{folder}/own.conf")).await.unwrap().unwrap(), folder.as_bytes());
        assert_eq!(vantage.list(folder).await.unwrap().unwrap(), ["own.conf"], "{folder}");
    }
    assert_eq!(vantage.read("/linked.conf").await.unwrap().unwrap(), b"/sites");
    assert!(vantage.read("/conf.d").await.is_err());
    assert_eq!(std::fs::read(host.host_folder("bound").join("own.conf")).unwrap(), b"/bound");

    host.engine.start(&container.id).await.unwrap();
    let container = host.look(&container.id).await;
    let vantage = host.open(&container).await;
    assert_eq!(host.force, Force::Local);
    assert_eq!(vantage.read("/conf.d/own.conf").await.unwrap().unwrap(), b"/sites");
}

pub async fn what_a_stopped_container_cannot(host: Rc<Host>) {
    let mut spec = host.spec();
    spec.mounts = vec![host.bind("fixed", true)];
    let container = stopped(&host, &spec).await;
    let vantage = host.open(&container).await;
    let failure = vantage.request(&get("/ok")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Vantage);
    assert_eq!(failure.message, format!("container {} does not run", container.name));
    assert!(vantage.sockets().await.is_err());
    vantage.delete("/conf.d/a.conf").await.unwrap();
    vantage.write("/conf.d/a.conf", b"x").await.unwrap();
    let error = vantage.delete("/conf.d/a.conf").await.unwrap_err();
    assert!(error.to_string().contains("does not run"), "{error}");

    let error = vantage.write("/fixed/a.conf", b"x").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    assert!(error.one_line().contains("/fixed/a.conf"), "{}", error.one_line());
    assert!(error.hints()[0].contains(":ro"), "{} {:?}", error.one_line(), error.hints());
    let error = vantage.write("/nowhere/a.conf", b"x").await.unwrap_err();
    assert!(error.one_line().contains("/nowhere"), "{}", error.one_line());
}
