use std::rc::Rc;

use bgd::probe::Force;

use crate::support::Host;

/// The engine's list is made by `ps`, this one from the control group: both have to tell the same, or somebody would
/// wait for a worker that is gone, or not wait for one that is there.
pub async fn the_container_s_processes_are_those_that_the_engine_lists(host: Rc<Host>) {
    let (container, vantage) = host.inside(&host.spec()).await;
    let listed = host.engine.processes(&container.id).await.unwrap();
    let seen = vantage.processes(&container.id).await;
    match host.force {
        Force::Local => {
            assert_eq!(seen.as_ref(), Some(&listed));
            assert!(listed.iter().any(|process| process.title.ends_with("--bgd-child serve")), "{listed:?}");
            assert_eq!(vantage.processes("0123456789ab").await, None, "another container's are not told");
        }
        // Process ids mean something else in there.
        Force::Helper => assert_eq!(seen, None),
    }
}
