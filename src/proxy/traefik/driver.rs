use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::{App, ProxyConfig, ReleaseNumber, TraefikMode, TraefikProxy};
use crate::probe::{Answer, Failure, FailureKind, Vantage};
use crate::proxy::seat::{self, NEWS, Seat};
use crate::proxy::{
    ClientRequest, FileChange, Finding, Former, InFlight, Live, Manner, Origin, Proxy, Restored, Route, Seen,
    Through, is_plain,
};

use super::api::Api;
use super::confirm::Proof;
use super::door::{self, Door};
use super::files::Files;
use super::in_flight::AtSwitch;
use super::labels::ByLabels;
use super::look;
use super::means::{Means, Scene};
use super::names;
use super::rivals;
use super::rule;
use super::settings::Settings;

/// Routes to one app by a Traefik in a container.
pub struct TraefikDriver {
    pub(super) engine: Rc<dyn Engine>,
    pub(super) app: App,
    pub(super) proxy: TraefikProxy,
    pub(super) means: Box<dyn Means>,
    known: RefCell<Option<Known>>,
    pub(super) at_switch: RefCell<AtSwitch>,
}

/// How long a Traefik that is restarted again and again is followed.
const RESTARTS: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// A Traefik's process and what was found out about it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) seat: Seat,
    pub(super) settings: Rc<Settings>,
    /// The configuration, with a priority that outranks what others route by the same rule.
    proxy: Rc<TraefikProxy>,
    door: Rc<Result<Door, String>>,
}

impl TraefikDriver {
    /// Makes the driver of an app. The container is looked up when something is asked of it.
    ///
    /// # Errors
    /// Of the kind `Config` when the app is not behind a Traefik, or the folder for its file is no absolute path.
    pub fn new(engine: Rc<dyn Engine>, app: &App) -> Result<Self> {
        let ProxyConfig::Traefik(proxy) = &app.proxy else {
            return Err(Error::new(Kind::Config, format!("{} is not behind a Traefik", app.name)));
        };
        let means: Box<dyn Means> = match &proxy.mode {
            TraefikMode::File { dynamic_dir } => Box::new(Files::new(dynamic_dir)?),
            TraefikMode::Labels => Box::new(ByLabels::default()),
        };
        Ok(Self {
            engine,
            app: app.clone(),
            proxy: proxy.clone(),
            means,
            known: RefCell::new(None),
            at_switch: RefCell::default(),
        })
    }

    /// Looks the container up, takes a place in it, and reads Traefik's settings once per process.
    pub(super) async fn known(&self) -> Result<Known> {
        let former = self.known.borrow().clone();
        let former_seat = former.as_ref().map(|known| known.seat.clone());
        let seat = seat::take(&self.engine, self.proxy.container.as_str(), former_seat).await?;
        if let Some(known) = former
            && process(&known.seat) == process(&seat)
            // An API that had not been up yet may be up by now.
            && (known.settings.api.is_some() || !seat.is_running())
        {
            let known = Known { seat, ..known };
            *self.known.borrow_mut() = Some(known.clone());
            return Ok(known);
        }
        let settings = look::settings(&self.engine, &seat).await?;
        let door = door::choose(&settings, &self.proxy.router, self.proxy.template.is_some());
        let mut proxy = self.proxy.clone();
        proxy.router.priority = self.priority(&seat, &settings).await;
        let known = Known { seat, settings: Rc::new(settings), proxy: Rc::new(proxy), door: Rc::new(door) };
        *self.known.borrow_mut() = Some(known.clone());
        Ok(known)
    }

    /// The priority of the route. Without the API nobody knows of rivals, and the configuration's own is taken.
    async fn priority(&self, seat: &Seat, settings: &Settings) -> Option<u32> {
        let own = self.proxy.router.priority;
        let Some((at, base)) = settings.api.as_ref().filter(|_| own.is_none() && seat.is_running()) else {
            return own;
        };
        let api = Api { vantage: &*seat.vantage, at: *at, base };
        let data = api.get("rawdata").await.ok().flatten().unwrap_or_default();
        rivals::priority(&data, &self.proxy.router, |name| self.is_own(name))
    }

    /// Whether a router is bgd's for this app, by its full name.
    pub(super) fn is_own(&self, name: &str) -> bool {
        name.rsplit_once('@').is_some_and(|(router, provider)| {
            provider == self.means.provider() && self.means.is_own(&self.app.name, router)
        })
    }

    /// Whether a router is bgd's for this app, by whichever means it was written.
    pub(super) fn is_own_by_any(&self, name: &str) -> bool {
        let app = &self.app.name;
        match name.rsplit_once('@') {
            Some((router, "file")) => router == names::router(app) || router == names::marker(app),
            Some((router, "docker")) => ByLabels::default().is_own(app, router),
            _ => false,
        }
    }

    /// The same, where Traefik has to run.
    async fn running(&self) -> Result<Known> {
        let known = self.known().await?;
        if known.seat.is_running() { Ok(known) } else { Err(known.seat.not_running()) }
    }

    pub(super) fn scene<'a>(&'a self, known: &'a Known) -> Scene<'a> {
        Scene {
            engine: &self.engine,
            app: &self.app,
            proxy: &known.proxy,
            seat: &known.seat,
            settings: &known.settings,
            door: known.door.as_ref().as_ref().map_err(String::as_str),
        }
    }
}

/// What tells one process of a container from another.
fn process(seat: &Seat) -> (&str, bool, i32, Option<Timestamp>) {
    let state = &seat.container.state;
    (&seat.container.id, seat.is_running(), state.pid, state.started)
}

#[async_trait(?Send)]
impl Proxy for TraefikDriver {
    fn describe(&self) -> String {
        let version = self.known.borrow().as_ref().and_then(|known| known.settings.version.clone());
        match version {
            Some(version) => format!("Traefik {version} in {}", self.proxy.container),
            None => format!("Traefik in {}", self.proxy.container),
        }
    }

    async fn is_there(&self) -> Result<bool> {
        Ok(self.engine.container(self.proxy.container.as_str()).await?.is_some())
    }

    async fn preflight(&self) -> Result<Vec<Finding>> {
        self.look_for_trouble().await
    }

    async fn live(&self) -> Result<Option<Live>> {
        let known = self.known().await?;
        self.look_for_live(&self.scene(&known)).await
    }

    async fn seen(&self) -> Result<Seen> {
        let known = self.known().await?;
        let scene = self.scene(&known);
        Ok(Seen { live: self.look_for_live(&scene).await?, edited: self.means.edited(&scene).await? })
    }

    async fn outlast(&self, releases: &[ReleaseNumber]) -> Result<()> {
        let known = self.known().await?;
        self.means.outlast(&self.scene(&known), releases).await
    }

    async fn snapshot(&self) -> Result<Former> {
        let known = self.known().await?;
        self.means.snapshot(&self.scene(&known)).await
    }

    async fn preview(&self, route: &Route) -> Result<Vec<FileChange>> {
        let known = self.known().await?;
        self.means.preview(&self.scene(&known), route).await
    }

    async fn stage(&self, route: &Route) -> Result<()> {
        let known = self.running().await?;
        let scene = self.scene(&known);
        self.means.prepare(&scene, route).await?;
        match &route.idle {
            Some(idle) => self.reach(&scene, idle).await,
            None => Ok(()),
        }
    }

    async fn switch(&self, route: &Route) -> Result<()> {
        let known = self.running().await?;
        let scene = self.scene(&known);
        self.note_middlewares(&scene).await;
        self.means.publish(&scene, route).await
    }

    async fn verify(&self, route: &Route) -> Result<()> {
        let known = self.running().await?;
        let scene = self.scene(&known);
        let published = self.means.published(&scene).await?;
        let release = |live: Option<Live>| live.map(|live| (live.slot, live.release));
        let wanted = route.live.as_ref().map(|live| (live.slot, Some(live.release)));
        if release(published.as_ref().map(|published| published.live)) != wanted {
            let message = "what bgd wrote for Traefik was changed or taken away by somebody else";
            return Err(Error::new(Kind::Proxy, message));
        }
        self.confirm(&scene, published.as_ref(), Proof::Answered).await?;
        self.note_clients(&scene).await
    }

    async fn restore(&self, former: &Former) -> Result<Restored> {
        // What was noted of a switch to the release that is left now says nothing of its own clients.
        *self.at_switch.borrow_mut() = AtSwitch::default();
        let began = Instant::now();
        loop {
            let known = self.known().await?;
            let scene = self.scene(&known);
            let (done, restored) = if known.seat.is_running() {
                (self.put_back(&scene, former).await, Restored::Verified)
            } else {
                (self.put_back_stopped(&scene, former).await, Restored::WhenItRuns)
            };
            match done {
                Ok(())
                    if restored == Restored::WhenItRuns
                        && began.elapsed() < RESTARTS
                        && seat::has_started(&*self.engine, self.proxy.container.as_str()).await? => {}
                Ok(()) => return Ok(restored),
                // It may have died or been restarted in between, of which the engine learns a moment later; then what it
                // will find is what counts.
                Err(error)
                    if began.elapsed() >= RESTARTS
                        || (began.elapsed() >= NEWS
                            && process(&known.seat) == process(&self.known().await?.seat)) =>
                {
                    return Err(error);
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn forget_idle(&self, route: &Route) -> Result<()> {
        let known = self.running().await?;
        self.means.forget(&self.scene(&known), route).await
    }

    fn defined_by(&self, labels: &BTreeMap<String, String>) -> Vec<String> {
        let own_provider = self.means.provider();
        let full = |name: &String| match name.contains('@') {
            true => name.clone(),
            false => format!("{name}@{own_provider}"),
        };
        // Traefik reads the keys of labels without regard to case (paerser, `parser.DecodeToNode`).
        let defines = |name: &str| {
            let prefix = format!("traefik.http.middlewares.{name}.").to_lowercase();
            labels.keys().any(|key| key.to_lowercase().starts_with(&prefix))
        };
        let named = self.proxy.router.middlewares.iter().map(full);
        named.filter(|name| name.strip_suffix("@docker").is_some_and(defines)).collect()
    }

    async fn in_flight(&self, left: &[IpAddr]) -> Result<InFlight> {
        let known = self.running().await?;
        self.count_in_flight(&self.scene(&known), left).await
    }

    async fn through(&self, request: Through<'_>) -> Result<Answer, Failure> {
        let lost = |message: String| Failure { kind: FailureKind::Vantage, message };
        let former = self.known.borrow().clone().filter(|known| known.seat.is_running());
        let known = match former {
            Some(former) if seat::is_out_of_sight(&*self.engine, self.proxy.container.as_str()).await => {
                former
            }
            _ => self.running().await.map_err(|error| lost(error.one_line()))?,
        };
        let scene = self.scene(&known);
        let door = scene.door.map_err(|why| lost(why.to_owned()))?;
        let mut asked = self.request_at(door, request.path, request.host, request.limit);
        asked.method = request.method.to_owned();
        asked.headers.extend(request.headers.iter().cloned());
        known.seat.vantage.request(&asked).await
    }

    async fn manner(&self) -> Manner {
        let host = rule::request_for(&self.proxy.router.rule).and_then(|meets| meets.host);
        let known = self.known().await.ok();
        // Traefik says by which protocol a client came to the entry point.
        let proto = known.map(|known| {
            let own = door::own_entrypoints(&known.settings, &self.proxy.router);
            let is_tls = self.proxy.router.tls.is_some() || own.iter().any(|point| point.tls);
            if is_tls { "https" } else { "http" }.to_owned()
        });
        Manner { host: host.filter(|host| is_plain(host)).map(|host| host.to_lowercase()), proto }
    }

    fn origin(&self, answer: &Answer) -> Origin {
        match answer.header(super::text::APP_HEADER) {
            // Of an app that it does not reach, Traefik's own answer comes the same way.
            Some(_) if matches!(answer.status, 502 | 504) => Origin::Unknown,
            Some(_) => Origin::App,
            None if self.proxy.template.is_some() => Origin::Unknown,
            None => Origin::Proxy,
        }
    }

    async fn client_request(&self, path: &str, limit: Duration) -> Result<ClientRequest, String> {
        self.request_of_a_client(path, limit).await
    }

    async fn vantage(&self) -> Result<Rc<dyn Vantage>> {
        Ok(self.running().await?.seat.vantage)
    }
}
