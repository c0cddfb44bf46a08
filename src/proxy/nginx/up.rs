use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::driver::NginxDriver;
use super::processes::Processes;
use crate::error::Result;
use crate::proxy::seat::Seat;

/// How long nginx may take to read its configuration: a name in it that DNS does not answer takes seconds.
const READING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(30);

impl NginxDriver {
    /// Takes a place in the container, and where nginx has just been started waits until it has read its configuration: one
    /// that cannot start has a process for a moment again and again, and no workers.
    pub(super) async fn seat(&self) -> Result<Seat> {
        let began = Instant::now();
        loop {
            let seat = self.take_seat().await?;
            let pid = seat.container.state.pid;
            if !seat.is_running() || self.up.get() == Some(pid) {
                return Ok(seat);
            }
            let is_reading = match Processes::look(&*self.engine, &seat).await {
                Ok(processes) => processes.master.is_some() && processes.all().is_empty(),
                // It ended since; of an engine that cannot be asked the caller is told by its own question.
                Err(_) => true,
            };
            if !is_reading || began.elapsed() >= READING {
                self.up.set(Some(pid));
                return Ok(seat);
            }
            sleep(PAUSE).await;
        }
    }
}
