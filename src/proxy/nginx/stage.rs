use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::proxy::{Live, Route, Target};

use super::driver::NginxDriver;
use super::marker::generation_of;
use super::reload::{Asks, Before, Change, Expected, confirm, is_loaded, load, read_text, why};
use super::text::LiveBy;
use super::version::Method;
use crate::proxy::seat::Seat;

/// How long after nginx has reached a release its name counts as resolved in the app's upstream too.
///
/// Both upstreams are resolved by the same worker in the same tick, 1 ms after it starts
/// (`ngx_http_upstream_zone_init_worker`), through resolvers of their own; this is what two answers can be apart.
const SECOND_ANSWER: Duration = Duration::from_millis(30);

impl NginxDriver {
    /// Registers the idle release: nginx resolves its name now, so that the reload of the switch finds its addresses.
    pub(super) async fn stage_by_reload(&self, seat: &Seat, route: &Route) -> Result<()> {
        if route.live.is_some() {
            self.set_space_aside(&*seat.vantage).await?;
        }
        self.make_live_known(seat, route).await?;
        let wanted = self.wanted_files(seat, route).await?;
        let generation = self.bring(seat, &wanted, Asks::Before).await?;
        if let Some(idle) = &route.idle {
            self.reach(seat, idle, Some(&generation)).await?;
            self.known_since.set(Some(Instant::now()));
        }
        Ok(())
    }

    /// An nginx that has never resolved the live release's name would have nobody to send requests to for a moment
    /// after a reload. There the first file names its addresses, and its name beside them.
    async fn make_live_known(&self, seat: &Seat, route: &Route) -> Result<()> {
        let Some(live) = &route.live else { return Ok(()) };
        let known = self.knows(seat, &live.release_host, live.port).await?;
        if known || live.addresses.is_empty() {
            return Ok(());
        }
        let first = Route { live: Some(live.clone()), idle: Some(live.clone()) };
        let text = self.render(seat, &first, LiveBy::Address).await?;
        let generation =
            self.bring(seat, &[self.shared(seat).await?, (self.file(), Some(text))], Asks::Before).await?;
        self.reach(seat, live, Some(&generation)).await?;
        sleep(SECOND_ANSWER).await;
        Ok(())
    }

    /// Has nginx use these files, of which the last is the app's. Nothing is done when it does already.
    async fn bring(&self, seat: &Seat, wanted: &[Change], asks: Asks) -> Result<String> {
        let text = wanted.last().and_then(|(_, text)| text.as_deref()).unwrap_or_default();
        let generation = generation_of(text).unwrap_or_default().to_owned();
        if self.is_in_use(seat, wanted, &generation).await? {
            return Ok(generation);
        }
        load(&*self.engine, seat, wanted, asks).await?;
        // What is live does not change, so the former workers may go on meanwhile.
        let expected =
            Expected { app: &self.app.name, generation: &generation, live: None, before: Before::Irrelevant };
        confirm(&*self.engine, seat, &expected).await?;
        Ok(generation)
    }

    async fn is_in_use(&self, seat: &Seat, wanted: &[Change], generation: &str) -> Result<bool> {
        for (path, text) in wanted {
            if read_text(&*seat.vantage, path).await? != *text {
                return Ok(false);
            }
        }
        is_loaded(&*seat.vantage, &self.app.name, generation).await
    }

    /// Moves traffic by a reload. Returns when nginx was told.
    pub(super) async fn switch_by_reload(&self, seat: &Seat, route: &Route) -> Result<()> {
        let staged = self.known_since.take();
        // Everything up to telling nginx goes on meanwhile.
        let asks =
            staged.map_or(Asks::Before, |since| Asks::Afterwards { not_before: since + SECOND_ANSWER });
        let live_by = match &route.live {
            Some(live) if staged.is_none() => {
                let known = self.knows(seat, &live.release_host, live.port).await?;
                if known { LiveBy::Name } else { LiveBy::Address }
            }
            _ => LiveBy::Name,
        };
        let text = self.render(seat, route, live_by).await?;
        let before = load(&*self.engine, seat, &[(self.file(), Some(text))], asks).await?;
        *self.before_switch.borrow_mut() = Some(before);
        Ok(())
    }

    /// Drops the idle release from nginx's configuration.
    pub(super) async fn forget_by_reload(&self, seat: &Seat, route: &Route) -> Result<()> {
        let route = Route { live: route.live.clone(), idle: None };
        let wanted = self.wanted_files(seat, &route).await?;
        self.bring(seat, &wanted, Asks::Afterwards { not_before: Instant::now() }).await?;
        Ok(())
    }

    /// Proves that every new request goes to what should be live.
    pub(super) async fn prove(&self, seat: &Seat, route: &Route) -> Result<()> {
        let reloads = self.method(seat).await? == Method::Reload;
        let disk = read_text(&*seat.vantage, &self.file()).await?.unwrap_or_default();
        let Some(generation) = generation_of(&disk) else {
            return Err(Error::new(Kind::Proxy, format!("{} is not a file of bgd's", self.file())));
        };
        let live = route.live.as_ref().map(|target| as_live(target, reloads));
        let known = self.before_switch.borrow().clone();
        let before = match &known {
            _ if !reloads => Before::Irrelevant,
            Some(before) => Before::Known(before),
            None => Before::Forgotten,
        };
        let expected = Expected { app: &self.app.name, generation, live: Some(live), before };
        confirm(&*self.engine, seat, &expected).await?;
        match &route.live {
            Some(target) => match self.reach_live(seat, target).await {
                Ok(()) => self.name_live(seat, route, target, reloads).await,
                Err(error) => Err(why(&*self.engine, seat, error).await),
            },
            None => Ok(()),
        }
    }
}

impl NginxDriver {
    /// Names the live release where a switch had to do with its addresses: they change when its containers are started
    /// again, and the address may then be another container's.
    async fn name_live(&self, seat: &Seat, route: &Route, live: &Target, reloads: bool) -> Result<()> {
        if !reloads || self.knows_live_by_name(seat, live).await? {
            return Ok(());
        }
        sleep(SECOND_ANSWER).await;
        let wanted = self.wanted_files(seat, route).await?;
        self.bring(seat, &wanted, Asks::Before).await.map(|_| ())
    }
}

fn as_live(target: &Target, tells_release: bool) -> Live {
    Live { slot: target.slot, release: tells_release.then_some(target.release) }
}
