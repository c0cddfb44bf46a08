use std::time::{Duration, Instant};

use bgd::model::{ReleaseNumber, Slot};
use bgd::proxy::{Proxy, Route, Target};
use bgd_load::Kind;
use bgd_testkit::{ConfigDir, conf, images, poll_until};

use super::release::{Release, drained, show};
use super::world::{HOST, Mode, World, block_on, upstream_name};

/// What serves before bgd comes keeps serving while bgd's file takes the place of the user's upstream.
async fn taken_over(nginx: &str) {
    let world = World::new(nginx, Mode::Upstream, ConfigDir::HostFolder).await;
    let old = world.run.name("old");
    let container = bgd_testkit::App::new(&world.run, images().app_without_check("1.0"))
        .network(world.edge.network())
        .start(&old);
    poll_until(Duration::from_secs(10), || container.ask(3000, "GET", "/health").is_ok());
    let upstream = upstream_name(&world.app);
    world.edge.put("user-upstream.conf", &conf::upstream(&upstream, &format!("{old}:3000")));
    world.refer_to_upstream().await;
    world.edge.put("user-upstream.conf", "");

    let addresses = world.addresses(&old).await;
    let target = Target {
        slot: Slot::Blue,
        release: ReleaseNumber(0),
        release_host: old.clone(),
        slot_host: old.clone(),
        port: 3000,
        addresses,
    };
    let adopted = Release { container, target };
    let driver = world.driver();
    // No connections that are kept alive: the first reload is the one that may close them.
    let load = world.load().with(Kind::PerConnection, 8).with(Kind::Slow, 4).start().unwrap();
    let alone = Route { live: Some(adopted.target.clone()), idle: None };
    driver.stage(&alone).await.unwrap_or_else(|error| panic!("{}", show(&error)));
    driver.verify(&alone).await.unwrap_or_else(|error| panic!("{}", show(&error)));
    assert_eq!(driver.live().await.unwrap().unwrap().slot, Slot::Blue);
    let next = world.release(2).await;
    world.deploy(Some(&adopted), &next).await;
    let report = load.stop();
    assert_eq!(report.failed, 0, "{report}");
    assert_eq!(world.edge.get(HOST, "/version").unwrap().version(), Some("1.2"));
}

#[test]
fn what_serves_behind_a_new_nginx_is_taken_over() {
    block_on(taken_over(&images().nginx_new));
}

#[test]
fn what_serves_behind_an_old_nginx_is_taken_over() {
    block_on(taken_over(&images().nginx_old));
}

#[test]
fn a_release_that_nginx_cannot_reach_is_not_staged() {
    for nginx in images().nginx() {
        block_on(async {
            let world = World::new(nginx, Mode::Upstream, ConfigDir::HostFolder).await;
            let blue = world.release(1).await;
            world.deploy(None, &blue).await;
            let mut green = world.release(2).await;
            green.target.port = 3999;
            let staged = Route { live: Some(blue.target.clone()), idle: Some(green.target.clone()) };
            let error = world.driver().stage(&staged).await.unwrap_err();
            assert!(error.to_string().contains("does not reach release 2 at"), "{}", show(&error));
            assert_eq!(world.driver().live().await.unwrap().unwrap().slot, Slot::Blue);
        });
    }
}

#[test]
fn a_slow_request_is_in_flight_until_it_is_answered() {
    for nginx in images().nginx() {
        block_on(async {
            let world = World::new(nginx, Mode::Server, ConfigDir::HostFolder).await;
            let blue = world.release(1).await;
            world.deploy(None, &blue).await;
            world.edge.wait_serving(HOST, "/version");
            let green = world.release(2).await;
            let address = world.edge.address();
            let (begun, beginning) = std::sync::mpsc::channel();
            let slow = std::thread::spawn(move || {
                use std::io::{Read, Write};
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                write!(stream, "GET /slow?ms=1500 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
                    .unwrap();
                begun.send(()).unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            });
            beginning.recv().unwrap();
            let driver = world.driver();
            poll_until(Duration::from_secs(2), || blue.container.ask(3000, "GET", "/health").is_ok());
            let start = Instant::now();
            while driver.in_flight(&blue.target.addresses).await.unwrap().connections == 0 {
                assert!(start.elapsed() < Duration::from_secs(1), "the request never got there");
            }
            let staged = Route { live: Some(blue.target.clone()), idle: Some(green.target.clone()) };
            let switched = Route { live: Some(green.target.clone()), idle: Some(blue.target.clone()) };
            driver.stage(&staged).await.unwrap();
            driver.switch(&switched).await.unwrap();
            driver.verify(&switched).await.unwrap();
            assert!(!driver.in_flight(&blue.target.addresses).await.unwrap().is_empty());
            drained(&driver, &blue).await;
            let answer = slow.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(start.elapsed() > Duration::from_secs(1));
        });
    }
}

#[test]
fn a_folder_that_nginxs_workers_may_not_enter_is_told_before_the_switch() {
    block_on(async {
        use std::os::unix::fs::PermissionsExt;
        let world = World::new(&images().nginx_old, Mode::Server, ConfigDir::HostFolder).await;
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(world.edge.host_folder().unwrap(), mode(0o700)).unwrap();
        let blue = world.release(1).await;
        let staged = Route { live: None, idle: Some(blue.target.clone()) };
        let error = world.driver().stage(&staged).await.unwrap_err();
        assert!(error.to_string().contains("may not look into /etc/nginx/conf.d"), "{}", show(&error));
        std::fs::set_permissions(world.edge.host_folder().unwrap(), mode(0o755)).unwrap();
        world.deploy(None, &blue).await;
    });
}

#[test]
fn another_process_can_verify_a_switch() {
    for nginx in images().nginx() {
        block_on(async {
            let world = World::new(nginx, Mode::Server, ConfigDir::HostFolder).await;
            let blue = world.release(1).await;
            world.deploy(None, &blue).await;
            let green = world.release(2).await;
            let staged = Route { live: Some(blue.target.clone()), idle: Some(green.target.clone()) };
            let switched = Route { live: Some(green.target.clone()), idle: Some(blue.target.clone()) };
            world.driver().stage(&staged).await.unwrap();
            let error = world.driver().verify(&switched).await.unwrap_err();
            assert!(error.to_string().contains("blue is live"), "{}", show(&error));
            world.driver().switch(&switched).await.unwrap();
            world.driver().verify(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        });
    }
}
