use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use super::{Carrier, CarrierKind, Carriers, support, unfit_labels};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, ProxyConfig, ReleaseNumber};
use crate::proxy::traefik::door::Door;
use crate::proxy::traefik::means::{Means, Scene};
use crate::proxy::traefik::names;
use crate::proxy::traefik::preflight::{labels as checks, refusal};
use crate::proxy::traefik::text::Published;
use crate::proxy::{FileChange, Finding, Former, Live, Route};

/// How long Traefik may take, beyond its throttle, to learn of a twin before that is left to the next deploy. On a busy host
/// more than ten seconds were seen.
const LEARNING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
/// How long a program inside the container may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);
/// What a change is shown under, in place of a path.
const CARRIER: &str = "route carrier";

/// A route in the labels of a carrier.
#[derive(Default)]
pub struct ByLabels {
    /// What carriers this Traefik takes, asked once.
    kind: OnceCell<CarrierKind>,
}

impl ByLabels {
    async fn carriers(&self, scene: &Scene<'_>) -> Result<Carriers> {
        let app = App { proxy: ProxyConfig::Traefik(scene.proxy.clone()), ..scene.app.clone() };
        let carriers = Carriers::new(Rc::clone(scene.engine), &app, self.kind(scene).await?)?;
        Ok(match scene.door {
            Ok(door) => carriers.at_door(door, scene.settings),
            Err(_) => carriers,
        })
    }

    async fn kind(&self, scene: &Scene<'_>) -> Result<CarrierKind> {
        if !scene.seat.is_running() && self.kind.get().is_none() {
            // Nothing is made for a Traefik that is down; what is there is read as the newest would.
            return Ok(CarrierKind::Kept);
        }
        self.kind.get_or_try_init(|| async { support(&version(scene).await?) }).await.copied()
    }

    async fn live(&self, scene: &Scene<'_>) -> Result<Option<Carrier>> {
        self.carriers(scene).await?.live().await
    }

    /// Lets the twin of the live carrier take over as soon as Traefik knows it. What cannot be done in time is left to
    /// the next deploy: until then the route only has a higher priority than it was given.
    async fn settle(&self, scene: &Scene<'_>, carriers: &Carriers) -> Result<()> {
        let Ok(door) = scene.door else { return Ok(()) };
        let deadline = Instant::now() + LEARNING + scene.settings.throttle;
        let knows = async |twin: &Carrier| Ok(knows(scene, door, twin).await);
        while !carriers.lower(&knows).await? && Instant::now() < deadline {
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Whether Traefik routes by this very carrier.
async fn knows(scene: &Scene<'_>, door: &Door, carrier: &Carrier) -> bool {
    let app = &scene.app.name;
    let request = door.request(app, door.meets.path(), None, &carrier.id(app), LIMIT);
    let answer = scene.seat.vantage.request(&request).await;
    answer.is_ok_and(|answer| answer.header("x-bgd-generation") == Some(carrier.generation.as_str()))
}

/// Traefik's version: what its API told, else what the program itself says.
async fn version(scene: &Scene<'_>) -> Result<String> {
    if let Some(version) = &scene.settings.version {
        return Ok(version.clone());
    }
    let container = &scene.seat.container;
    let command = ["traefik".to_owned(), "version".to_owned()];
    let said = scene.engine.exec(&container.id, &command, LIMIT).await.map(|said| said.output);
    let said = said.unwrap_or_else(|error| error.one_line());
    let found =
        said.lines().find_map(|line| line.strip_prefix("Version:")).map(|text| text.trim().to_owned());
    found.ok_or_else(|| {
        Error::new(Kind::Config, format!("the version of Traefik in {} cannot be found out", container.name))
            .detail("traefik version says", said)
            .hint("let its API answer inside the container: --api.insecure=true, without publishing its port")
            .hint("or use  proxy.traefik.mode: file , which needs no version")
    })
}

fn published(app: &AppName, carrier: &Carrier) -> Published {
    let id = carrier.id(app);
    let url = format!("traefik.http.services.{id}.loadbalancer.server.url");
    Published {
        live: Live { slot: carrier.slot, release: Some(carrier.release) },
        marker: format!("{id}_marker"),
        url: carrier.labels.get(&url).cloned().unwrap_or_default(),
        router: id.clone(),
        service: id,
        generation: carrier.generation.clone(),
        asked: carrier.asked(app),
    }
}

#[async_trait(?Send)]
impl Means for ByLabels {
    fn provider(&self) -> &'static str {
        "docker"
    }

    fn marker(&self, app: &AppName) -> String {
        names::carriers(app)
    }

    async fn published(&self, scene: &Scene<'_>) -> Result<Option<Published>> {
        Ok(self.live(scene).await?.map(|carrier| published(&scene.app.name, &carrier)))
    }

    async fn outlast(&self, scene: &Scene<'_>, releases: &[ReleaseNumber]) -> Result<()> {
        self.carriers(scene).await?.outlast(releases).await
    }

    async fn snapshot(&self, scene: &Scene<'_>) -> Result<Former> {
        self.carriers(scene).await?.snapshot().await
    }

    async fn preview(&self, scene: &Scene<'_>, route: &Route) -> Result<Vec<FileChange>> {
        let carriers = self.carriers(scene).await?;
        let now = carriers.live().await?.map(|carrier| carrier.text());
        let then = match &route.live {
            Some(target) => Some(carriers.preview(target).await?),
            None => None,
        };
        if now == then {
            return Ok(Vec::new());
        }
        Ok(vec![FileChange { path: CARRIER.to_owned(), now, then }])
    }

    async fn prepare(&self, scene: &Scene<'_>, route: &Route) -> Result<()> {
        let carriers = self.carriers(scene).await?;
        // What would not render is found here, before anything has moved.
        if let Some(idle) = &route.idle {
            carriers.preview(idle).await?;
        }
        carriers.prepare().await
    }

    async fn publish(&self, scene: &Scene<'_>, route: &Route) -> Result<()> {
        let carriers = self.carriers(scene).await?;
        match &route.live {
            Some(target) => carriers.put(target).await.map(drop),
            None => carriers.put_back(&Former::default()).await.map(drop),
        }
    }

    async fn put_back(&self, scene: &Scene<'_>, former: &Former) -> Result<()> {
        self.carriers(scene).await?.put_back(former).await.map(drop)
    }

    fn is_own(&self, app: &AppName, router: &str) -> bool {
        // `bgd-APP-rN-SEQUENCE`, and the same with `_marker` behind it.
        let numbers = router
            .strip_suffix("_marker")
            .unwrap_or(router)
            .strip_prefix(&format!("bgd-{app}-r"))
            .and_then(|numbers| numbers.split_once('-'));
        numbers.is_some_and(|(release, sequence)| {
            release.parse().map(ReleaseNumber).is_ok() && sequence.parse::<u64>().is_ok()
        })
    }

    async fn edited(&self, _: &Scene<'_>) -> Result<Vec<String>> {
        // The labels of a container cannot be changed.
        Ok(Vec::new())
    }

    async fn has_read(&self, scene: &Scene<'_>) -> Result<bool> {
        let (Ok(door), Some(live)) = (scene.door, self.live(scene).await?) else { return Ok(true) };
        // It was made last, so that Traefik has seen everything that was made before it.
        Ok(knows(scene, door, &live).await)
    }

    async fn tidy(&self, scene: &Scene<'_>) -> Result<()> {
        let carriers = self.carriers(scene).await?;
        carriers.forget().await?;
        if scene.seat.is_running() {
            return self.settle(scene, &carriers).await;
        }
        // A Traefik that is down knows nothing, and reads everything when it comes up.
        carriers.lower(async |_| Ok(true)).await.map(drop)
    }

    async fn forget(&self, scene: &Scene<'_>, _: &Route) -> Result<()> {
        let carriers = self.carriers(scene).await?;
        carriers.forget().await?;
        self.settle(scene, &carriers).await
    }

    async fn check(&self, scene: &Scene<'_>) -> Result<Vec<Finding>> {
        let mut findings = checks::provider(scene.settings, scene.app, &scene.seat.container.name);
        findings.extend(unfit_labels(scene.app).map(|error| refusal(&error)));
        if findings.is_empty()
            && let Err(error) = self.carriers(scene).await
        {
            findings.push(refusal(&error));
        }
        Ok(findings)
    }
}
