//! Ten deploys and rollbacks under each kind of load.

use bgd_load::Kind;

use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// Deploy, rollback, deploy … ten switches in all.
#[track_caller]
fn ten_switches(nginx: Nginx, route: Route, kind: Kind, clients: usize) {
    let scene = Scene::new(nginx, route);
    // WebSockets stay up until they are drained, and nobody else needs longer.
    scene.configure("retire: stop\ndrain: { timeout: 2s }\n");
    scene.first("1.0");
    let load = scene.load().with(kind, clients).start().unwrap();
    for round in 0..5 {
        let (now, before) = if round % 2 == 0 { ("1.1", "1.0") } else { ("1.2", "1.0") };
        scene.deploy(now).ok();
        assert_eq!(scene.served().as_deref(), Some(now));
        scene.rollback().ok();
        assert_eq!(scene.served().as_deref(), Some(before));
    }
    let report = load.stop();
    nothing_lost(&report);
    for version in ["1.0", "1.1", "1.2"] {
        assert!(report.served_by.contains_key(version), "{version} served nothing\n{report}");
    }
}

macro_rules! loads {
    ($($name:ident: $kind:expr, $clients:expr;)*) => {
        mod nginx_new {
            use super::*;
            $(#[test] fn $name() { ten_switches(Nginx::New, Route::Upstream, $kind, $clients); })*
        }
        mod nginx_old {
            use super::*;
            $(#[test] fn $name() { ten_switches(Nginx::Old, Route::Upstream, $kind, $clients); })*
        }
    };
}

loads! {
    paced_keepalive: Kind::PacedKeepalive, 16;
    busy_keepalive: Kind::Keepalive, 64;
    connection_per_request: Kind::PerConnection, 16;
    slow_requests: Kind::Slow, 16;
    posts: Kind::Post, 16;
    websockets: Kind::Websocket, 16;
}

#[test]
fn a_server_block_of_bgds_own_on_a_new_nginx() {
    ten_switches(Nginx::New, Route::Server, Kind::Keepalive, 16);
}

#[test]
fn a_server_block_of_bgds_own_on_an_old_nginx() {
    ten_switches(Nginx::Old, Route::Server, Kind::Keepalive, 16);
}
