use std::time::Instant;

use bgd::proxy::traefik::labels::{CarrierKind, support};
use bgd_load::Kind;

use super::world::{World, block_on};

async fn switches_lose_nothing(version: &str, kind: CarrierKind, throttle: &str) {
    // With the throttle of two seconds each switch waits for it.
    let switches = if throttle == "2s" { 4 } else { 10 };
    let world = World::new(version, kind, throttle).await;
    let carriers = world.carriers();
    let (blue, green) = (world.release(1), world.release(2));
    let first = carriers.put(&blue).await.unwrap();
    world.verify(&first);
    let load = world
        .load()
        .with(Kind::Keepalive, 4)
        .with(Kind::PerConnection, 2)
        .with(Kind::Slow, 2)
        .start()
        .unwrap();
    for number in 0..switches {
        let target = if number % 2 == 0 { &green } else { &blue };
        let start = Instant::now();
        let carrier = carriers.put(target).await.unwrap();
        let made = start.elapsed();
        world.verify(&carrier);
        eprintln!("{version} {kind:?} throttle {throttle}: made {made:?}, live {:?}", start.elapsed());
        assert_eq!(carriers.live().await.unwrap().map(|live| live.name), Some(carrier.name.clone()));
        carriers.forget().await.unwrap();
        carriers.forget().await.unwrap();
        world.lower().await;
        let settled = world.only().await;
        assert_eq!(
            (settled.release, settled.priority),
            (target.release, first.base),
            "it must not rise for ever"
        );
        assert_eq!((settled.slot, &settled.generation), (target.slot, &carrier.generation));
    }
    let report = load.stop();
    eprintln!("{report}");
    assert_eq!(report.failed, 0, "{report}");
}

#[test]
fn kept_carriers_on_3_7() {
    block_on(switches_lose_nothing("3.7", CarrierKind::Kept, "100ms"));
}

#[test]
fn created_carriers_on_3_7() {
    block_on(switches_lose_nothing("3.7", CarrierKind::Created, "100ms"));
}

#[test]
fn running_carriers_on_3_5() {
    block_on(switches_lose_nothing("3.5", CarrierKind::Running, "100ms"));
}

#[test]
fn kept_carriers_with_the_throttle_that_traefik_has_by_default() {
    block_on(switches_lose_nothing("3.7", CarrierKind::Kept, "2s"));
}

#[test]
fn the_same_route_twice_is_one_carrier() {
    block_on(async {
        let world = World::new("3.7", CarrierKind::Kept, "100ms").await;
        let (blue, green) = (world.release(1), world.release(2));
        let first = world.carriers().put(&blue).await.unwrap();
        assert_eq!(world.carriers().put(&blue).await.unwrap().name, first.name);
        world.verify(&first);
        // As after a crash between creating and starting.
        let second = world.carriers().put(&green).await.unwrap();
        world.run.docker().ok(["kill", &second.name]);
        assert!(world.carriers().put(&green).await.unwrap().running);
        let all = world.carriers().list().await.unwrap();
        assert_eq!(all.iter().map(|carrier| &carrier.name).collect::<Vec<_>>(), [&second.name, &first.name]);
        assert!(all.iter().all(|carrier| carrier.running));
        world.verify(&second);
        assert_eq!(world.run.docker().labelled("container", &format!("bgd.app={}", world.app.name)), [""; 0]);
    });
}

#[test]
fn what_traefik_itself_says_of_its_version_decides() {
    let world = |version: &str| {
        let image = format!("bgd-test/traefik:{version}");
        let said = bgd_testkit::Docker::machine().ok(["run", "--rm", "--network", "none", &image, "version"]);
        said.lines().find_map(|line| line.strip_prefix("Version:")).unwrap().trim().to_owned()
    };
    assert_eq!(support(&world("3.7")).unwrap(), CarrierKind::Kept);
    assert_eq!(support(&world("3.5")).unwrap(), CarrierKind::Running);
    let error = support(&world("3.3")).unwrap_err();
    assert!(error.to_string().contains("too old") && error.hints()[0].contains("mode: file"), "{error}");
}
