//! Ten deploys and rollbacks under each kind of load.

use bgd_load::Kind;

use crate::scene::{Nginx, Route, Scene, every_kind_served, nothing_lost};

/// Those that leave a processor to the others.
pub const CALM: [(Kind, usize); 4] =
    [(Kind::PacedKeepalive, 16), (Kind::Slow, 16), (Kind::Post, 16), (Kind::Websocket, 16)];
/// As many requests as there can be.
pub const BUSY: [(Kind, usize); 1] = [(Kind::Keepalive, 64)];
/// The same with a connection for each.
pub const CONNECTING: [(Kind, usize); 1] = [(Kind::PerConnection, 16)];

/// Deploy, rollback, deploy … ten switches in all.
#[track_caller]
fn ten_switches(nginx: Nginx, route: Route, clients: &[(Kind, usize)]) {
    let scene = Scene::new(nginx, route);
    // WebSockets stay up until they are drained, and nobody else needs longer.
    scene.configure("retire: stop\ndrain: { timeout: 2s }\n");
    scene.first("1.0");
    let load = clients.iter().fold(scene.load(), |load, (kind, count)| load.with(*kind, *count));
    let load = load.start().unwrap();
    for round in 0..5 {
        let (now, before) = if round % 2 == 0 { ("1.1", "1.0") } else { ("1.2", "1.0") };
        scene.deploy(now).ok();
        assert_eq!(scene.served().as_deref(), Some(now));
        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some(before));
    }
    let report = load.stop();
    nothing_lost(&report);
    every_kind_served(&report);
    for version in ["1.0", "1.1", "1.2"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
}

macro_rules! loads {
    ($($name:ident: $clients:expr;)*) => {
        mod nginx_new {
            use super::*;
            $(#[test] fn $name() { ten_switches(Nginx::New, Route::Upstream, &$clients); })*
        }
        mod nginx_old {
            use super::*;
            $(#[test] fn $name() { ten_switches(Nginx::Old, Route::Upstream, &$clients); })*
        }
    };
}

loads! {
    paced_keepalive_slow_requests_posts_and_websockets: CALM;
    busy_keepalive: BUSY;
    connection_per_request: CONNECTING;
}

#[test]
fn a_server_block_of_bgds_own_on_a_new_nginx() {
    ten_switches(Nginx::New, Route::Server, &[(Kind::Keepalive, 16)]);
}

#[test]
fn a_server_block_of_bgds_own_on_an_old_nginx() {
    ten_switches(Nginx::Old, Route::Server, &[(Kind::Keepalive, 16)]);
}
