use std::time::{Duration, Instant};

use bgd::proxy::{Proxy, Route};
use bgd_load::Kind;
use bgd_testkit::{http, poll_until};

use super::release::drained;
use super::world::{HOST, World, block_on};

#[test]
fn what_is_in_flight_holds_the_drain_and_what_is_idle_does_not() {
    block_on(async {
        let world = World::usual().await;
        let (blue, green) = (world.release(1).await, world.release(2).await);
        world.deploy(None, &blue).await;
        world.wait_serving();
        let sockets = world.load().with(Kind::Websocket, 3).start().unwrap();
        // Silent for far longer than an idle connection lives.
        let at = world.published();
        let slow = std::thread::spawn(move || http::request(None, at, HOST, "GET", "/slow?ms=5000").unwrap());
        poll_until(Duration::from_secs(5), || {
            blue.container.ask(3000, "GET", "/pending").is_ok_and(|answer| answer.body == "4")
        });
        let quick = world.load().with(Kind::Keepalive, 8).start().unwrap();
        poll_until(Duration::from_secs(5), || quick.served_by("1.1") > 100);
        let driver = world.driver();
        let switched = Route { live: Some(green.target.clone()), idle: Some(blue.target.clone()) };
        driver.switch(&switched).await.unwrap();
        driver.verify(&switched).await.unwrap();
        let mut seen = Vec::new();
        while !slow.is_finished() {
            let left = driver.in_flight(&blue.target.addresses).await.unwrap().connections;
            if slow.is_finished() {
                break;
            }
            assert!(left >= 4, "{left}");
            seen.push(left);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(slow.join().unwrap().version(), Some("1.1"));
        assert!(seen.contains(&4), "one request and three sockets, and no idle connection: {seen:?}");
        assert_eq!(sockets.stop().failed, 0);
        let start = Instant::now();
        drained(&driver, &blue).await;
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert_eq!(quick.stop().failed, 0);
    });
}
