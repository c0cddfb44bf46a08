use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bgd::docker::fake::Fake;
use bgd::docker::{Engine, Summary};
use bgd::error::{Error, Kind, Result};
use bgd::model::{ReleaseNumber, label};
use bgd::probe::{Answer, Failure, FailureKind, Request, Socket, Vantage};
use bgd::proxy::{
    ClientRequest, FileChange, Finding, Former, InFlight, Live, Proxy, Restored, Route, Seen, Target, Through,
};
use futures_util::FutureExt;

use crate::ticks::{At, Ticks};

const FILE: &str = "/conf/api.conf";
/// How often a slot that was left is asked until nothing is in flight on it.
const IN_FLIGHT: usize = 3;

/// A proxy in memory. Its file and what it has loaded differ for a moment, as with a real one.
pub struct FakeProxy {
    engine: Fake,
    ticks: Rc<Ticks>,
    file: RefCell<Option<String>>,
    loaded: RefCell<Option<Route>>,
    in_flight: Cell<usize>,
    /// What the containers of a release answer; 200 where nothing is said.
    answers: Rc<RefCell<BTreeMap<u32, u16>>>,
    /// What clients are answered while a release is live; what its containers answer where nothing is said.
    clients: RefCell<BTreeMap<u32, u16>>,
    /// Why no request of a client's can be made.
    private: RefCell<Option<String>>,
    /// What gets the requests of clients in place of the live release.
    detour: Cell<Option<Detour>>,
    /// The release that was live at each request of a client's.
    asked: Rc<RefCell<Vec<Option<u32>>>>,
}

/// What answers clients in the place of the live release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detour {
    /// The containers of a release, as long as they run.
    Release(u32),
    /// Something of the user's.
    Else,
    /// A cache, which has every answer but to requests with a query.
    Cache,
    /// Nothing, as long as this release runs too; without it there is no route.
    Needs(u32),
}

/// Where clients ask.
const PUBLIC: u16 = 80;

impl FakeProxy {
    pub fn new(engine: Fake, ticks: Rc<Ticks>) -> Rc<Self> {
        Rc::new(Self {
            engine,
            ticks,
            file: RefCell::default(),
            loaded: RefCell::default(),
            in_flight: Cell::new(0),
            answers: Rc::default(),
            clients: RefCell::default(),
            private: RefCell::default(),
            detour: Cell::default(),
            asked: Rc::default(),
        })
    }

    /// What a client is answered while this release is live, whatever its containers answer.
    pub fn answer_clients(&self, release: u32, status: u16) {
        self.clients.borrow_mut().insert(release, status);
    }

    /// Has requests of clients end elsewhere.
    pub fn lead_clients(&self, detour: Detour) {
        self.detour.set(Some(detour));
    }

    /// Lets no request of a client's be made.
    pub fn hide(&self, why: &str) {
        *self.private.borrow_mut() = Some(why.to_owned());
    }

    /// The release that was live at each request of a client's up to now.
    pub fn clients_asked(&self) -> Vec<Option<u32>> {
        self.asked.borrow().clone()
    }

    /// A place in the proxy's network.
    fn view(&self) -> View {
        let live = self.loaded.borrow().as_ref().and_then(|route| route.live.clone());
        let status = live.as_ref().and_then(|live| self.clients.borrow().get(&live.release.0).copied());
        let (engine, answers, asked) = (self.engine.clone(), self.answers.clone(), self.asked.clone());
        View { engine, answers, live, status, asked, detour: self.detour.get() }
    }

    pub fn answer(&self, release: u32, status: u16) {
        self.answers.borrow_mut().insert(release, status);
    }

    /// The release that gets the requests.
    pub fn served(&self) -> Option<ReleaseNumber> {
        self.loaded.borrow().as_ref()?.live.as_ref().map(|live| live.release)
    }

    /// The releases that its file names.
    pub fn knows(&self) -> Vec<u32> {
        let Some(route) = self.parsed() else { return Vec::new() };
        [route.live, route.idle].into_iter().flatten().map(|target| target.release.0).collect()
    }

    pub fn is_draining(&self) -> bool {
        self.in_flight.get() > 0
    }

    /// What is wrong with what is served now, if anything.
    pub fn trouble(&self) -> Option<String> {
        let loaded = self.loaded.borrow();
        let live = loaded.as_ref()?.live.as_ref()?;
        if live.addresses.is_empty() {
            return Some(format!("release {} is served from nowhere", live.release));
        }
        let gone =
            live.addresses.iter().find(|address| self.running_at(**address) != Some(live.release.0))?;
        Some(format!("release {} is served, and nothing of it runs at {gone}", live.release))
    }

    fn running_at(&self, address: IpAddr) -> Option<u32> {
        running_at(&self.engine, address)
    }

    fn parsed(&self) -> Option<Route> {
        self.file.borrow().as_ref().map(|text| serde_json::from_str(text).unwrap())
    }

    /// Writes the file, and takes it over: two effects, between which bgd can be killed.
    fn apply(&self, operation: &str, file: Option<String>) -> Result<()> {
        *self.file.borrow_mut() = file;
        self.ticks.tick(At::After, &format!("proxy {operation} wrote its file"))?;
        let before = self.served();
        *self.loaded.borrow_mut() = self.parsed();
        if self.served() != before && before.is_some() {
            self.in_flight.set(IN_FLIGHT);
        }
        if let Some(trouble) = self.trouble()
            && !self.ticks.excused.get()
        {
            self.ticks.violated(format!("after {operation}: {trouble}"));
        }
        self.ticks.tick(At::After, &format!("proxy {operation}"))
    }

    fn enter(&self, operation: &str) -> Result<()> {
        self.ticks.tick(At::Before, &format!("proxy {operation}"))
    }

    /// Whether it gets an answer from the targets of a route. What was live and has died is no reason not to know another.
    fn reaches(&self, route: &Route) -> Result<()> {
        let has_died = self.trouble().is_some();
        let is_dead = |target: &&Target| has_died && Some(target.release) == self.served();
        let targets = [&route.live, &route.idle];
        for target in targets.into_iter().flatten().filter(|target| !is_dead(target)) {
            let alive = |address: &IpAddr| self.running_at(*address) == Some(target.release.0);
            let idle_may_be_stopped = Some(target) == route.idle.as_ref() && target.addresses.is_empty();
            if !idle_may_be_stopped && (target.addresses.is_empty() || !target.addresses.iter().all(alive)) {
                let what = format!("the proxy does not reach release {}", target.release);
                return Err(Error::new(Kind::Proxy, what));
            }
        }
        Ok(())
    }
}

/// All containers, without a tick.
pub fn containers(engine: &Fake) -> Vec<Summary> {
    // The hook is out of the way while it runs itself, and asks nothing while `quiet` is set otherwise.
    crate::world::quietly(|| engine.containers(&[]).now_or_never().unwrap().unwrap())
}

fn running_at(engine: &Fake, address: IpAddr) -> Option<u32> {
    let all = containers(engine);
    let here =
        all.iter().find(|one| one.status == "running" && one.addresses.values().any(|a| *a == address))?;
    here.labels.get(label::RELEASE)?.parse().ok()
}

#[async_trait(?Send)]
impl Proxy for FakeProxy {
    fn describe(&self) -> String {
        "a proxy in memory".to_owned()
    }

    async fn preflight(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    async fn seen(&self) -> Result<Seen> {
        Ok(Seen { live: self.live().await?, edited: Vec::new() })
    }

    async fn live(&self) -> Result<Option<Live>> {
        self.enter("live")?;
        let loaded = self.loaded.borrow();
        let live = loaded.as_ref().and_then(|route| route.live.as_ref());
        Ok(live.map(|live| Live { slot: live.slot, release: Some(live.release) }))
    }

    async fn snapshot(&self) -> Result<Former> {
        self.enter("snapshot")?;
        Ok(Former::of("fake", vec![(FILE.to_owned(), self.file.borrow().clone())]))
    }

    async fn preview(&self, _route: &Route) -> Result<Vec<FileChange>> {
        Ok(Vec::new())
    }

    async fn stage(&self, route: &Route) -> Result<()> {
        self.enter("stage")?;
        self.reaches(route)?;
        self.apply("stage", Some(serde_json::to_string(route).unwrap()))
    }

    async fn switch(&self, route: &Route) -> Result<()> {
        self.enter("switch")?;
        self.apply("switch", Some(serde_json::to_string(route).unwrap()))
    }

    async fn verify(&self, route: &Route) -> Result<()> {
        self.enter("verify")?;
        let wanted = route.live.as_ref().map(|live| (live.release, live.addresses.clone()));
        let loaded = self.loaded.borrow();
        let is = loaded.as_ref().and_then(|r| r.live.as_ref()).map(|l| (l.release, l.addresses.clone()));
        if wanted == is {
            Ok(())
        } else {
            Err(Error::new(Kind::Proxy, format!("{is:?} instead of {wanted:?}")))
        }
    }

    async fn restore(&self, former: &Former) -> Result<Restored> {
        self.enter("restore")?;
        let file = former.files.first().and_then(|(_, content)| content.clone());
        self.apply("restore", file)?;
        Ok(Restored::Verified)
    }

    async fn forget_idle(&self, route: &Route) -> Result<()> {
        self.enter("forget")?;
        self.apply("forget", Some(serde_json::to_string(route).unwrap()))
    }

    async fn in_flight(&self, _left: &[IpAddr]) -> Result<InFlight> {
        self.enter("in_flight")?;
        let connections = self.in_flight.get();
        self.in_flight.set(connections.saturating_sub(1));
        Ok(InFlight { connections, ..InFlight::default() })
    }

    async fn through(&self, request: Through<'_>) -> Result<Answer, Failure> {
        self.enter("through").map_err(|error| failure(FailureKind::Closed, &error.to_string()))?;
        let address = self.loaded.borrow().as_ref().and_then(|r| r.live.as_ref()?.addresses.first().copied());
        let nobody = || failure(FailureKind::Refused, "nothing is live");
        let to = (address.ok_or_else(nobody)?, 3000).into();
        let request = Request::get(to, "api", request.path, request.limit);
        self.view().request(&request).await
    }

    async fn client_request(
        &self,
        path: &str,
        limit: Duration,
    ) -> std::result::Result<ClientRequest, String> {
        self.enter("client_request").map_err(|error| error.to_string())?;
        if let Some(why) = self.private.borrow().clone() {
            return Err(why);
        }
        let request = Request::get(([127, 0, 0, 1], PUBLIC).into(), "api.test", path, limit);
        Ok(ClientRequest { request, path: path.to_owned(), remedy: "look at the proxy".to_owned() })
    }

    async fn vantage(&self) -> Result<Rc<dyn Vantage>> {
        self.enter("vantage")?;
        Ok(Rc::new(self.view()))
    }
}

struct View {
    engine: Fake,
    answers: Rc<RefCell<BTreeMap<u32, u16>>>,
    live: Option<Target>,
    /// What clients are answered, where that is said.
    status: Option<u16>,
    asked: Rc<RefCell<Vec<Option<u32>>>>,
    detour: Option<Detour>,
}

/// So many bytes come to a container with each request.
const REQUEST: u64 = 2000;

#[async_trait(?Send)]
impl Vantage for View {
    async fn request(&self, request: &Request) -> Result<Answer, Failure> {
        let is_client = request.to.port() == PUBLIC;
        let mut at = Some(request.to.ip());
        if is_client {
            self.asked.borrow_mut().push(self.live.as_ref().map(|live| live.release.0));
            at = self.live.as_ref().and_then(|live| live.addresses.first().copied());
            at = match self.detour {
                None => at,
                Some(Detour::Release(number)) => address_of(&self.engine, number),
                Some(Detour::Else) => return Ok(answered(200)),
                Some(Detour::Needs(number)) if address_of(&self.engine, number).is_none() => {
                    return Ok(answered(404));
                }
                Some(Detour::Cache) if !request.path.contains('?') => return Ok(answered(200)),
                Some(Detour::Needs(_) | Detour::Cache) => at,
            };
        }
        if let Some(at) = at {
            self.engine.receive(at, REQUEST);
        }
        let release = at.and_then(|at| running_at(&self.engine, at));
        let release = release.ok_or_else(|| failure(FailureKind::Refused, "nobody listens"))?;
        let own = self.answers.borrow().get(&release).copied().unwrap_or(200);
        let status = self.status.filter(|_| is_client).unwrap_or(own);
        Ok(answered(status))
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

fn answered(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), body: String::new(), took: Duration::from_millis(1) }
}

/// Where a container of a release runs.
fn address_of(engine: &Fake, release: u32) -> Option<IpAddr> {
    let mut addresses = containers(engine).into_iter().flat_map(|one| one.addresses.into_values());
    addresses.find(|at| running_at(engine, *at) == Some(release))
}

fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure { kind, message: message.to_owned() }
}
