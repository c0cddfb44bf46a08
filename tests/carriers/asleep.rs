use std::time::{Duration, Instant};

use bgd::proxy::traefik::labels::CarrierKind;

use super::world::{World, block_on};

#[test]
fn a_carrier_sleeps_until_it_is_stopped_and_no_clean_up_takes_it() {
    block_on(async {
        let world = World::new("3.7", CarrierKind::Kept, "100ms").await;
        let carrier = world.carriers().put(&world.release(1)).await.unwrap();
        let docker = world.run.docker();
        let of_this_test = format!("label=bgd.carrier={}", world.app.name);
        docker.ok(["container", "prune", "--force", "--filter", &of_this_test]);
        world.verify(&carrier);
        let container = world.engine.container(&carrier.name).await.unwrap().unwrap();
        assert!(container.state.running && container.state.restarts == 0);
        let start = Instant::now();
        docker.ok(["stop", "--time", "10", &carrier.name]);
        assert!(start.elapsed() < Duration::from_secs(8), "it does not listen to SIGTERM");
        let ended = world.engine.container(&carrier.name).await.unwrap().unwrap();
        assert_eq!(ended.state.exit_code, 0);
        world.verify(&carrier);
    });
}
