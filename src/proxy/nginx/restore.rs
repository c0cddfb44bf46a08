use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::model::NginxRoute;
use crate::proxy::{Former, Restored};

use super::driver::NginxDriver;
use super::flags::{Flag, Flags};
use super::marker::{self, generation_of};
use super::placeholder;
use super::processes::Processes;
use super::reload::{Asks, Before, DEADLINE, Expected, confirm, load, put_all, read_text};
use crate::probe::Vantage;
use crate::proxy::seat::{NEWS, Seat, has_started};

/// How long an nginx that is restarted again and again is followed.
const RESTARTS: Duration = Duration::from_secs(60);
/// How long an nginx may take until it answers after its start.
const STARTING: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

impl NginxDriver {
    /// Puts a snapshot back and proves that nginx uses it.
    pub(super) async fn put_back(&self, former: &Former) -> Result<Restored> {
        let wanted = self.former_file(former)?;
        let flags = self.former_flags(former);
        let began = Instant::now();
        let mut seat = self.seat().await?;
        loop {
            if !seat.is_running() {
                self.put_back_stopped(&seat, wanted.clone(), flags).await?;
                let container = self.proxy.container.as_str();
                if began.elapsed() >= RESTARTS || !has_started(&*self.engine, container).await? {
                    return Ok(Restored::WhenItRuns);
                }
                seat = self.seat().await?;
                continue;
            }
            let error = match self.put_back_running(&seat, wanted.clone(), flags).await {
                Ok(()) => return Ok(Restored::Verified),
                Err(error) => error,
            };
            // It may have died or been restarted in between, of which the engine learns a moment later; then the files are
            // what counts.
            let failed = Instant::now();
            let mut now = self.seat().await?;
            while now.is_same_process(&seat) && failed.elapsed() < NEWS {
                sleep(PAUSE).await;
                now = self.seat().await?;
            }
            if now.is_same_process(&seat) || began.elapsed() >= RESTARTS {
                return Err(error);
            }
            seat = now;
        }
    }

    /// The app's former file. A file that was not there is replaced by one with nobody live: the user's server block
    /// may refer to the upstream, and nginx does not start when nobody defines it.
    fn former_file(&self, former: &Former) -> Result<Option<String>> {
        let text = former.content(&self.file())?.map(str::to_owned);
        match (text, &self.proxy.route) {
            (Some(text), _) => Ok(Some(text)),
            (None, NginxRoute::Upstream(_)) => {
                Ok(Some(placeholder::placeholder(&self.proxy, &self.app.name)?))
            }
            (None, NginxRoute::Server(_)) => Ok(None),
        }
    }

    fn former_flags(&self, former: &Former) -> Flags {
        let is_there = |path: &String| former.files.iter().any(|(file, text)| file == path && text.is_some());
        let paths = self.flag_files();
        Flags::new(Flag::ALL.map(|flag| is_there(&paths[flag.index()])))
    }

    async fn put_back_running(&self, seat: &Seat, wanted: Option<String>, flags: Flags) -> Result<()> {
        let vantage = &*seat.vantage;
        // The flags first: where nginx switches by them, this alone moves the traffic back.
        if self.flags(vantage).await?.live() != flags.live() {
            // Which addresses nginx has in mind for the slot that is left is not known here.
            self.forget_left(vantage).await?;
            self.raise(vantage, flags.live(), true).await?;
        }
        let path = self.file();
        let generation = wanted.as_deref().and_then(generation_of).map(str::to_owned);
        let is_on_disk = read_text(vantage, &path).await? == wanted;
        if is_on_disk && self.loads(vantage, generation.as_deref()).await? && !self.is_reloading(seat).await?
        {
            self.free_space(vantage).await?;
            return self.forget_adopted(vantage).await;
        }
        self.free_space(vantage).await?;
        let before = load(&*self.engine, seat, &[(path, wanted)], Asks::Before).await?;
        let Some(generation) = generation else {
            self.await_gone(seat, &before).await?;
            return self.forget_adopted(vantage).await;
        };
        let expected = Expected {
            app: &self.app.name,
            generation: &generation,
            live: None,
            before: Before::Known(&before),
        };
        confirm(&*self.engine, seat, &expected).await?;
        self.forget_adopted(vantage).await
    }

    /// Waits until nginx knows nothing of the app any more: that it was told proves nothing.
    async fn await_gone(&self, seat: &Seat, before: &[i32]) -> Result<()> {
        let began = Instant::now();
        loop {
            let is_known = marker::ask(&*seat.vantage, &self.app.name).await.map_err(marker::unanswered)?;
            let serving = Processes::look(&*self.engine, seat).await?.serving;
            if is_known.is_none() && !serving.iter().any(|pid| before.contains(pid)) {
                return Ok(());
            }
            if began.elapsed() >= DEADLINE {
                let message = format!(
                    "nginx in {} did not drop the route of {} within {} s",
                    seat.container.name,
                    self.app.name,
                    DEADLINE.as_secs()
                );
                return Err(Error::new(Kind::Proxy, message));
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether nginx has loaded this generation. One that nobody answers for may be starting, and reads it then by itself:
    /// to an old nginx a reload would cost its idle connections.
    async fn loads(&self, vantage: &dyn Vantage, generation: Option<&str>) -> Result<bool> {
        let began = Instant::now();
        loop {
            let marker = marker::ask(vantage, &self.app.name).await.map_err(marker::unanswered)?;
            let loaded = marker.map(|marker| marker.generation);
            if loaded.is_some() || generation.is_none() || began.elapsed() >= STARTING {
                return Ok(loaded.as_deref() == generation);
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether a reload of a moment ago may still be under way, so that an answer of a former worker proves nothing.
    async fn is_reloading(&self, seat: &Seat) -> Result<bool> {
        let Some(before) = self.before_switch.borrow().clone() else { return Ok(false) };
        let now = Processes::look(&*self.engine, seat).await?;
        Ok(now.serving.iter().any(|pid| before.contains(pid)))
    }

    async fn put_back_stopped(&self, seat: &Seat, wanted: Option<String>, flags: Flags) -> Result<()> {
        let vantage = &*seat.vantage;
        let path = self.file();
        let now = read_text(vantage, &path).await?;
        let content = match wanted {
            Some(text) => Some(text),
            // A file cannot be removed while the container is down; an empty one means the same to nginx.
            None => now.is_some().then(String::new),
        };
        if content.is_some() {
            put_all(vantage, &[(path, content)]).await?;
        }
        self.raise(vantage, flags.live(), false).await
    }
}
