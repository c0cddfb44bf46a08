use bgd::proxy::traefik::labels::CarrierKind;
use bgd_load::Kind;

use super::world::{World, block_on};

async fn a_snapshot_comes_back_without_a_lost_request(version: &str, kind: CarrierKind) {
    let world = World::new(version, kind, "100ms").await;
    let carriers = world.carriers();
    let (blue, green) = (world.release(1), world.release(2));
    let first = carriers.put(&blue).await.unwrap();
    world.verify(&first);
    let former = carriers.snapshot().await.unwrap();
    let load = world.load().with(Kind::Keepalive, 4).with(Kind::PerConnection, 2).start().unwrap();
    for removed in [false, true, false] {
        let failed = carriers.put(&green).await.unwrap();
        world.verify(&failed);
        if removed {
            // Somebody cleaned up what the snapshot tells of.
            carriers.forget().await.unwrap();
            world.lower().await;
        }
        for _twice in 0..2 {
            let back = carriers.put_back(&former).await.unwrap().unwrap();
            assert_eq!((back.generation.as_str(), back.release), (first.generation.as_str(), first.release));
            world.verify(&back);
            carriers.forget().await.unwrap();
        }
        world.lower().await;
        let settled = world.only().await;
        assert_eq!((settled.priority, &settled.generation), (first.base, &first.generation));
        world.verify(&settled);
    }
    let report = load.stop();
    assert_eq!(report.failed, 0, "{report}");
}

#[test]
fn kept_carriers_on_3_7() {
    block_on(a_snapshot_comes_back_without_a_lost_request("3.7", CarrierKind::Kept));
}

#[test]
fn running_carriers_on_3_5() {
    block_on(a_snapshot_comes_back_without_a_lost_request("3.5", CarrierKind::Running));
}

#[test]
fn where_there_was_none_there_is_none_again() {
    block_on(async {
        let world = World::new("3.7", CarrierKind::Kept, "100ms").await;
        let carriers = world.carriers();
        let former = carriers.snapshot().await.unwrap();
        let first = carriers.put(&world.release(1)).await.unwrap();
        world.verify(&first);
        assert_eq!(carriers.put_back(&former).await.unwrap(), None);
        assert!(carriers.list().await.unwrap().is_empty());
        bgd_testkit::poll_until(std::time::Duration::from_secs(20), || {
            world.ask(None).is_some_and(|(status, _)| status == 404)
        });
        let helpers = format!("bgd.helper=wake {}", world.app.name);
        assert_eq!(world.run.docker().labelled("container", &helpers), [""; 0]);
    });
}
