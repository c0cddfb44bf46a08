//! The lock of an app, of which the holder cannot be seen: it runs on another machine, or in another container.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use bgd::docker::Engine;
use bgd::docker::fake::Fake;
use bgd::error::Kind;
use bgd::model::{AppName, ContainerSpec};
use bgd::turn::Turn;
use tokio::time::{Instant, sleep};

use crate::ticks::{Reporter, Ticks};

const LOCK: &str = "bgd_lock_api";

/// An engine with the lock of a bgd that runs elsewhere.
async fn held_elsewhere() -> (Rc<dyn Engine>, Fake, AppName) {
    let (fake, app) = (Fake::new(), AppName::parse("api").unwrap());
    let engine: Rc<dyn Engine> = Rc::new(fake.clone());
    let report = Reporter(Rc::new(Ticks::default()));
    let own = Turn::take(&engine, &app, Path::new("/state"), Duration::ZERO, &report).await.unwrap().unwrap();
    let mut spec: ContainerSpec = engine.container(LOCK).await.unwrap().unwrap().spec;
    own.give_back().await.unwrap();
    spec.labels.insert("bgd.lock.boot".to_owned(), "of another machine".to_owned());
    spec.labels.insert("bgd.lock.machine".to_owned(), "another".to_owned());
    spec.labels.insert("bgd.lock.user".to_owned(), "ci".to_owned());
    engine.create(LOCK, &spec).await.unwrap();
    (engine, fake, app)
}

async fn take(engine: &Rc<dyn Engine>, app: &AppName, wait: u64) -> bgd::error::Result<()> {
    let report = Reporter(Rc::new(Ticks::default()));
    let wait = Duration::from_secs(wait);
    let turn = Turn::take(engine, app, Path::new("/state"), wait, &report).await?;
    turn.unwrap().give_back().await
}

fn in_local<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

#[test]
fn a_holder_that_cannot_be_seen_and_is_silent_for_a_minute_is_gone() {
    in_local(async {
        let (engine, _, app) = held_elsewhere().await;
        let began = Instant::now();
        let error = take(&engine, &app, 30).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Locked);
        let told = format!("{} {:?}", error.one_line(), error.hints());
        for part in ["user ci", "after 60 s without a sign of life", "docker rm bgd_lock_api"] {
            assert!(told.contains(part), "no word of {part}: {told}");
        }
        assert!(began.elapsed() < Duration::from_secs(31));
        take(&engine, &app, 120).await.unwrap();
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(90) && took < Duration::from_secs(93), "{took:?}");
        assert!(engine.container(LOCK).await.unwrap().is_none(), "it was not given back");
    });
}

#[test]
fn a_holder_that_gives_signs_of_life_is_waited_for() {
    in_local(async {
        let (engine, _, app) = held_elsewhere().await;
        let beats = Rc::clone(&engine);
        let alive = tokio::task::spawn_local(async move {
            for count in 0_u32.. {
                let mut header = tar::Header::new_gnu();
                header.set_size(10);
                header.set_mode(0o644);
                let mut archive = tar::Builder::new(Vec::new());
                archive.append_data(&mut header, "beat", format!("{count:010}").as_bytes()).unwrap();
                beats.upload(LOCK, "/", archive.into_inner().unwrap()).await.unwrap();
                sleep(Duration::from_secs(30)).await;
            }
        });
        assert_eq!(take(&engine, &app, 600).await.unwrap_err().kind(), Kind::Locked);
        alive.abort();
        take(&engine, &app, 120).await.unwrap();
    });
}
