use std::rc::Rc;
use std::time::Duration;

use bgd::docker::fake::{Behaviour, Fake};
use bgd::docker::{Container, Engine, EventKind};
use bgd::error::Result;
use bgd::model::{ContainerSpec, HealthCheck, NetworkAttachment};
use futures_util::StreamExt;

use crate::support::{Host, LABEL, image};

/// What bgd can see of a container, without what differs from run to run.
fn seen(found: &Option<Container>) -> String {
    let Some(found) = found else { return "none".to_owned() };
    let state = &found.state;
    let networks: Vec<_> = found.addresses.keys().collect();
    format!(
        "{} {} running={} restarting={} code={} pid={} started={} health={:?} on={networks:?} spec={:?}",
        found.name,
        state.status,
        state.running,
        state.restarting,
        state.exit_code,
        state.pid > 0,
        state.started.is_some(),
        state.health.as_ref().map(|health| health.status),
        ContainerSpec { log: None, ..found.spec.clone() },
    )
}

fn told<T>(result: &Result<T>) -> String {
    match result {
        Ok(_) => "fine".to_owned(),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

/// One sequence of everything that bgd's steps rely on, and what came of it.
async fn transcript(engine: &dyn Engine, host: &Host, network: &str) -> Vec<String> {
    let (a, b, c) = (host.name("a"), host.name("b"), host.name("c"));
    let grace = Duration::from_secs(10);
    let mut spec = host.spec(&["wait"]);
    spec.networks =
        vec![NetworkAttachment { name: network.to_owned(), aliases: vec!["x".into()], ipv4: None }];
    spec.health = Some(HealthCheck {
        test: ["CMD", "/child", "--bgd-child", "exit", "0"].map(str::to_owned).into(),
        interval: Some(Duration::from_millis(200)),
        ..Default::default()
    });
    let mut lines = Vec::new();
    let mut say = |what: &str, came: String| lines.push(format!("{what}: {came}"));
    let label = format!("{LABEL}={}", host.tag);
    let mut events = engine.events(std::slice::from_ref(&label)).await.unwrap();

    say("look at nothing", seen(&engine.container(&a).await.unwrap()));
    say("start nothing", told(&engine.start(&a).await));
    say("stop nothing", told(&engine.stop(&a, grace).await));
    say("signal nothing", told(&engine.signal(&a, "HUP").await));
    say("rename nothing", told(&engine.rename(&a, &b).await));
    say("remove nothing", told(&engine.remove(&a).await));
    say("log of nothing", told(&engine.log_tail(&a, 1).await));
    say("processes of nothing", told(&engine.processes(&a).await));
    say("exec in nothing", told(&engine.exec(&a, &["/child".to_owned()], grace).await));
    say("file of nothing", told(&engine.download(&a, "/x").await));
    say("file into nothing", told(&engine.upload(&a, "/", Vec::new()).await));

    say("create", told(&engine.create(&a, &spec).await));
    say("created", seen(&engine.container(&a).await.unwrap()));
    say("create again", told(&engine.create(&a, &spec).await));
    let missing = ContainerSpec { image: "bgd-test-no-such-image:1".into(), ..spec.clone() };
    say("create without image", told(&engine.create(&b, &missing).await));
    say("exec in what does not run", told(&engine.exec(&a, &["/child".to_owned()], grace).await));
    say("processes of what does not run", told(&engine.processes(&a).await));
    say("signal what does not run", told(&engine.signal(&a, "HUP").await));
    say("no file", format!("{:?}", engine.download(&a, "/x").await.unwrap()));
    say("stop what does not run", told(&engine.stop(&a, grace).await));

    say("start", told(&engine.start(&a).await));
    say("start again", told(&engine.start(&a).await));
    say("event", format!("{:?}", events.next().await.unwrap().unwrap().kind));
    say("event", format!("{:?}", events.next().await.unwrap().unwrap().kind));
    say("running", seen(&engine.container(&a).await.unwrap()));
    let command = ["/child", "--bgd-child", "exit", "0"].map(str::to_owned);
    say("exec", format!("{:?}", engine.exec(&a, &command, grace).await.unwrap()));
    say("create beside", told(&engine.create(&b, &spec).await));
    say("rename to a taken name", told(&engine.rename(&b, &a).await));
    say("rename", told(&engine.rename(&b, &c).await));
    let mut names: Vec<_> = engine.containers(&[label]).await.unwrap();
    names.sort_by(|left, right| left.name.cmp(&right.name));
    say("list", format!("{:?}", names.iter().map(|found| (&found.name, &found.status)).collect::<Vec<_>>()));

    say("stop", told(&engine.stop(&a, grace).await));
    say("event", format!("{:?}", events.next().await.unwrap().unwrap().kind));
    say("stop again", told(&engine.stop(&a, grace).await));
    let stopped = engine.container(&a).await.unwrap().unwrap();
    say("stopped", format!("{} {} {}", stopped.state.status, stopped.state.running, stopped.state.exit_code));
    say("remove", told(&engine.remove(&a).await));
    say("event", format!("{:?}", events.next().await.unwrap().unwrap().kind));
    say("start the other", told(&engine.start(&c).await));
    say("event", format!("{:?}", events.next().await.unwrap().unwrap().kind));
    say("remove what runs", told(&engine.remove(&c).await));
    // Its check may or may not have run by then.
    loop {
        let kind = events.next().await.unwrap().unwrap().kind;
        if !matches!(kind, EventKind::Health(_)) {
            say("event", format!("{kind:?}"));
        }
        if kind == EventKind::Destroy {
            break;
        }
    }
    say("remove again", told(&engine.remove(&c).await));
    say("network", told(&engine.network(network).await));
    say("no network", format!("{:?}", engine.network(&host.name("none")).await.unwrap()));
    say("no image", format!("{:?}", engine.image("bgd-test-no-such-image:1").await.unwrap()));
    lines
}

pub async fn the_fake_behaves_like_the_engine(host: Rc<Host>) {
    let network = host.network("net").await;
    let fake = Fake::new();
    fake.add_image(&image(), Behaviour::Runs);
    fake.add_network(&network);
    let real = transcript(&*host.engine, &host, &network).await;
    let faked = transcript(&fake, &host, &network).await;
    for (real, faked) in real.iter().zip(&faked) {
        assert_eq!(faked, real);
    }
    assert_eq!(faked.len(), real.len());
}
