use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;

use crate::docker::{ContainerEvent, Engine};
use crate::error::{Error, Kind, Result};
use crate::event::Report;
use crate::hook::host::Process;
use crate::model::{App, ContainerName, ContainerSpec, ProxyIdentity, Release, label};
use crate::plan::{self, Move, Plan, Present};
use crate::proxy::{ClientGot, Live, Proxies, Proxy, Route, Routes, Target};
use crate::record::{Cause, LockedApp, Store, also_live_for};
use crate::turn::Claim;

/// What a step works with.
pub struct Context<'a> {
    /// The Docker engine.
    pub engine: Rc<dyn Engine>,
    /// The proxies of the app's records.
    proxies: &'a Proxies,
    /// The proxy of the release that is to become live.
    green_proxy: Rc<dyn Proxy>,
    /// The proxy of the release that was live.
    blue_proxy: Rc<dyn Proxy>,
    /// The state folder.
    pub store: &'a Store,
    /// The app's records, under its lock.
    pub records: &'a LockedApp,
    /// What will be done.
    pub plan: &'a Plan,
    /// Where it is told what happens.
    pub report: &'a dyn Report,
    /// Green's events, followed from before it is started.
    pub events: RefCell<Option<Events>>,
    /// The process of the hook that is under way.
    pub process: RefCell<Option<Process>>,
    /// Set when green fails and blue does too: blue is then left as it is.
    pub held: Cell<bool>,
    /// Set when the switch was proved at the proxy: from then on green may have got requests of clients.
    pub switched: Cell<bool>,
    /// What a client got when the switch was proved.
    pub(super) client: RefCell<Option<ClientGot>>,
    /// Why the old release was started again after it had been stopped: clients need it.
    pub needed: RefCell<Option<Error>>,
}

type Events = LocalBoxStream<'static, Result<ContainerEvent>>;

/// Events that a step follows.
pub(super) struct Lent<'a> {
    owner: &'a RefCell<Option<Events>>,
    events: Option<Events>,
}

impl Lent<'_> {
    pub(super) async fn next(&mut self) -> Option<Result<ContainerEvent>> {
        self.events.as_mut()?.next().await
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner.borrow_mut() = self.events.take();
    }
}

impl<'a> Context<'a> {
    /// Makes ready to carry out a plan. Each of its two releases has the proxy of its own record.
    ///
    /// # Errors
    /// A template of the user's that does not parse.
    pub fn new(
        engine: Rc<dyn Engine>,
        proxies: &'a Proxies,
        store: &'a Store,
        records: &'a LockedApp,
        plan: &'a Plan,
        report: &'a dyn Report,
    ) -> Result<Self> {
        let green_proxy = proxies.of(&plan.target.app)?;
        let blue_proxy = match &plan.former {
            // In one place there is one driver, which remembers what was done.
            Some(former) if plan.moves() != Move::None => proxies.of(&former.app)?,
            _ => Rc::clone(&green_proxy),
        };
        Ok(Self {
            engine,
            proxies,
            green_proxy,
            blue_proxy,
            store,
            records,
            plan,
            report,
            events: RefCell::new(None),
            process: RefCell::new(None),
            held: Cell::new(false),
            switched: Cell::new(false),
            client: RefCell::default(),
            needed: RefCell::default(),
        })
    }

    /// The same for another plan.
    pub(super) fn with<'c>(&'c self, plan: &'c Plan) -> Result<Context<'c>> {
        Context::new(Rc::clone(&self.engine), self.proxies, self.store, self.records, plan, self.report)
    }

    /// The proxy that routes to green, or is to.
    pub fn green_proxy(&self) -> &dyn Proxy {
        &*self.green_proxy
    }

    /// The proxy that routes to blue, or did.
    pub fn blue_proxy(&self) -> &dyn Proxy {
        &*self.blue_proxy
    }

    /// The driver of a proxy that routes to this app.
    ///
    /// # Errors
    /// A template of the user's that does not parse.
    pub(super) fn proxy_of(&self, app: &App) -> Result<Rc<dyn Proxy>> {
        self.proxies.of(app)
    }

    /// What all proxies of the app's records route to now.
    ///
    /// # Errors
    /// When Docker or one of them cannot be asked.
    pub async fn routes(&self) -> Result<Routes> {
        plan::routes(self.proxies, self.records, self.app()).await
    }

    /// What tells the container of green's proxy when it is called otherwise one day.
    pub(super) async fn proxy_identity(&self) -> Option<ProxyIdentity> {
        // Without it a rollback looks for the container by other means.
        self.proxies.identity(self.app()).await.unwrap_or_default()
    }
}

impl Context<'_> {
    /// The configuration of the release that is to become live.
    pub fn app(&self) -> &App {
        &self.plan.target.app
    }

    /// Green as it is.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn green(&self) -> Result<Present> {
        let green = self.green_with_ids();
        plan::present(self.engine.as_ref(), &green).await
    }

    /// The plan's target with the ids of the record: a step may have made a container since the plan.
    // Boxed: the futures of all steps are on one stack.
    fn green_with_ids(&self) -> Box<Release> {
        let mut green = Box::new(self.plan.target.clone());
        // A record that cannot be read knows no more than the plan.
        if let Ok(Some(recorded)) = self.records.release(green.number) {
            green.ids = recorded.ids;
        }
        green
    }

    /// Blue as it is; nothing when there is no blue.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn blue(&self) -> Result<Present> {
        match &self.plan.former {
            Some(former) => plan::present(self.engine.as_ref(), former).await,
            None => Ok(Present::default()),
        }
    }

    /// Waits for a container that an earlier bgd has asked for and was killed before it heard of it.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub(super) async fn await_creation(&self, name: &str, spec: &ContainerSpec) -> Result<()> {
        let labels = label::of_bgd(&spec.labels);
        if !self.engine.await_creation(name, &spec.image, &labels).await? {
            self.report.warn(
                format!("Docker has the name {name} in use, and no container of that name"),
                Some(format!("if `docker rm {name}` does not free it, a restart of the daemon does")),
            );
        }
        Ok(())
    }

    /// Green's addresses on the proxy's network.
    ///
    /// # Errors
    /// When a container of green has none: it does not run.
    pub async fn green_addresses(&self) -> Result<Vec<IpAddr>> {
        let addresses = self.green().await?.addresses(self.app().network.as_str());
        if addresses.len() == self.plan.target.containers.len() {
            return Ok(addresses);
        }
        Err(Error::new(
            Kind::NotReady,
            format!(
                "release {} has {} of {} containers on the network {}",
                self.plan.target.number,
                addresses.len(),
                self.plan.target.containers.len(),
                self.app().network
            ),
        ))
    }

    /// Blue's addresses on the proxy's network; none when it does not run.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn blue_addresses(&self) -> Result<Vec<IpAddr>> {
        match &self.plan.former {
            Some(former) => Ok(self.blue().await?.addresses(former.app.network.as_str())),
            None => Ok(Vec::new()),
        }
    }

    /// Green, as the proxy finds it.
    ///
    /// # Errors
    /// As [`Context::green_addresses`].
    pub async fn green_target(&self) -> Result<Target> {
        Ok(plan::target_of(&self.plan.target, self.green_addresses().await?))
    }

    /// Blue's record with the names that its containers have today.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub(super) async fn blue_as_called(&self) -> Result<Option<Release>> {
        let Some(mut former) = self.plan.former.clone() else { return Ok(None) };
        plan::name_adopted_as_called(self.engine.as_ref(), &mut former).await?;
        Ok(Some(former))
    }

    /// Blue, as the proxy finds it.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn blue_target(&self) -> Result<Option<Target>> {
        match self.blue_as_called().await? {
            Some(former) => Ok(Some(plan::target_of(&former, self.blue_addresses().await?))),
            None => Ok(None),
        }
    }

    /// The route while blue is live and green is known.
    ///
    /// # Errors
    /// As [`Context::green_addresses`].
    pub async fn staged_route(&self) -> Result<Route> {
        if self.plan.cause == Cause::Adopt {
            // It serves already, without bgd: the first file has to lead to it as well, or its requests would fail.
            return Ok(Route { live: Some(self.green_target().await?), idle: None });
        }
        let green = self.green_target().await?;
        if self.plan.moves() == Move::None {
            return Ok(Route { live: self.blue_target().await?, idle: Some(green) });
        }
        // What this proxy routes to, it goes on routing to: an earlier move may have left it with a release.
        let Some(live) = self.green_proxy.live().await? else {
            return Ok(Route { live: None, idle: Some(green) });
        };
        let is_green = live.slot == green.slot && live.release.is_none_or(|number| number == green.release);
        if is_green {
            return Ok(Route { live: Some(green), idle: None });
        }
        Ok(Route { live: Some(self.target_live_at_green(live).await?), idle: Some(green) })
    }

    /// Another release than green to which green's proxy routes.
    async fn target_live_at_green(&self, live: Live) -> Result<Target> {
        let recorded = plan::located(self.proxies, self.records, self.app()).await?;
        let is_it = |release: &&Release| match live.release {
            Some(number) => release.number == number,
            None => release.slot == live.slot && release.app.proxy.is_same_place(&self.app().proxy),
        };
        let found = recorded.iter().find(is_it);
        let release = found.ok_or_else(|| plan::record_is_lost(&self.app().name, live))?;
        let addresses = plan::present(self.engine.as_ref(), release).await?;
        Ok(plan::target_of(release, addresses.addresses(release.app.network.as_str())))
    }

    /// The route when green is live and blue still known.
    ///
    /// # Errors
    /// As [`Context::green_addresses`].
    pub async fn switched_route(&self) -> Result<Route> {
        let idle = if self.plan.moves() == Move::None { self.blue_target().await? } else { None };
        Ok(Route { live: Some(self.green_target().await?), idle })
    }

    /// Refuses to go on when green's proxy does not route to green, or any proxy of any record routes to blue. Asked right
    /// before blue is stopped, removed or renamed.
    ///
    /// # Errors
    /// Of kind `Proxy` when that is so, or a proxy does not say.
    pub async fn insist_blue_is_left(&self) -> Result<()> {
        let routes = self.routes().await?;
        let target = &self.plan.target;
        if !routes.at(self.app()).is_some_and(|routed| routed.is_to(target)) {
            return Err(Error::new(
                Kind::Proxy,
                format!(
                    "{} does not route to release {} any more: the old release is left as it is",
                    self.green_proxy.describe(),
                    target.number
                ),
            )
            .hint(format!("see what it routes to with: bgd status {}", target.app.name)));
        }
        match &self.plan.former {
            Some(former) => routes.insist_not_to(former),
            None => Ok(()),
        }
    }

    /// Which other app an adopted release is live for too, by the records: what it serves there must go on. Labels cannot
    /// tell, for an adopted container has none.
    ///
    /// # Errors
    /// When the records cannot be listed, or Docker cannot be asked.
    pub async fn also_live_for(&self, release: &Release, present: &Present) -> Result<Option<String>> {
        if let Some(told) = also_live_for(self.store, release)? {
            return Ok(Some(told));
        }
        if plan::is_foreign(release) {
            for container in present.iter() {
                let claim = Claim::of(self.engine.as_ref(), &container.id).await?;
                if let Some(claim) = claim.filter(|claim| claim.is_of_another(self.store.root())) {
                    return Ok(Some(format!("{} is {claim}", container.name)));
                }
            }
        }
        Ok(None)
    }

    /// Has blue left as it is when green, live and recorded, does not run any more: blue is what can be gone back to.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn hold_if_green_is_dead(&self) -> Result<bool> {
        let green = self.green().await?;
        // Between two restarts Docker calls a container running; it has no address then.
        let reachable = green.addresses(self.app().network.as_str()).len();
        if green.all_running() && reachable == self.plan.target.containers.len() {
            return Ok(false);
        }
        let (app, number) = (&self.app().name, self.plan.target.number);
        let remedy = match &self.plan.former {
            Some(former) => {
                format!("release {} was left as it is; go back to it with: bgd rollback {app}", former.number)
            }
            None => format!("see why with: docker logs, and deploy again: bgd deploy {}", self.app().image),
        };
        self.report.warn(format!("release {number} of {app} is live and does not run"), Some(remedy));
        self.held.set(true);
        Ok(true)
    }

    /// The container of green's proxy, for its lock.
    pub fn proxy_container(&self) -> &ContainerName {
        self.app().proxy.container()
    }

    /// The labels by which green's containers are found and followed.
    pub fn green_labels(&self) -> Vec<String> {
        vec![
            format!("{}={}", label::APP, self.app().name),
            format!("{}={}", label::RELEASE, self.plan.target.number),
        ]
    }

    /// Green's events, for one step: put back when that is done, or given up.
    pub(super) fn lend_events(&self) -> Option<Lent<'_>> {
        let events = self.events.borrow_mut().take()?;
        Some(Lent { owner: &self.events, events: Some(events) })
    }

    /// Tells how far the step is.
    pub fn progress(&self, step: super::Step, done: u64, total: Option<u64>, message: impl Into<String>) {
        self.report.event(crate::event::Event::Progress { step, done, total, message: message.into() });
    }
}
