use bgd::proxy::traefik::labels::CarrierKind;

use super::world::{World, block_on};

async fn the_route_survives_traefik(version: &str, kind: CarrierKind, then: impl FnOnce(&World, &str)) {
    let mut world = World::new(version, kind, "100ms").await;
    let carriers = world.carriers();
    let (blue, green) = (world.release(1), world.release(2));
    world.verify(&carriers.put(&blue).await.unwrap());
    let second = carriers.put(&green).await.unwrap();
    world.verify(&second);
    then(&world, &second.name);
    world.traefik.restart();
    world.find_again();
    world.verify(&second);
    carriers.forget().await.unwrap();
    world.lower().await;
    world.traefik.restart();
    world.find_again();
    world.verify(&second);
}

#[test]
fn kept_carriers_on_3_7() {
    block_on(the_route_survives_traefik("3.7", CarrierKind::Kept, |_, _| {}));
}

#[test]
fn a_kept_carrier_that_was_stopped_by_hand() {
    block_on(the_route_survives_traefik("3.7", CarrierKind::Kept, |world, carrier| {
        world.run.docker().ok(["stop", "--time", "10", carrier]);
    }));
}

#[test]
fn created_carriers_on_3_7() {
    block_on(the_route_survives_traefik("3.7", CarrierKind::Created, |_, _| {}));
}

#[test]
fn running_carriers_on_3_5() {
    block_on(the_route_survives_traefik("3.5", CarrierKind::Running, |_, _| {}));
}
