use bgd::model::AppName;
use bgd::proxy::nginx::seen_many;
use bgd::proxy::{Proxy, Route};
use bgd_load::Kind;
use bgd_testkit::{App, ConfigDir, images, poll_until};
use std::rc::Rc;
use std::time::Duration;

use super::release::{drained, show};
use super::world::{HOST, Mode, World, block_on, nginx_of};

async fn two_apps_do_not_touch_each_other(nginx: &str) {
    let mut world = World::new(nginx, Mode::Upstream, ConfigDir::HostFolder).await;
    let first = world.app.clone();
    let blue = world.release(1).await;
    world.deploy(None, &blue).await;
    world.refer_to_upstream().await;

    let name = world.run.app_name("web");
    world.app.name = AppName::parse(&name).unwrap();
    let bgd::model::ProxyConfig::Nginx(proxy) = &mut world.app.proxy else { panic!("another proxy") };
    proxy.route = bgd::model::NginxRoute::Upstream(bgd::model::UpstreamName::parse("web_backend").unwrap());
    // A file that an older nginx does not know yet takes a reload, which breaks connections that are kept alive.
    let load = world.load().with(Kind::PerConnection, 4);
    let load = if world.is_old(nginx) { load } else { load.with(Kind::Keepalive, 4) }.start().unwrap();
    let web = world.release(1).await;
    world.deploy(None, &web).await;
    let web_green = world.release(2).await;
    world.deploy(Some(&web), &web_green).await;
    let report = load.stop();
    assert_eq!(report.failed, 0, "{report}");
    assert_eq!(report.served_by.len(), 1, "{report}");

    let apps = [(&first.name, nginx_of(&first)), (&world.app.name, nginx_of(&world.app))];
    let seen = seen_many(Rc::clone(&world.engine), world.edge.name(), &apps).await.unwrap();
    let slots: Vec<_> = seen.iter().map(|seen| seen.live.unwrap().slot).collect();
    assert_eq!(slots, [blue.target.slot, web_green.target.slot]);
}

#[test]
fn two_apps_behind_one_new_nginx() {
    block_on(two_apps_do_not_touch_each_other(&images().nginx_new));
}

#[test]
fn two_apps_behind_one_old_nginx() {
    block_on(two_apps_do_not_touch_each_other(&images().nginx_old));
}

/// All replicas answer, before and after; one that dies is not noticed.
async fn replicas_share_the_load(nginx: &str) {
    let mut world = World::new(nginx, Mode::Server, ConfigDir::HostFolder).await;
    world.app.replicas = 2;
    let blue = world.release(1).await;
    world.deploy(None, &blue).await;
    world.edge.wait_serving(HOST, "/version");
    let mut green = world.release(2).await;
    let second = format!("{}-2", green.container.name());
    let container = App::new(&world.run, images().app_without_check("1.0"))
        .network(world.edge.network())
        .alias(&green.target.release_host)
        .alias(&green.target.slot_host)
        .start(&second);
    poll_until(Duration::from_secs(10), || container.ask(3000, "GET", "/health").is_ok());
    green.target.addresses.extend(world.addresses(&second).await);
    let load = world.edge.load(HOST).with(Kind::Keepalive, 8).start().unwrap();
    world.deploy(Some(&blue), &green).await;
    poll_until(Duration::from_secs(10), || load.served_by("1.0") > 0 && load.served_by("1.2") > 0);
    container.kill();
    let before = load.served_by("1.2");
    poll_until(Duration::from_secs(10), || load.served_by("1.2") > before + 100);
    let report = load.stop();
    // The requests that the dead one was at are lost, and no others: a GET is asked again where nginx may.
    assert!(report.failed <= 8, "{report}");

    let driver = world.driver();
    let alone = Route { live: Some(green.target.clone()), idle: None };
    driver.verify(&alone).await.unwrap_or_else(|error| panic!("{}", show(&error)));
    drained(&driver, &blue).await;
}

#[test]
fn replicas_behind_both() {
    for nginx in images().nginx() {
        block_on(replicas_share_the_load(nginx));
    }
}
