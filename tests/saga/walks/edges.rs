//! Proxies in memory. What they are told lies in folders that outlive them; what they route by they have read from there,
//! when they were told to, or when they were started.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bgd::docker::Engine;
use bgd::docker::fake::{Fake, Glance};
use bgd::error::{Error, Kind, Result};
use bgd::model::{App, ReleaseNumber, label};
use bgd::probe::{Answer, Failure, FailureKind, Request, Socket, Vantage};
use bgd::proxy::{
    ClientRequest, FileChange, Finding, Former, InFlight, Live, Proxy, Restored, Route, Seen, Severity,
    Target, Through,
};

use super::rules::Rules;

/// The network of all proxies and apps.
pub const NETWORK: &str = "proxy";
/// The folder of labels: carriers belong to the engine, not to a proxy's container.
const LABELS: &str = "labels";
/// What stands for a dot in a file.
const DOT: &str = " dot ";
/// Where a proxy listens for clients.
const PUBLIC: ([u8; 4], u16) = ([127, 0, 0, 1], 80);

/// Where a route stands: what is mounted as the proxy's folder, and the app.
pub type Place = (String, String);

#[derive(Debug, Clone)]
struct File {
    route: Route,
    is_edited: bool,
}

/// What a proxy's process has read.
#[derive(Default)]
struct Loaded {
    pid: i32,
    routes: BTreeMap<Place, Route>,
}

/// All proxies of the machine.
pub struct Edges {
    engine: Fake,
    files: RefCell<BTreeMap<Place, File>>,
    /// When the release was deployed to which a route led when it was written, by its container's label.
    deployed: RefCell<BTreeMap<(Place, ReleaseNumber), Option<String>>>,
    /// By the container's id.
    loaded: RefCell<BTreeMap<String, Loaded>>,
}

/// What a client of an app gets at a proxy: the release, and the container that answers.
pub type Served = Result<(ReleaseNumber, String), (ReleaseNumber, String)>;

impl Edges {
    pub fn new(engine: Fake) -> Rc<Self> {
        Rc::new(Self {
            engine,
            files: RefCell::default(),
            deployed: RefCell::default(),
            loaded: RefCell::default(),
        })
    }

    /// The driver of an app's proxy.
    pub fn open(self: &Rc<Self>, app: &App, rules: &Rc<Rules>) -> Rc<dyn Proxy> {
        Rc::new(Driver { edges: Rc::clone(self), rules: Rc::clone(rules), app: app.clone() })
    }

    /// What is served at each place of each proxy that runs.
    pub fn served(&self) -> BTreeMap<(String, Place), Served> {
        let ids: Vec<String> = self.loaded.borrow().keys().cloned().collect();
        let mut served = BTreeMap::new();
        for id in ids {
            let Some(container) = self.engine.glance_at(&id).filter(|found| found.runs) else { continue };
            self.read(&container);
            let loaded = self.loaded.borrow();
            for (place, route) in loaded.get(&id).into_iter().flat_map(|loaded| &loaded.routes) {
                if let Some(live) = &route.live {
                    served.insert((id.clone(), place.clone()), self.ask_at(place, live));
                }
            }
        }
        served
    }

    /// The same for a route. Where its release is gone, another folder's may have the same number, and so its names: that it
    /// answers is an accident, on which nothing can be built.
    fn ask_at(&self, place: &Place, live: &Target) -> Served {
        let (number, id) = self.ask(live)?;
        let known = self.deployed.borrow().get(&(place.clone(), number)).cloned().flatten();
        match known {
            Some(known) if self.deployed_at(&id).is_some_and(|at| at != known) => {
                Err((number, format!("release {number} is routed to, and another one has its name")))
            }
            _ => Ok((number, id)),
        }
    }

    /// When a container's release was deployed.
    fn deployed_at(&self, id: &str) -> Option<String> {
        let all = self.engine.all();
        all.iter().find(|one| one.id == id)?.spec.labels.get(label::CREATED).cloned()
    }

    /// Who answers at a target: a proxy asks the network by name, each time.
    fn ask(&self, live: &Target) -> Served {
        let why = || (live.release, format!("release {} is routed to, and does not answer", live.release));
        let found = self.engine.known_as(NETWORK, &live.release_host);
        found.map(|id| (live.release, id)).ok_or_else(why)
    }

    /// A proxy reads everything when it is started.
    fn read(&self, container: &Glance) {
        let mut loaded = self.loaded.borrow_mut();
        let known = loaded.entry(container.id.clone()).or_default();
        if known.pid != container.pid && container.runs {
            let folders: Vec<String> = self.folders(&container.id);
            let files = self.files.borrow();
            let its = files.iter().filter(|((folder, _), _)| folders.contains(folder));
            *known = Loaded {
                pid: container.pid,
                routes: its.map(|(place, file)| (place.clone(), file.route.clone())).collect(),
            };
        }
    }

    fn folders(&self, id: &str) -> Vec<String> {
        let all = self.engine.all();
        let Some(container) = all.iter().find(|one| one.id == id) else { return Vec::new() };
        let mounted = container.mounts.iter().map(|mount| mount.source.clone());
        let labels = (container.spec.image == "traefik").then(|| LABELS.to_owned());
        mounted.chain(labels).collect()
    }

    /// Files of bgd's, for somebody to spoil.
    pub fn places(&self) -> Vec<Place> {
        self.files.borrow().keys().cloned().collect()
    }

    pub fn edit(&self, place: &Place) {
        if let Some(file) = self.files.borrow_mut().get_mut(place) {
            file.is_edited = true;
        }
    }

    /// Takes the route of an app out of all proxies.
    pub fn unroute(&self, app: &str) {
        self.files.borrow_mut().retain(|place, _| place.1 != app);
        for loaded in self.loaded.borrow_mut().values_mut() {
            loaded.routes.retain(|place, _| place.1 != app);
        }
    }

    pub fn delete(&self, place: &Place) {
        self.files.borrow_mut().remove(place);
    }
}

/// The proxy of one app.
#[derive(Clone)]
struct Driver {
    edges: Rc<Edges>,
    rules: Rc<Rules>,
    app: App,
}

impl Driver {
    async fn seat(&self) -> Result<(Glance, Place)> {
        let name = self.app.proxy.container().as_str();
        let engine = &self.edges.engine;
        let Some(found) = engine.container(name).await? else {
            return Err(Error::new(Kind::Config, format!("there is no container named {name}"))
                .hint("`container` under `proxy` names the container in which the proxy runs"));
        };
        let folder = match self.app.proxy.folder() {
            None => LABELS.to_owned(),
            Some(folder) => found
                .mounts
                .iter()
                .find(|mount| mount.target == folder)
                .map(|mount| mount.source.clone())
                .ok_or_else(|| Error::new(Kind::Config, format!("{name} is no proxy with {folder}")))?,
        };
        let glance = engine.glance_at(&found.id).ok_or_else(|| Error::new(Kind::Docker, "it is gone"))?;
        self.edges.read(&glance);
        Ok((glance, (folder, self.app.name.to_string())))
    }

    async fn running(&self) -> Result<(Glance, Place)> {
        let (container, place) = self.seat().await?;
        if container.runs {
            return Ok((container, place));
        }
        let name = &container.name;
        Err(Error::new(Kind::Proxy, format!("the container {name} of the proxy does not run"))
            .hint(format!("start it: docker start {name}")))
    }

    fn on_disk(&self, place: &Place) -> Option<Route> {
        self.edges.files.borrow().get(place).map(|file| file.route.clone())
    }

    fn in_use(&self, container: &Glance, place: &Place) -> Option<Route> {
        self.edges.loaded.borrow().get(&container.id)?.routes.get(place).cloned()
    }

    /// Writes the file, and has the proxy read it: two effects, between which bgd can be killed.
    fn apply(&self, what: &str, container: &Glance, place: &Place, route: Option<Route>) -> Result<()> {
        let call = format!("{what} of {} at {}", self.app.name, container.name);
        self.rules.passing(&call)?;
        match &route {
            Some(route) => {
                if let Some(Ok((number, id))) = route.live.as_ref().map(|live| self.edges.ask(live)) {
                    let deployed = self.edges.deployed_at(&id);
                    self.edges.deployed.borrow_mut().insert((place.clone(), number), deployed);
                }
                let file = File { route: route.clone(), is_edited: false };
                self.edges.files.borrow_mut().insert(place.clone(), file);
            }
            None => drop(self.edges.files.borrow_mut().remove(place)),
        }
        self.rules.passing(&format!("{call}, its file being written"))?;
        if let Some(loaded) = self.edges.loaded.borrow_mut().get_mut(&container.id).filter(|_| container.runs)
        {
            match route {
                Some(route) => drop(loaded.routes.insert(place.clone(), route)),
                None => drop(loaded.routes.remove(place)),
            }
        }
        self.rules.look(&call);
        self.rules.passing(&format!("{call}, done"))
    }

    /// What the proxy answers a client of the app's.
    async fn as_client(&self) -> std::result::Result<Answer, Failure> {
        let failed = |error: Error| Failure { kind: FailureKind::Vantage, message: error.one_line() };
        let (container, place) = self.running().await.map_err(failed)?;
        Ok(answer(match self.in_use(&container, &place).and_then(|route| route.live) {
            Some(live) if self.edges.ask(&live).is_ok() => 200,
            Some(_) => 502,
            None => 503,
        }))
    }

    /// Whether the idle release of a route, which is to get requests, is reached.
    fn insist_reached(&self, target: &Target) -> Result<()> {
        self.edges.ask(target).map(drop).map_err(|(_, why)| Error::new(Kind::Proxy, why))
    }
}

#[async_trait(?Send)]
impl Proxy for Driver {
    fn describe(&self) -> String {
        self.app.proxy.describe()
    }

    async fn is_there(&self) -> Result<bool> {
        Ok(self.edges.engine.container(self.app.proxy.container().as_str()).await?.is_some())
    }

    async fn preflight(&self) -> Result<Vec<Finding>> {
        let refused = |message: String, remedy: String| {
            Ok(vec![Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }])
        };
        let name = self.app.proxy.container();
        let Some(found) = self.edges.engine.container(name.as_str()).await? else {
            return refused(
                format!("there is no container named {name}, where the proxy should run"),
                "proxy.nginx.container names it; docker ps -a lists all containers".to_owned(),
            );
        };
        if !found.state.running {
            return refused(format!("the proxy {name} does not run"), format!("docker start {name}"));
        }
        if !found.addresses.contains_key(NETWORK) {
            return refused(
                format!("{name} is not on the app's network {NETWORK}"),
                format!("docker network connect {NETWORK} {name}"),
            );
        }
        Ok(Vec::new())
    }

    async fn live(&self) -> Result<Option<Live>> {
        let (container, place) = self.seat().await?;
        let route = if container.runs { self.in_use(&container, &place) } else { self.on_disk(&place) };
        let live = route.and_then(|route| route.live);
        Ok(live.map(|live| Live { slot: live.slot, release: Some(live.release) }))
    }

    async fn seen(&self) -> Result<Seen> {
        let (_, place) = self.seat().await?;
        let live = self.live().await?;
        let is_edited = match self.edges.files.borrow().get(&place) {
            Some(file) => file.is_edited,
            None => live.is_some(),
        };
        Ok(Seen {
            live,
            edited: is_edited.then(|| format!("{}/{}.conf", place.0, place.1)).into_iter().collect(),
        })
    }

    async fn snapshot(&self) -> Result<Former> {
        let (_, place) = self.seat().await?;
        // These proxies route by name: no address stands in their files.
        let text = self.on_disk(&place).map(|route| serde_json::to_string(&route).unwrap().replace('.', DOT));
        Ok(Former::of(&place.0, vec![(place.1, text)]))
    }

    async fn preview(&self, _route: &Route) -> Result<Vec<FileChange>> {
        Ok(Vec::new())
    }

    async fn stage(&self, route: &Route) -> Result<()> {
        let (container, place) = self.running().await?;
        route.idle.iter().try_for_each(|idle| self.insist_reached(idle))?;
        self.apply("stage", &container, &place, Some(route.clone()))
    }

    async fn switch(&self, route: &Route) -> Result<()> {
        let (container, place) = self.running().await?;
        self.apply("switch", &container, &place, Some(route.clone()))
    }

    async fn verify(&self, route: &Route) -> Result<()> {
        let (container, place) = self.running().await?;
        let now = self.in_use(&container, &place).and_then(|now| now.live);
        let is = |target: &Option<Target>| {
            target.as_ref().map(|target| (target.release, target.addresses.clone()))
        };
        if is(&now) != is(&route.live) {
            return Err(Error::new(Kind::Proxy, format!("{:?} instead of {:?}", is(&now), is(&route.live))));
        }
        route.live.iter().try_for_each(|live| self.insist_reached(live))
    }

    async fn restore(&self, former: &Former) -> Result<Restored> {
        let (container, place) = self.seat().await?;
        let text = former.content(&place.1)?;
        let route = text.map(|text| serde_json::from_str(&text.replace(DOT, ".")).unwrap());
        self.apply("restore", &container, &place, route)?;
        Ok(if container.runs { Restored::Verified } else { Restored::WhenItRuns })
    }

    async fn forget_idle(&self, route: &Route) -> Result<()> {
        let (container, place) = self.running().await?;
        self.apply("forget", &container, &place, Some(route.clone()))
    }

    async fn in_flight(&self, _left: &[IpAddr]) -> Result<InFlight> {
        self.running().await?;
        Ok(InFlight::default())
    }

    async fn through(&self, _: Through<'_>) -> Result<Answer, Failure> {
        self.as_client().await
    }

    async fn client_request(&self, path: &str, limit: Duration) -> Result<ClientRequest, String> {
        let request = Request::get(PUBLIC.into(), self.app.name.as_str(), path, limit);
        let remedy = format!("docker logs {}", self.app.proxy.container());
        Ok(ClientRequest { request, path: path.to_owned(), remedy })
    }

    async fn vantage(&self) -> Result<Rc<dyn Vantage>> {
        self.running().await?;
        Ok(Rc::new(View(self.clone())))
    }
}

fn answer(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), body: String::new(), took: Duration::from_millis(1) }
}

/// The network, as a proxy sees it.
struct View(Driver);

#[async_trait(?Send)]
impl Vantage for View {
    async fn request(&self, request: &Request) -> Result<Answer, Failure> {
        if request.to == PUBLIC.into() {
            return self.0.as_client().await;
        }
        if self.0.edges.engine.answers_at(NETWORK, request.to.ip()) {
            return Ok(answer(200));
        }
        Err(Failure { kind: FailureKind::Refused, message: "no process listens".to_owned() })
    }

    async fn read(&self, _path: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn list(&self, _folder: &str) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    async fn write(&self, _path: &str, _content: &[u8]) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, _path: &str) -> Result<()> {
        Ok(())
    }

    async fn sockets(&self) -> Result<Vec<Socket>> {
        Ok(Vec::new())
    }
}
