use bgd_load::Kind;
use bgd_testkit::{ConfigDir, images};

use super::world::{HOST, Mode, World, block_on};

/// Ten switches between two warm releases, as fast as they go.
async fn ten_switches(nginx: &str, kinds: &[(Kind, usize)]) {
    let world = World::new(nginx, Mode::Upstream, ConfigDir::HostFolder).await;
    let blue = world.release(1).await;
    world.deploy(None, &blue).await;
    world.refer_to_upstream().await;
    let green = world.release(2).await;
    let mut load = world.edge.closed_loop(HOST);
    for (kind, clients) in kinds {
        load = load.with(*kind, *clients);
    }
    let load = load.start().unwrap();
    let (mut live, mut next) = (&blue, &green);
    for _ in 0..10 {
        let times = world.deploy(Some(live), next).await;
        eprintln!("{times:?}");
        (live, next) = (next, live);
    }
    let report = load.stop();
    eprintln!("{report}");
    assert_eq!(report.failed, 0, "{report}");
}

#[test]
fn sixty_four_clients_in_a_closed_loop_behind_a_new_nginx() {
    block_on(ten_switches(&images().nginx_new, &[(Kind::Keepalive, 64)]));
}

#[test]
fn sixty_four_clients_in_a_closed_loop_behind_an_old_nginx() {
    block_on(ten_switches(&images().nginx_old, &[(Kind::Keepalive, 64)]));
}

#[test]
fn paced_clients_behind_both() {
    for nginx in images().nginx() {
        block_on(ten_switches(nginx, &[(Kind::PacedKeepalive, 16)]));
    }
}

#[test]
fn a_connection_per_request_behind_both() {
    for nginx in images().nginx() {
        block_on(ten_switches(nginx, &[(Kind::PerConnection, 16)]));
    }
}
