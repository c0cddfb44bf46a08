use std::time::Duration;

use bgd::model::ReleaseNumber;
use bgd::proxy::traefik::labels::{Carrier, CarrierKind};

use super::world::{World, block_on};

/// bgd is gone a little later each time while it moves the route: what comes after it was gone is known before the route
/// goes back, so that none comes later still and takes the requests.
#[test]
fn no_carrier_comes_after_the_route_went_back() {
    block_on(async {
        let world = World::new("3.7", CarrierKind::Kept, "100ms").await;
        let (blue, green) = (world.release(1), world.release(2));
        world.verify(&world.carriers().put(&blue).await.unwrap());
        let former = world.carriers().snapshot().await.unwrap();
        let releases = [ReleaseNumber(1), ReleaseNumber(2)];
        let is_green = |all: &[Carrier]| all.iter().any(|carrier| carrier.release == releases[1]);
        let mut met = 0;
        // Docker lists nothing for most of the time that a creation takes, so the moment is in the first milliseconds.
        let mut patience = Duration::from_millis(2);
        loop {
            patience = patience.mul_f64(1.25);
            let (killed, recovering) = (world.carriers(), world.carriers());
            killed.prepare().await.unwrap();
            let answered = tokio::time::timeout(patience, killed.put(&green)).await.is_ok();
            let was_seen = is_green(&recovering.list().await.unwrap());
            recovering.outlast(&releases).await.unwrap();
            let found = recovering.list().await.unwrap();
            met += usize::from(!was_seen && is_green(&found));
            let back = recovering.put_back(&former).await.unwrap().unwrap();
            world.verify(&back);
            recovering.forget().await.unwrap();
            world.lower().await;
            assert_eq!(world.only().await.release, releases[0], "{patience:?}");
            let helpers = format!("bgd.helper=wake {}", world.app.name);
            assert_eq!(world.run.docker().labelled("container", &helpers), [""; 0], "{patience:?}");
            if answered || met == 2 {
                break;
            }
        }
        assert!(met > 0, "no carrier was under way when it was waited for");
    });
}
