//! Whether a request came to the containers of a release. An answer alone does not tell who gave it: a location, a router or
//! another server block of the user's may have led it elsewhere.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::docker::Engine;
use crate::plan::Present;
use crate::probe::Request;
use crate::proxy::Arrival;

/// The length of the header that is added to the request, in bytes. uWSGI takes 4 KB of headers by default (`buffer-size`).
const PADDING: usize = 1800;
/// Fewer bytes than these are packets of ARP and the like. HTTP/2 makes a header shorter, by an eighth at most.
const ENOUGH: u64 = 1500;
/// For so many times the time of a request it is looked what else comes to a container.
const BESIDE: u32 = 10;
const LEAST: Duration = Duration::from_millis(20);
const MOST: Duration = Duration::from_millis(200);
/// How often a request is sent to a busy container: it did not come there when once less came than it has.
const ASKS: usize = 10;
/// For how long at most: an app may be slow.
const PATIENCE: Duration = Duration::from_secs(1);

/// Makes a request so large that it is seen to arrive.
pub(super) fn pad(request: &mut Request) {
    request.headers.push(("X-Bgd-Padding".to_owned(), "x".repeat(PADDING)));
}

/// Asks, and sees whether the request came to the first containers: nothing where that cannot be seen. The last value is
/// whether it may have come to the others instead.
pub(super) async fn ask<T>(
    engine: &dyn Engine,
    (to, others): (&Present, &Present),
    request: impl AsyncFn() -> T,
) -> (T, Option<Arrival>, bool) {
    let (mut first, mut asked, start) = (None, 0, Instant::now());
    loop {
        let (count, beside, began) = (Count::begin(engine, to), Count::begin(engine, others), Instant::now());
        let answer = request().await;
        let took = began.elapsed();
        // The answer is that of the first one: the others are sent only to see where they end.
        let got = first.take().unwrap_or(answer);
        match count.has_arrived() {
            None => return (got, None, false),
            Some(false) => return (got, Some(Arrival::No), beside.has_arrived() == Some(true)),
            Some(true) => {}
        }
        if asked == 0 {
            let then = Count::begin(engine, to);
            sleep((took * BESIDE).clamp(LEAST, MOST)).await;
            if then.has_arrived() == Some(false) {
                return (got, Some(Arrival::Yes), false);
            }
        }
        asked += 1;
        if asked == ASKS || start.elapsed() >= PATIENCE {
            return (got, Some(Arrival::Maybe), false);
        }
        first = Some(got);
    }
}

/// The bytes that came to the containers of a release.
struct Count<'a> {
    engine: &'a dyn Engine,
    containers: &'a Present,
    before: Option<u64>,
}

impl<'a> Count<'a> {
    fn begin(engine: &'a dyn Engine, containers: &'a Present) -> Self {
        Self { engine, containers, before: received(engine, containers) }
    }

    /// Whether as much as a request came to them since. `None` where that cannot be seen.
    fn has_arrived(&self) -> Option<bool> {
        let now = received(self.engine, self.containers);
        now.zip(self.before).map(|(now, before)| now.saturating_sub(before) >= ENOUGH)
    }
}

fn received(engine: &dyn Engine, containers: &Present) -> Option<u64> {
    let mut all = containers.iter().map(|container| engine.received(container)).peekable();
    all.peek()?;
    all.sum()
}
