use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::model::NginxRoute;

use super::driver::NginxDriver;
use super::marker;
use super::names;
use super::processes::complaints;
use super::reload::{put_all, read_text};
use super::text;
use crate::proxy::seat::Seat;

/// How long nginx may take to come up.
const DEADLINE: Duration = Duration::from_secs(15);

impl NginxDriver {
    /// Takes a place in a running nginx. One that does not start because its configuration refers to an upstream which
    /// nobody defines gets a definition first, and is started.
    pub(super) async fn unlocked(&self) -> Result<Seat> {
        let seat = self.seat().await?;
        if seat.is_running() {
            return Ok(seat);
        }
        if !self.waits_for_upstream(&seat).await? {
            return Err(self.stopped(&seat).await);
        }
        self.unlock(seat).await
    }

    /// Whether this nginx is down because nobody defines the app's upstream yet.
    pub(super) async fn waits_for_upstream(&self, seat: &Seat) -> Result<bool> {
        let NginxRoute::Upstream(name) = &self.proxy.route else { return Ok(false) };
        // The log may speak of former times: a definition of bgd's own is never overwritten here.
        let text = read_text(&*seat.vantage, &self.file()).await?;
        if text.as_deref().and_then(marker::generation_of).is_some() {
            return Ok(false);
        }
        let log = self.engine.log_tail(&seat.container.id, 20).await?;
        let complaint = format!("host not found in upstream \"{name}\"");
        let last = log.lines().rfind(|line| line.contains("[emerg]"));
        Ok(last.is_some_and(|line| line.contains(&complaint)))
    }

    /// The error for an nginx that is down, with the reason from its log.
    pub(super) async fn stopped(&self, seat: &Seat) -> Error {
        let log = self.engine.log_tail(&seat.container.id, 20).await.unwrap_or_default();
        seat.not_running().detail(format!("last lines of {}", seat.container.name), complaints(&log))
    }

    /// Defines the upstream, with nobody live behind it, and starts nginx.
    async fn unlock(&self, seat: Seat) -> Result<Seat> {
        // Docker waits longer before each restart; stopped, it starts at once, and its files hold still.
        #[expect(clippy::disallowed_methods, reason = "the configuration names it as the proxy")]
        self.engine.stop(&seat.container.id, Duration::ZERO).await?;
        let seat = self.seat().await?;
        let files = [
            (names::shared_of(&self.proxy), Some(text::shared_placeholder()?)),
            (self.file(), Some(text::placeholder(&self.proxy, &self.app.name)?)),
        ];
        put_all(&*seat.vantage, &files).await?;
        self.engine.start(&seat.container.id).await?;
        let start = Instant::now();
        loop {
            let seat = self.seat().await?;
            let knows_app =
                marker::ask(&*seat.vantage, &self.app.name).await.is_ok_and(|marker| marker.is_some());
            if seat.is_running() && knows_app {
                return Ok(seat);
            }
            if start.elapsed() >= DEADLINE {
                let error = self.stopped(&seat).await;
                return Err(Error::new(
                    Kind::Proxy,
                    "nginx does not come up, although its upstream is defined now",
                )
                .caused_by(error));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
