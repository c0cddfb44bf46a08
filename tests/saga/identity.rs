//! Whose a container is, where records are made again.

use bgd::docker::Engine;
use bgd::model::{ReleaseNumber, Slot};
use bgd::plan::{self, Known};
use bgd::proxy::Live;

use crate::world::{World, quiet_async};

#[tokio::test(start_paused = true)]
async fn a_copy_with_the_labels_of_a_release_is_not_taken_into_its_record() {
    let world = World::new("");
    world.deploy().await;
    let mut own = quiet_async(world.engine.container("api-blue")).await.unwrap().unwrap();
    own.created = Some("2026-01-01T10:00:00Z".parse().unwrap());
    let mut copy = own.clone();
    (copy.id, copy.name) = ("copy".to_owned(), "api-copy".to_owned());
    copy.created = Some("2026-01-01T11:00:00Z".parse().unwrap());
    let live = Live { slot: Slot::Blue, release: Some(ReleaseNumber(1)) };
    for containers in [[own.clone(), copy.clone()], [copy.clone(), own.clone()]] {
        let now = "2026-01-02T10:00:00Z".parse().unwrap();
        let rebuilt = plan::rebuild(&world.app, &Known::default(), &containers, Some(live), now).unwrap();
        let release = &rebuilt.releases[0];
        assert_eq!(release.containers.len(), 1, "{:?}", release.containers);
        assert_eq!(release.containers[0].0, "api-blue");
        assert_eq!(release.ids.values().collect::<Vec<_>>(), [&own.id]);
        let told = rebuilt.unknown.join("\n");
        assert!(told.contains("api-copy"), "{told}");
    }
}
