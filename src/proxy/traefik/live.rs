use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::probe::{Request, cheap_path};
use crate::proxy::{Former, Live, Target};

use super::confirm::{Proof, api, ask};
use super::driver::TraefikDriver;
use super::means::Scene;
use super::names;
use super::text::Published;

/// How long a Traefik that has just started may take until it serves what is written for it.
const STARTING: Duration = Duration::from_secs(5);
/// How long Traefik may take, beyond its throttle, to read what was put back.
const READING: Duration = Duration::from_secs(10);
/// How long a release may take to answer Traefik's neighbour.
const REACH: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

impl TraefikDriver {
    /// What Traefik says is live, and what is written for it where it is stopped.
    pub(super) async fn look_for_live(&self, scene: &Scene<'_>) -> Result<Option<Live>> {
        let published = self.means.published(scene).await?;
        let written = published.as_ref().map(|published| published.live);
        if !scene.seat.is_running() {
            return Ok(written);
        }
        if scene.door.is_err() && scene.settings.api.is_none() {
            return if written.is_none() { Ok(None) } else { Err(self.blind(scene)) };
        }
        let start = Instant::now();
        loop {
            let seen = self.ask_live(scene, published.as_ref()).await;
            match seen {
                Ok(Some(live)) => return Ok(Some(live)),
                Ok(None) if written.is_none() => return Ok(None),
                // It may be starting, or about to take the first route.
                _ if start.elapsed() < STARTING => sleep(PAUSE).await,
                Ok(None) => {
                    let message = format!(
                        "Traefik in {} does not serve the route that bgd wrote for it",
                        scene.seat.container.name
                    );
                    return Err(Error::new(Kind::Proxy, message)
                        .detail("Traefik's log says", self.complaints(scene).await));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask_live(&self, scene: &Scene<'_>, published: Option<&Published>) -> Result<Option<Live>> {
        let unanswered = |failure| {
            let message = format!("Traefik in {} does not answer", scene.seat.container.name);
            Error::new(Kind::Proxy, message).caused_by(failure)
        };
        if let Ok(door) = scene.door {
            let request = self.marker_request(door, published);
            let told = match ask(&*scene.seat.vantage, &request).await {
                Ok(told) => told,
                // Traefik is there, and the release does not answer it: of the route the API tells.
                Err(failure) if failure.kind.has_connected() && scene.settings.api.is_some() => None,
                Err(failure) if failure.kind.has_connected() => {
                    let container = &scene.seat.container.name;
                    let message = format!(
                        "what Traefik in {container} routes to cannot be told: a request for the app came to no answer"
                    );
                    let hint = "the app itself may not answer; Traefik's API, which would tell, does not answer either";
                    return Err(Error::new(Kind::Proxy, message).caused_by(failure).hint(hint));
                }
                Err(failure) => return Err(unanswered(failure)),
            };
            if let Some((live, generation)) = told
                && (published.is_some_and(|known| known.generation == generation)
                    || !self.means.is_of_another(scene, &generation).await?)
            {
                return Ok(Some(live));
            }
        }
        match api(scene) {
            // The route may have been written when the marker had no door.
            Some(api) => {
                let marker =
                    published.map_or_else(|| names::marker(&self.app.name), |known| known.marker.clone());
                api.live(&marker, self.means.provider()).await.map_err(unanswered)
            }
            None => Ok(None),
        }
    }

    /// Brings a snapshot back to a running Traefik and proves that it is in force.
    pub(super) async fn put_back(&self, scene: &Scene<'_>, former: &Former) -> Result<()> {
        self.means.put_back(scene, former).await?;
        let expected = self.means.published(scene).await?;
        self.confirm(scene, expected.as_ref(), Proof::InForce).await?;
        let start = Instant::now();
        while !self.means.has_read(scene).await? {
            if start.elapsed() >= READING + scene.settings.throttle {
                let message = format!(
                    "Traefik in {} serves the former route, and does not take that it was put back",
                    scene.seat.container.name
                );
                return Err(Error::new(Kind::Proxy, message)
                    .detail("Traefik's log says", self.complaints(scene).await));
            }
            sleep(PAUSE).await;
        }
        self.means.tidy(scene).await
    }

    /// Brings a snapshot back for a Traefik that is down.
    pub(super) async fn put_back_stopped(&self, scene: &Scene<'_>, former: &Former) -> Result<()> {
        self.means.put_back(scene, former).await?;
        self.means.tidy(scene).await
    }

    /// Waits until every container of a release answers from where Traefik stands. Any status will do.
    pub(super) async fn reach(&self, scene: &Scene<'_>, target: &Target) -> Result<()> {
        let path = cheap_path(&self.app);
        let host = scene.door.ok().and_then(|door| door.meets.host.clone());
        let host = host.unwrap_or_else(|| self.app.name.to_string());
        let start = Instant::now();
        loop {
            let asked = target.addresses.iter().map(async |address| {
                let at = SocketAddr::new(*address, target.port);
                let request = Request::get(at, host.as_str(), path, LIMIT);
                scene.seat.vantage.request(&request).await.map_err(|failure| format!("{at}: {failure}"))
            });
            let Some(Err(seen)) = join_all(asked).await.into_iter().find(Result::is_err) else {
                return Ok(());
            };
            if start.elapsed() >= REACH {
                let message = format!(
                    "Traefik in {} does not reach release {}: {seen}",
                    scene.seat.container.name, target.release
                );
                return Err(Error::new(Kind::Proxy, message).hint(format!(
                    "is the app listening on port {} on all of its addresses, not only on 127.0.0.1?",
                    target.port
                )));
            }
            sleep(PAUSE).await;
        }
    }
}
