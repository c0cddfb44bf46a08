use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::driver::NginxDriver;
use super::processes::Processes;
use crate::error::Result;
use crate::probe;
use crate::proxy::seat::{NEWS, Seat};

/// How long nginx may take to read its configuration: a name in it that DNS does not answer takes seconds.
const READING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(30);

impl NginxDriver {
    /// Takes a place in the container, and where nginx has just been started waits until it has read its configuration: one
    /// that cannot start has a process for a moment again and again, and no workers.
    pub(super) async fn seat(&self) -> Result<Seat> {
        let began = Instant::now();
        let mut first = None;
        loop {
            let seat = self.take_seat().await?;
            let pid = seat.container.state.pid;
            if !seat.is_running() || self.up.get() == Some(pid) {
                return Ok(seat);
            }
            if *first.get_or_insert(pid) != pid {
                return self.restarting(seat).await;
            }
            let is_reading = match Processes::look(&*self.engine, &seat).await {
                // At its very beginning a container has another program in it, or none.
                Ok(processes) if began.elapsed() < NEWS => processes.all().is_empty(),
                Ok(processes) => processes.is_reading,
                // It ended since; an engine that cannot be asked is told of by the next look at the container.
                Err(_) => true,
            };
            if !is_reading || began.elapsed() >= READING {
                self.up.set(Some(pid));
                return Ok(seat);
            }
            sleep(PAUSE).await;
        }
    }

    /// The container as one that is being restarted, with a place in it that outlives its process.
    async fn restarting(&self, seat: Seat) -> Result<Seat> {
        let mut container = seat.container;
        container.state.restarting = true;
        "restarting".clone_into(&mut container.state.status);
        let mut seen = container.clone();
        seen.state.running = false;
        let vantage = probe::open(Rc::clone(&self.engine), &seen).await?;
        Ok(Seat { container, vantage })
    }
}
