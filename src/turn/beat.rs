use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::docker::Engine;
use crate::error::Result;
use crate::own::Owned;

/// How often a holder gives a sign of life.
const EVERY: Duration = Duration::from_secs(5);
/// How long one may give none. A restart of the engine takes less.
pub(super) const SILENCE: Duration = Duration::from_secs(60);
const FILE: &str = "beat";

/// The signs of life of this process, which end when this is dropped.
pub(super) struct Beat(JoinHandle<()>);

impl Beat {
    pub(super) fn start(engine: Rc<dyn Engine>, lock: String) -> Self {
        Self(tokio::task::spawn_local(async move {
            for count in 0_u64.. {
                sleep(EVERY).await;
                let Some(archive) = archive(count) else { return };
                // An engine that is away hears the next one.
                if let Err(error) = engine.upload(&lock, "/", archive).await {
                    tracing::debug!("no sign of life: {}", error.one_line());
                }
            }
        }))
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn archive(count: u64) -> Option<Vec<u8>> {
    let text = count.to_string();
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, FILE, text.as_bytes()).ok()?;
    archive.into_inner().ok()
}

/// What was seen of another's signs of life.
#[derive(Default)]
pub(super) struct Watched(Option<(String, Option<Vec<u8>>, Instant)>);

impl Watched {
    /// Whether the holder of this lock has been silent for too long, while it was watched.
    pub(super) async fn is_silent(&mut self, engine: &dyn Engine, lock: &Owned) -> Result<bool> {
        let now = engine.download(&lock.id, &format!("/{FILE}")).await?;
        match &self.0 {
            Some((id, last, since)) if *id == lock.id && *last == now => Ok(since.elapsed() >= SILENCE),
            _ => {
                self.0 = Some((lock.id.clone(), now, Instant::now()));
                Ok(false)
            }
        }
    }
}
