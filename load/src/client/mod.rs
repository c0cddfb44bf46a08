mod http;
mod websocket;

use crate::failure::{Failure, FailureKind};
use crate::kind::Kind;
use crate::load::Load;
use crate::tally::Tally;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

/// The time that a request may take by default, connecting included.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(10);

/// What all clients share.
pub(crate) struct Shared {
    load: Load,
    tally: Mutex<Tally>,
    stopping: watch::Sender<bool>,
}

impl Shared {
    pub fn new(load: Load) -> Arc<Self> {
        let tally = Mutex::new(Tally::new(&load.clients));
        Arc::new(Self { load, tally, stopping: watch::Sender::new(false) })
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn netns(&self) -> Option<&Path> {
        self.load.netns.as_deref()
    }

    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    async fn stopped(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Gives up on a request that takes too long.
    async fn in_time<T>(
        &self,
        kind: Kind,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = self.load.time_limit + kind.takes();
        timeout(limit, request).await.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::TimedOut, format!("no whole answer within {limit:?}")))
        })
    }

    async fn failed(&self, kind: Kind, failure: Failure, began: std::time::Instant) {
        self.tally().failed(kind, failure, began);
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

/// Runs every client until the load is stopped.
pub(crate) async fn run_all(shared: Arc<Shared>) {
    let mut clients = JoinSet::new();
    for (kind, count) in shared.load.clients.clone() {
        for index in 0..count {
            let pace = kind.pace().or(shared.load.pace).map(|pace| spread(pace, index, count));
            match kind {
                Kind::Websocket | Kind::SilentWebsocket => {
                    clients.spawn(websocket::run(shared.clone(), kind, pace))
                }
                kind => clients.spawn(http::run(shared.clone(), kind, pace)),
            };
        }
    }
    while clients.join_next().await.is_some() {}
}

/// Ticks at a pace, out of step with the other clients, so that their requests do not come in one burst.
fn spread(pace: Duration, index: usize, count: usize) -> Interval {
    let offset = pace.mul_f64(index as f64 / count as f64);
    let mut ticks = interval_at(Instant::now() + offset, pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
