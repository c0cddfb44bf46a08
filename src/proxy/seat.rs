use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::docker::{Container, Engine};
use crate::error::{Error, Kind, Result};
use crate::probe::{self, Vantage};

/// How long a container has to be up to count as running.
const STEADY: Duration = Duration::from_millis(600);
/// How long the engine may take to learn that a container has ended or begun.
pub const NEWS: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(30);
/// How often a container whose process ends while a place is taken in it is looked up again.
const LOOKS: usize = 3;

/// A proxy's container as it is now, and a place inside it.
#[derive(Clone)]
pub struct Seat {
    /// The container, looked up just now.
    pub container: Container,
    /// A place in its network and file system.
    pub vantage: Rc<dyn Vantage>,
}

impl Seat {
    /// Whether the proxy can be asked and told something.
    pub fn is_running(&self) -> bool {
        self.container.state.running && !self.container.state.restarting
    }

    /// Whether another look has found the same process.
    pub fn is_same_process(&self, now: &Self) -> bool {
        is_same_process(&self.container, &now.container)
    }

    /// The error for a proxy that does not run.
    pub fn not_running(&self) -> Error {
        let (name, state) = (&self.container.name, &self.container.state);
        let mut error = Error::new(
            Kind::Proxy,
            format!("the container {name} of the proxy does not run ({})", state.status),
        );
        if !state.error.is_empty() {
            error = error.caused_by(state.error.as_str());
        }
        // Docker starts one that is restarting itself.
        if !state.restarting {
            error = error.hint(format!("start it: docker start {name}"));
        }
        error.hint(format!("see why with: docker logs --tail 20 {name}"))
    }
}

/// Takes a place inside a container, or keeps the one that was taken while the container's process is the same.
///
/// # Errors
/// Of the kind `Config` when there is no such container.
pub async fn take(engine: &Rc<dyn Engine>, name: &str, former: Option<Seat>) -> Result<Seat> {
    let mut container = steady(&**engine, name).await?;
    if let Some(former) = former
        && is_same_process(&former.container, &container)
        && former.vantage.stands()
    {
        return Ok(Seat { container, vantage: former.vantage });
    }
    for _ in 0..LOOKS {
        let mut seen = container.clone();
        // Where it is being restarted its process may be there at this moment and gone at the next.
        seen.state.running &= !seen.state.restarting;
        let opened = probe::open(Rc::clone(engine), &seen).await;
        let Err(error) = opened else {
            return opened.map(|vantage| Seat { container, vantage });
        };
        let now = steady(&**engine, name).await?;
        if is_same_process(&container, &now) && container.state.restarting == now.state.restarting {
            return Err(error);
        }
        container = now;
    }
    let vantage = probe::open(Rc::clone(engine), &container).await?;
    Ok(Seat { container, vantage })
}

/// Whether a proxy was started while its files were put back: it may have read those of before, and the engine learns of it
/// a moment later.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn has_started(engine: &dyn Engine, name: &str) -> Result<bool> {
    let put_back = Instant::now();
    loop {
        let container = engine.container(name).await?;
        if container.is_some_and(|container| container.state.running && !container.state.restarting) {
            return Ok(true);
        }
        if put_back.elapsed() >= NEWS {
            return Ok(false);
        }
        sleep(PAUSE).await;
    }
}

/// Whether the engine is away, so that nobody can say how a container is. What runs in it goes on all the same, and a
/// place that was taken in it before still serves.
pub async fn is_out_of_sight(engine: &dyn Engine, name: &str) -> bool {
    engine.glance(name).await.is_err_and(|error| error.is_unreachable())
}

/// What to do when a proxy is not there that was there before.
pub(super) const ABSENT: &str =
    "if it is a service of a compose project that was taken down, start it again: docker compose up -d";

/// Looks a container up. One that was started a moment ago is watched until it is clear whether it stays up: a proxy
/// whose configuration is refused ends within milliseconds, and with a restart policy begins again and again.
async fn steady(engine: &dyn Engine, name: &str) -> Result<Container> {
    let start = Instant::now();
    loop {
        let Some(container) = engine.container(name).await? else {
            return Err(Error::new(Kind::Config, format!("there is no container named {name}"))
                .hint("`container` under `proxy` names the container in which the proxy runs; docker ps -a lists them")
                .hint(ABSENT));
        };
        let state = &container.state;
        let age = state.started.map(|started| Timestamp::now().duration_since(started));
        let is_fresh = age.is_some_and(|age| age < STEADY.try_into().unwrap_or_default());
        // The engine's clock may be ahead of this one's: nobody waits longer than that for it.
        if !state.running || state.restarting || !is_fresh || start.elapsed() >= STEADY * 2 {
            return Ok(container);
        }
        sleep(PAUSE).await;
    }
}

fn is_same_process(former: &Container, now: &Container) -> bool {
    former.id == now.id
        && former.state.running == now.state.running
        && former.state.pid == now.state.pid
        && former.state.started == now.state.started
}
