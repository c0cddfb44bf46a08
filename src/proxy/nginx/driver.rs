use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, NginxProxy, NginxRoute, ProxyConfig};
use crate::probe::{Answer, Failure, FailureKind, Request, Vantage};
use crate::proxy::{
    ClientRequest, FileChange, Finding, Former, InFlight, Live, Manner, Origin, Proxy, Restored, Route, Seen,
    Through, is_plain,
};

use super::conf::{Tree, Way};
use super::live::seen;
use super::marker::{self, MARKER};
use super::names;
use super::processes::Processes;
use super::reload::read_text;
use super::text::{self, Layout, LiveBy, Writer};
use super::version::{Method, Version};
use crate::proxy::seat::{self, Seat};

/// Routes to one app by an nginx in a container.
pub struct NginxDriver {
    pub(super) engine: Rc<dyn Engine>,
    pub(super) app: App,
    pub(super) proxy: NginxProxy,
    seat: RefCell<Option<Seat>>,
    /// The process that was seen to have read its configuration.
    pub(super) up: Cell<Option<i32>>,
    /// The version, and the process that has it.
    version: Cell<Option<(i32, Version)>>,
    /// Whether the user's configuration sets `keepalive_min_timeout`, and the process for which that was read.
    pub(super) users_keepalive: Cell<Option<(i32, bool)>>,
    /// The workers that there were before the last switch of this process, also those that were leaving already.
    pub(super) before_switch: RefCell<Option<Vec<i32>>>,
    /// When nginx was first seen to know the idle release.
    pub(super) known_since: Cell<Option<Instant>>,
    /// The Host header for requests that name none.
    pub(super) manner: RefCell<Option<Manner>>,
    /// How clients come to the user's upstream, or why that cannot be told.
    pub(super) way: RefCell<Option<Result<Way, String>>>,
}

impl NginxDriver {
    /// Makes the driver of an app. The container is looked up when something is asked of it.
    ///
    /// # Errors
    /// Of the kind `Config` when the app is not behind an nginx.
    pub fn new(engine: Rc<dyn Engine>, app: &App) -> Result<Self> {
        let ProxyConfig::Nginx(proxy) = &app.proxy else {
            return Err(Error::new(Kind::Config, format!("{} is not behind an nginx", app.name)));
        };
        if !proxy.config_dir.starts_with('/') {
            let message = format!("proxy.nginx.config_dir {:?} is not an absolute path", proxy.config_dir);
            return Err(Error::new(Kind::Config, message));
        }
        Ok(Self {
            engine,
            app: app.clone(),
            proxy: proxy.clone(),
            seat: RefCell::new(None),
            up: Cell::new(None),
            version: Cell::new(None),
            users_keepalive: Cell::new(None),
            before_switch: RefCell::new(None),
            known_since: Cell::new(None),
            manner: RefCell::new(None),
            way: RefCell::new(None),
        })
    }

    /// Looks the container up and takes a place in it.
    pub(super) async fn take_seat(&self) -> Result<Seat> {
        let former = self.seat.borrow().clone();
        let seat = seat::take(&self.engine, self.proxy.container.as_str(), former).await?;
        *self.seat.borrow_mut() = Some(seat.clone());
        Ok(seat)
    }

    /// The same, where nginx has to run.
    pub(super) async fn running(&self) -> Result<Seat> {
        let seat = self.seat().await?;
        if seat.is_running() { Ok(seat) } else { Err(seat.not_running()) }
    }

    /// The version of the running nginx.
    pub(super) async fn version(&self, seat: &Seat) -> Result<Version> {
        let pid = seat.container.state.pid;
        if let Some((known_for, version)) = self.version.get()
            && known_for == pid
        {
            return Ok(version);
        }
        let told = marker::ask(&*seat.vantage, &self.app.name).await.ok().flatten().and_then(|m| m.version);
        let version = match told {
            Some(version) => version,
            None => self.ask_program(seat).await?,
        };
        self.version.set(Some((pid, version)));
        Ok(version)
    }

    async fn ask_program(&self, seat: &Seat) -> Result<Version> {
        let processes = Processes::look(&*self.engine, seat).await?;
        let output = processes.run(&*self.engine, &seat.container.id, &["-v"]).await?;
        output.output.lines().find_map(Version::parse).ok_or_else(|| {
            Error::new(
                Kind::Config,
                format!("the version of nginx in {} cannot be read", seat.container.name),
            )
            .detail("nginx -v says", output.output.clone())
            .hint("proxy.nginx.container has to name the container in which nginx itself runs")
        })
    }

    /// The path of the app's file.
    pub(super) fn file(&self) -> String {
        names::file_of(&self.proxy, &self.app.name)
    }

    /// The app's file for a route.
    pub(super) async fn render(&self, seat: &Seat, route: &Route, live_by: LiveBy) -> Result<String> {
        let version = self.version(seat).await?;
        let inner = match version.method() {
            Method::Reload => String::new(),
            Method::Flag => self.inner_address(seat).await?,
        };
        let mut writer = Writer::new(&self.app, &self.proxy, version, &inner);
        if version.method() == Method::Reload {
            return writer.app_file(route, live_by);
        }
        let disk = read_text(&*seat.vantage, &self.file()).await?.unwrap_or_default();
        writer.adopted = text::adopted_in(&disk, &self.proxy, &self.app.name);
        let first = writer.app_file_in(Layout::First, route, live_by)?;
        if disk == first { Ok(first) } else { writer.app_file(route, live_by) }
    }

    pub(super) async fn method(&self, seat: &Seat) -> Result<Method> {
        Ok(self.version(seat).await?.method())
    }

    /// Reads, once, how the user's own server block passes requests to the app.
    async fn look_for_manner(&self, seat: &Seat) -> Result<()> {
        if matches!(self.proxy.route, NginxRoute::Upstream(_)) && self.manner.borrow().is_none() {
            let files = self.read_config(seat).await?;
            let upstream = names::upstream_of(&self.proxy, &self.app.name);
            let found = Tree::new(&files).manner_of(&upstream, &self.file());
            *self.manner.borrow_mut() = Some(found.unwrap_or_default());
        }
        Ok(())
    }

    /// How the route passes requests to the app, as far as that was read.
    pub(super) fn manner_of_route(&self) -> Manner {
        match &self.proxy.route {
            NginxRoute::Server(block) => Manner {
                host: block.hosts.iter().find(|host| is_plain(host)).map(|host| host.to_lowercase()),
                proto: Some(if block.tls.is_some() { "https" } else { "http" }.to_owned()),
            },
            NginxRoute::Upstream(_) => self.manner.borrow().clone().unwrap_or_default(),
        }
    }
}

#[async_trait(?Send)]
impl Proxy for NginxDriver {
    fn describe(&self) -> String {
        match self.version.get() {
            Some((_, version)) => format!("nginx {version} in {}", self.proxy.container),
            None => format!("nginx in {}", self.proxy.container),
        }
    }

    async fn is_there(&self) -> Result<bool> {
        Ok(self.engine.container(self.proxy.container.as_str()).await?.is_some())
    }

    async fn refused_file(&self) -> Result<Option<(AppName, String)>> {
        let seat = self.seat().await?;
        self.file_refused_by(&seat).await
    }

    async fn bring_up(&self) -> Result<()> {
        let seat = self.seat().await?;
        if self.refuses_own_file(&seat).await? { self.unlock(seat).await.map(drop) } else { Ok(()) }
    }

    async fn preflight(&self) -> Result<Vec<Finding>> {
        self.look_for_trouble().await
    }

    async fn live(&self) -> Result<Option<Live>> {
        let seat = self.seat().await?;
        if !seat.is_running() {
            return self.live_on_disk(&seat).await;
        }
        let marker = marker::ask(&*seat.vantage, &self.app.name).await.map_err(marker::unanswered)?;
        Ok(marker.and_then(|marker| marker.live))
    }

    async fn seen(&self) -> Result<Seen> {
        let seat = self.seat().await?;
        let text = read_text(&*seat.vantage, &self.file()).await?;
        Ok(seen(self.live().await?, text.as_deref(), self.file()))
    }

    async fn snapshot(&self) -> Result<Former> {
        let seat = self.seat().await?;
        let mut files = Vec::new();
        for path in self.own_files() {
            let content = read_text(&*seat.vantage, &path).await?;
            files.push((path, content));
        }
        Ok(Former::of("nginx", files))
    }

    async fn preview(&self, route: &Route) -> Result<Vec<FileChange>> {
        let seat = self.seat().await?;
        let then = self.wanted_files(&seat, route).await?;
        let mut changes = Vec::new();
        for (path, then) in then {
            let now = read_text(&*seat.vantage, &path).await?;
            if now != then {
                changes.push(FileChange { path, now, then });
            }
        }
        if seat.is_running() && self.method(&seat).await? == Method::Flag {
            changes.extend(self.preview_flags(&*seat.vantage, route).await?);
        }
        Ok(changes)
    }

    async fn stage(&self, route: &Route) -> Result<()> {
        let seat = self.unlocked().await?;
        match self.method(&seat).await? {
            Method::Reload => self.stage_by_reload(&seat, route).await,
            Method::Flag => self.stage_by_flag(&seat, route).await,
        }
    }

    async fn switch(&self, route: &Route) -> Result<()> {
        let seat = self.running().await?;
        match self.method(&seat).await? {
            Method::Reload => self.switch_by_reload(&seat, route).await,
            Method::Flag => self.switch_by_flag(&seat, route).await,
        }
    }

    async fn verify(&self, route: &Route) -> Result<()> {
        let seat = self.running().await?;
        self.prove(&seat, route).await
    }

    async fn restore(&self, former: &Former) -> Result<Restored> {
        self.put_back(former).await
    }

    async fn forget_idle(&self, route: &Route) -> Result<()> {
        let seat = self.running().await?;
        self.free_space(&*seat.vantage).await?;
        if route.idle.is_some() {
            // It is kept in the configuration, too: a rollback then needs no reload but that of the switch.
            return Ok(());
        }
        match self.method(&seat).await? {
            Method::Reload => self.forget_by_reload(&seat, route).await,
            // Its names are resolved only when a request goes there: nothing is left that could be missed.
            Method::Flag => Ok(()),
        }
    }

    async fn in_flight(&self, left: &[IpAddr]) -> Result<InFlight> {
        self.count_in_flight(left).await
    }

    async fn through(&self, request: Through<'_>) -> Result<Answer, Failure> {
        let former = self.seat.borrow().clone().filter(Seat::is_running);
        let seat = match former {
            Some(former) if seat::is_out_of_sight(&*self.engine, self.proxy.container.as_str()).await => {
                former
            }
            _ => self.running().await.map_err(|error| unreachable(&error))?,
        };
        self.look_for_manner(&seat).await.map_err(|error| unreachable(&error))?;
        let manner = self.manner_of_route();
        let host = request.host.unwrap_or_else(|| manner.host_or(&self.app.name));
        let mut asked = Request {
            to: MARKER,
            tls: false,
            method: request.method.to_owned(),
            path: request.path.to_owned(),
            host: marker::name(&self.app.name),
            headers: vec![("X-Bgd-Host".to_owned(), host.to_owned())],
            body: None,
            limit: request.limit,
        };
        asked.headers.extend(request.headers.iter().cloned());
        manner.apply(&mut asked);
        seat.vantage.request(&asked).await
    }

    async fn manner(&self) -> Manner {
        if let Ok(seat) = self.seat().await
            && let Err(error) = self.look_for_manner(&seat).await
        {
            tracing::debug!("how nginx passes requests on could not be read: {}", error.one_line());
        }
        self.manner_of_route()
    }

    fn origin(&self, answer: &Answer) -> Origin {
        marker::origin(answer, self.proxy.template.is_some())
    }

    async fn client_request(&self, path: &str, limit: Duration) -> Result<ClientRequest, String> {
        self.request_of_a_client(path, limit).await
    }

    async fn vantage(&self) -> Result<Rc<dyn Vantage>> {
        Ok(self.running().await?.vantage)
    }
}

fn unreachable(error: &Error) -> Failure {
    Failure { kind: FailureKind::Vantage, message: error.one_line() }
}
