//! Releases as bgd would have started them, and a deploy of one by a driver alone. Shared by the tests of both drivers.

use bgd::model::{ReleaseNumber, Slot};
use bgd::proxy::{Known, Proxy, Route, Target};
use bgd_testkit::{App, Container, images, poll_until};
use std::time::{Duration, Instant};

use super::world::World;

/// A release whose container runs, as bgd would have started it.
pub struct Release {
    pub container: Container,
    pub target: Target,
}

impl World {
    /// Starts release `number` in its slot. Odd ones are blue.
    pub async fn release(&self, number: u32) -> Release {
        let app = &self.app.name;
        let slot = if number % 2 == 1 { Slot::Blue } else { Slot::Green };
        let (release_host, slot_host) = (format!("{app}-r{number}"), format!("{app}-slot-{slot}"));
        let version = ["1.0", "1.1", "1.2"][number as usize % 3];
        let name = format!("{app}-{slot}");
        let container = App::new(&self.run, images().app_without_check(version))
            .network(self.network())
            .alias(&release_host)
            .alias(&slot_host)
            .start(&name);
        poll_until(Duration::from_secs(10), || container.ask(3000, "GET", "/health").is_ok());
        let addresses = self.addresses(&name).await;
        let release = ReleaseNumber(number);
        let target = Target { slot, release, release_host, slot_host, port: 3000, addresses };
        Release { container, target }
    }

    /// Does what a deploy does with the proxy, and says how long each step took.
    pub async fn deploy(&self, live: Option<&Release>, next: &Release) -> Times {
        let driver = self.driver();
        let staged = Route { live: live.map(|r| r.target.clone()), idle: Some(next.target.clone()) };
        let switched = Route { live: Some(next.target.clone()), idle: live.map(|r| r.target.clone()) };
        let start = Instant::now();
        driver.stage(&staged).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        let stage = start.elapsed();
        driver.switch(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        let switch = start.elapsed() - stage;
        driver.verify(&switched).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        let verify = start.elapsed() - stage - switch;
        if let Some(left) = live {
            drained(&driver, left).await;
        }
        let drain = start.elapsed() - stage - switch - verify;
        let alone = Route { live: Some(next.target.clone()), idle: None };
        driver.forget_idle(&alone).await.unwrap_or_else(|error| panic!("{}", show(&error)));
        let forget = start.elapsed() - stage - switch - verify - drain;
        Times { stage, switch, verify, drain, forget }
    }
}

/// How long the steps took.
#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
pub struct Times {
    stage: Duration,
    switch: Duration,
    verify: Duration,
    drain: Duration,
    forget: Duration,
}

/// Waits until nothing is seen in flight towards a release. Nobody stops it here, so that what cannot be told may be.
pub async fn drained(driver: &dyn Proxy, left: &Release) {
    let start = Instant::now();
    loop {
        let in_flight = driver.in_flight(&left.target.addresses).await.unwrap();
        if in_flight.known() != Known::Something {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "still in flight: {in_flight}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An error with all that it carries.
pub fn show(error: &bgd::error::Error) -> String {
    let details: Vec<String> = error.details().iter().map(|d| format!("{}:\n{}", d.title, d.text)).collect();
    format!("{}\n{}\nhints: {:?}", error.one_line(), details.join("\n"), error.hints())
}
