//! A disk that is full: no line of the journal, no effect.

use std::fs::OpenOptions;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::path::Path;

use bgd::docker::fake::Behaviour;
use bgd::error::Kind;
use bgd::record::JournalState;

use crate::ticks::At;
use crate::world::{Ended, World};

/// From now on, whatever is written to the open file of this path fails as on a full disk.
fn fill(path: &Path) {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut found = 0;
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        if std::fs::read_link(entry.path()).is_ok_and(|to| to == path) {
            let number = entry.file_name().to_str().unwrap().parse().unwrap();
            // SAFETY: the journal is open under this number, and goes on owning it: it is given back below.
            let mut journal = unsafe { OwnedFd::from_raw_fd(number) };
            nix::unistd::dup2(&full, &mut journal).unwrap();
            let _ = journal.into_raw_fd();
            found += 1;
        }
    }
    assert_eq!(found, 1, "{} is not open", path.display());
}

#[tokio::test(start_paused = true)]
async fn from_the_first_line_that_cannot_be_written_nothing_happens_any_more() {
    for more in ["retire: stop\nrename: true\nreplicas: 2", "retire: remove", "retire: keep"] {
        let steps = {
            let world = World::new(more);
            world.deploy().await;
            world.plan_deploy(Behaviour::Runs).await.unwrap().steps
        };
        for at in steps {
            let name = format!("{more}: full at {at}");
            let world = World::new(more);
            world.deploy().await;
            let plan = world.plan_deploy(Behaviour::Runs).await.unwrap();
            let journal = world.records().journal_path();
            let to_fill = journal.clone();
            world.ticks.on_step(move |step| {
                if step == at {
                    fill(&to_fill);
                }
            });
            let Ended::Badly(error) = world.run(&plan, None).await else { panic!("{name}: it ended well") };
            assert_eq!(error.kind(), Kind::NeedsRecovery, "{name}: {error:?}");
            let told = error.one_line();
            assert!(
                told.contains(&journal.display().to_string()) && told.contains("No space"),
                "{name}: {told}"
            );
            assert!(error.hints().iter().any(|hint| hint.starts_with("make room for")), "{name}: {error:?}");
            assert!(error.hints().iter().any(|hint| hint.contains("bgd recover api")), "{name}: {error:?}");
            // It was announced, so it was done; nothing that comes after it was.
            let seen = world.ticks.seen.borrow().clone();
            let last = seen.iter().rposition(|tick| tick.at == At::Started).unwrap();
            assert!(seen[last..].iter().all(|tick| tick.step == Some(at)), "{name}: {:?}", &seen[last..]);
            world.is_safe(&name);
            assert!(matches!(world.records().journal().unwrap(), JournalState::Open(_)), "{name}");
            world.ticks.on_step(|_| ());
            let (_, ended) = world.recover(None).await;
            assert!(matches!(ended, Ended::Well(_)), "{name}: {ended:?}");
            world.is_settled(&name);
            world.deploy().await;
        }
    }
}
