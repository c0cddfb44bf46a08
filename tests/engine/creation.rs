//! A creation goes on when whoever asked for it is gone.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Host, LABEL, image};

/// How often it is tried to be in time: what a creation takes is chance.
const TRIES: usize = 5;

/// Whoever asks is gone a little later each time, until the answer comes first.
pub async fn one_that_nobody_heard_the_end_of_is_waited_for(host: Rc<Host>) {
    for number in 0..TRIES {
        if under_way(&host, number).await > 0 {
            return;
        }
    }
    panic!("no creation was under way when it was waited for");
}

/// How often a creation was under way when it was waited for.
async fn under_way(host: &Host, number: usize) -> usize {
    let spec = host.spec(&["wait"]);
    let labels: BTreeMap<String, String> = [(LABEL.to_owned(), host.tag.clone())].into();
    let mut met = 0;
    for round in 0_u32.. {
        let name = host.name(&format!("{number}-{round}"));
        let patience = Duration::from_millis(1) * round;
        let answered = tokio::time::timeout(patience, host.engine.create(&name, &spec)).await.is_ok();
        let was_seen = host.engine.container(&name).await.unwrap().is_some();
        assert!(host.engine.await_creation(&name, &image(), &labels).await.unwrap(), "{patience:?}");
        let found = host.engine.container(&name).await.unwrap();
        // What was made to find it out has gone again.
        assert!(found.as_ref().is_none_or(|found| found.spec.command == spec.command), "{found:?}");
        // When it is not there, the name is free: nothing is on its way any more.
        let again = host.engine.create(&name, &spec).await;
        assert_eq!(again.is_ok(), found.is_none(), "after {patience:?}: {again:?} {found:?}");
        host.engine.remove(&name).await.unwrap();
        met += usize::from(!was_seen && found.is_some());
        if answered {
            break;
        }
    }
    met
}

pub async fn where_none_was_asked_for_nothing_is_waited_for_and_nothing_left(host: Rc<Host>) {
    let labels: BTreeMap<String, String> = [(LABEL.to_owned(), host.tag.clone())].into();
    assert!(host.engine.await_creation(&host.name("a"), &image(), &labels).await.unwrap());
    assert!(host.engine.await_creation(&host.name("b"), "bgd-test-no-such-image:1", &labels).await.unwrap());
    assert_eq!(host.engine.containers(&[format!("{LABEL}={}", host.tag)]).await.unwrap(), []);
    let id = host.start("c", &["wait"]).await;
    assert!(host.engine.await_creation(&host.name("c"), &image(), &labels).await.unwrap());
    assert!(host.engine.container(&id).await.unwrap().unwrap().state.running);
}
