use std::time::Duration;

use bgd::proxy::Proxy;
use bgd_testkit::{ConfigDir, images, poll_until};

use super::release::show;
use super::world::{HOST, Mode, World, block_on};

async fn restarts_are_survived(nginx: &str, mode: Mode) {
    let world = World::new(nginx, mode, ConfigDir::HostFolder).await;
    let blue = world.release(1).await;
    world.deploy(None, &blue).await;
    if mode == Mode::Upstream {
        world.refer_to_upstream().await;
    }
    let green = world.release(2).await;
    world.deploy(Some(&blue), &green).await;
    world.engine.remove(blue.container.name()).await.unwrap();

    world.edge.restart();
    world.edge.wait_serving(HOST, "/version");
    assert_eq!(world.driver().live().await.unwrap().unwrap().slot, green.target.slot);

    // Others take the addresses that are free, so green comes back under another one, and what answers at its former
    // address must not be asked.
    green.container.stop();
    for name in ["squatter-a", "squatter-b"] {
        bgd_testkit::App::new(&world.run, images().app_without_check("1.0"))
            .network(world.edge.network())
            .start(&world.run.name(name));
    }
    green.container.start();
    poll_until(Duration::from_secs(10), || {
        world.edge.get(HOST, "/version").is_ok_and(|answer| answer.header("x-version") == Some("1.2"))
    });
    assert_ne!(world.addresses(green.container.name()).await, green.target.addresses);

    // The next deploy takes over from there, with the driver seeing a new process.
    let next = world.release(3).await;
    world.deploy(Some(&green), &next).await;
    assert_eq!(world.edge.get(HOST, "/version").unwrap().header("x-version"), Some("1.0"));
}

#[test]
fn restarts_behind_a_new_nginx() {
    block_on(restarts_are_survived(&images().nginx_new, Mode::Upstream));
}

#[test]
fn restarts_behind_an_old_nginx() {
    block_on(restarts_are_survived(&images().nginx_old, Mode::Upstream));
}

#[test]
fn an_nginx_that_waits_for_the_upstream_is_led_through() {
    for nginx in images().nginx() {
        block_on(led_through(nginx));
    }
}

async fn led_through(nginx: &str) {
    let world = World::new(nginx, Mode::Upstream, ConfigDir::HostFolder).await;
    world
        .edge
        .put("user-api.conf", &bgd_testkit::conf::server(HOST, &super::world::upstream_name(&world.app)));
    // As with `restart: unless-stopped`: it begins again and again.
    world.run.docker().ok(["update", "--restart", "always", world.edge.name()]);
    let _ = world.run.docker().run(["restart", world.edge.name()]);
    poll_until(Duration::from_secs(10), || world.edge.logs().contains("host not found in upstream"));
    let driver = world.driver();
    let findings = driver.preflight().await.unwrap();
    assert!(findings.iter().all(|f| f.severity < bgd::proxy::Severity::Refusal), "{findings:#?}");
    assert!(
        findings.iter().any(|f| f.message.contains("does not start because nobody defines")),
        "{findings:#?}"
    );
    let first = world.release(1).await;
    let staged = bgd::proxy::Route { live: None, idle: Some(first.target.clone()) };
    driver.stage(&staged).await.unwrap_or_else(|error| panic!("{}", show(&error)));
    assert_eq!(world.edge.get(HOST, "/version").unwrap().status, 503);
    world.deploy(None, &first).await;
    assert_eq!(world.edge.get(HOST, "/version").unwrap().status, 200);
    assert_eq!(driver.live().await.unwrap().unwrap().slot, first.target.slot);
}
