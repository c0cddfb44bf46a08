use std::net::IpAddr;

use crate::error::Result;
use crate::proxy::InFlight;

use super::driver::NginxDriver;
use super::processes::Processes;

impl NginxDriver {
    /// Counts old workers and open connections towards a slot that was left.
    ///
    /// Workers that began to leave after the switch never knew that slot as live, so they do not count. When the
    /// switch was another process's, all leaving workers do.
    pub(super) async fn count_in_flight(&self, left: &[IpAddr]) -> Result<InFlight> {
        let seat = self.running().await?;
        let open = seat.vantage.connections().await?;
        let processes = Processes::look(&*self.engine, &seat).await?;
        let before = self.before_switch.borrow();
        let counts = |pid: &&i32| before.as_ref().is_none_or(|before| before.contains(pid));
        // Whatever its port: a release may have had another one than the configuration has now.
        let connections = open.iter().filter(|connection| left.contains(&connection.remote.ip()));
        Ok(InFlight {
            old_workers: processes.leaving.iter().filter(counts).count(),
            connections: connections.count(),
        })
    }
}
