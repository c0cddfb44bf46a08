//! bgd looks at the network from a helper container, as it does on a remote host or without root.

use std::time::Duration;

use bgd_testkit::poll_until;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

#[test]
fn a_helper_container_loses_nothing_and_leaves_nothing() {
    for nginx in [Nginx::New, Nginx::Old] {
        let mut scene = Scene::new(nginx, Route::Upstream);
        scene.bgd = scene.bgd.env("BGD_VANTAGE", "helper");
        scene.configure("drain: { timeout: 3s }\n");
        scene.first("1.0");
        let load = scene.mixed();
        scene.deploy("1.1").ok();
        assert_eq!(scene.served().as_deref(), Some("1.1"));
        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some("1.0"));
        nothing_lost(&load.stop());
        scene.assert_clean(1);
        // The label holds the name of the container beside which the helper was.
        let label = format!("bgd.helper={}", scene.edge.name());
        // It ends when bgd's end of the pipe is closed, and Docker removes it a moment later.
        poll_until(Duration::from_secs(10), || scene.run.docker().labelled("container", &label).is_empty());
    }
}
