use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use bgd::docker::Engine;
use bgd::docker::fake::{Behaviour, Fake};
use bgd::error::{Error, Kind, Result};
use bgd::model::{App, Outcome, ReleaseNumber, Retire, label};
use bgd::plan::{self, Plan, Wish};
use bgd::proxy::Proxies;
use bgd::record::{AppStore, JournalState, LockedApp, Replay, Store};
use bgd::saga::{self, Cancel, Direction, Done};
use bgd::step::{Context, Step};
use futures_util::FutureExt;
use jiff::Timestamp;

use crate::proxy::{FakeProxy, containers};
use crate::ticks::{Act, At, Crash, Reporter, Ticks};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Asks the engine for the test's own sake: neither a tick nor a rule counts.
pub fn quietly<T>(ask: impl FnOnce() -> T) -> T {
    let before = QUIET.replace(true);
    let answer = ask();
    QUIET.set(before);
    answer
}

/// How a command ended.
#[derive(Debug)]
pub enum Ended {
    Well(Done),
    Badly(Error),
    Killed,
}

/// A host: an engine, a proxy, a state folder. It outlives every bgd.
pub struct World {
    pub engine: Fake,
    /// The proxy `edge`.
    pub proxy: Rc<FakeProxy>,
    /// The proxy `edge2`, to which an app can move.
    pub other: Rc<FakeProxy>,
    pub proxies: Proxies,
    pub store: Store,
    pub ticks: Rc<Ticks>,
    pub app: App,
    folder: tempfile::TempDir,
}

impl World {
    /// A host on which nothing was deployed yet. `more` is added to the configuration.
    pub fn new(more: &str) -> Self {
        let shm = std::path::Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let folder = folder.unwrap();
        let path = folder.path().join("bgd.yaml");
        let text = format!(
            "app: api\nimage: myorg/api\nport: 3000\nnetwork: proxy\nhealth: {{ http: /health, deadline: 10s }}\n\
             smoke:\n  - get: /health\n\
             proxy: {{ nginx: {{ container: edge, config_dir: /conf, upstream: api_backend }} }}\n\
             watch: {{ window: 2s }}\ndrain: {{ timeout: 5s }}\n{more}\n"
        );
        std::fs::write(&path, text).unwrap();
        let app = bgd::config::load(&path, &|_: &str| None).unwrap();
        let engine = Fake::new();
        engine.add_network("proxy");
        engine.create_late();
        let ticks = Rc::new(Ticks::default());
        let proxy = FakeProxy::new(engine.clone(), ticks.clone());
        let other = FakeProxy::new(engine.clone(), ticks.clone());
        let by_name = [proxy.clone(), other.clone()];
        let proxies = Proxies::opened_by(Rc::new(engine.clone()), move |app| {
            let [edge, edge2] = by_name.clone();
            Ok(if app.proxy.container().as_str() == "edge2" { edge2 } else { edge })
        });
        let store = Store::at(folder.path().join("state"));
        let world = Self { engine, proxy, other, proxies, store, ticks, app, folder };
        world.guard();
        world
    }

    /// The same with a watch of so many seconds.
    pub fn watching(seconds: u64) -> Self {
        let mut world = Self::new("");
        world.app.watch_window = Duration::from_secs(seconds);
        world
    }

    /// Puts the rules between bgd and the engine.
    fn guard(&self) {
        let (engine, ticks) = (self.engine.clone(), self.ticks.clone());
        let fronts = [self.proxy.clone(), self.other.clone()];
        self.engine.before(move |call| {
            if QUIET.get() {
                return Ok(());
            }
            fronts.iter().for_each(|proxy| insist_on_safety(&engine, proxy, &ticks, call));
            ticks.tick(At::Before, call)
        });
        let (proxy, ticks) = (self.proxy.clone(), self.ticks.clone());
        self.engine.after(move |call| {
            if QUIET.get() {
                return Ok(());
            }
            if let Some(trouble) = proxy.trouble()
                && !ticks.excused.get()
            {
                ticks.violated(format!("after {call}: {trouble}"));
            }
            ticks.tick(At::After, call)
        });
    }

    pub fn records(&self) -> AppStore {
        self.store.app(&self.app.name)
    }

    pub async fn lock(&self) -> LockedApp {
        self.records().lock(Duration::ZERO).await.unwrap()
    }

    /// Plans a deploy of a new image, which the host has.
    pub async fn plan_deploy(&self, behaviour: Behaviour) -> Result<Plan> {
        self.plan_deploy_watched(behaviour, true).await
    }

    pub async fn plan_deploy_watched(&self, behaviour: Behaviour, watch: bool) -> Result<Plan> {
        let records = self.records();
        let number = records.numbers()?.last().map_or(1, |last| last.0 + 1);
        let asked = format!("myorg/api:{number}");
        let observation = quiet_async(async {
            self.engine.add_image(&asked, behaviour);
            plan::observe(&self.engine, &self.proxies, &records, &self.app).await
        })
        .await?;
        let image = quiet_async(self.engine.image(&asked)).await?.unwrap();
        let wish = Wish::Deploy { app: &self.app, asked: &asked, image: &image, watch };
        plan::build(&observation, &wish, Timestamp::now())
    }

    /// Plans a rollback as `bgd rollback` does.
    pub async fn plan_rollback(&self, to: Option<u32>) -> Result<Plan> {
        let records = self.records();
        quiet_async(async {
            let observation = plan::observe(&self.engine, &self.proxies, &records, &self.app).await?;
            let live = observation.former.as_ref().unwrap().number;
            let number = to.map(ReleaseNumber).or_else(|| observation.state.previous(live)).unwrap();
            let release = records.release(number)?.unwrap();
            let present = plan::present(&self.engine, &release).await?;
            let image = self.engine.image(&release.image_id).await?;
            let wish = Wish::Return { release: &release, present: &present, image: image.as_ref() };
            plan::build(&observation, &wish, Timestamp::now())
        })
        .await
    }

    /// Runs a plan, and perhaps something happens at one moment of it.
    pub async fn run(&self, plan: &Plan, act: Option<(usize, Act)>) -> Ended {
        self.run_told(plan, act, &Cancel::never()).await
    }

    pub async fn run_told(&self, plan: &Plan, act: Option<(usize, Act)>, cancel: &Cancel) -> Ended {
        let records = self.lock().await;
        let report = Reporter(self.ticks.clone());
        let context = self.context(&records, plan, &report);
        self.ticks.arm(act);
        self.ended(saga::execute(&context, cancel)).await
    }

    /// Brings what was interrupted to its end, as `bgd recover` does. Returns the way, if there was something to do.
    pub async fn recover(&self, act: Option<(usize, Act)>) -> (Option<Direction>, Ended) {
        let records = self.lock().await;
        let replay = match records.journal().unwrap() {
            JournalState::Open(replay) => replay,
            JournalState::Ended(_) => {
                records.archive().unwrap();
                return (None, Ended::Well(Done { held: false }));
            }
            JournalState::None => {
                records.settle().unwrap();
                return (None, Ended::Well(Done { held: false }));
            }
        };
        let plan = match self.plan_of(&replay) {
            Ok(plan) => plan,
            Err(error) => return (None, Ended::Badly(error)),
        };
        let decision = quiet_async(async {
            let green = plan::present(&self.engine, &plan.target).await?;
            let live = self.proxies.of(&plan.target.app)?.live().await?;
            saga::decide(&replay, live, &plan.target, green.all_running())
        })
        .await;
        let direction = decision.unwrap().direction;
        (Some(direction), self.resume(&records, &replay, &plan, direction, act).await)
    }

    pub async fn resume(
        &self,
        records: &LockedApp,
        replay: &Replay,
        plan: &Plan,
        direction: Direction,
        act: Option<(usize, Act)>,
    ) -> Ended {
        let report = Reporter(self.ticks.clone());
        let context = self.context(records, plan, &report);
        self.ticks.arm(act);
        let cancel = Cancel::never();
        let work = saga::resume(&context, &cancel, replay, direction, "interrupted");
        self.ended(work.map(|ended| ended.map(|done| done.unwrap_or(Done { held: false })))).await
    }

    /// The plan that a journal tells of, rebuilt from the records.
    pub fn plan_of(&self, replay: &Replay) -> Result<Plan> {
        let record = |number| {
            let gone = || Error::new(Kind::Stuck, format!("release {number} has no record"));
            self.records().release(number)?.ok_or_else(gone)
        };
        Ok(Plan {
            cause: replay.cause,
            target: record(replay.release)?,
            former: replay.former.map(record).transpose()?,
            steps: replay.steps.clone(),
        })
    }

    async fn ended(&self, work: impl Future<Output = Result<Done>>) -> Ended {
        let ended = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(done)) => Ended::Well(done),
            Ok(Err(error)) => Ended::Badly(error),
            Err(payload) if payload.is::<Crash>() => Ended::Killed,
            Err(payload) => std::panic::resume_unwind(payload),
        };
        self.ticks.disarm();
        // A kill takes the hook that it came from with it.
        self.guard();
        ended
    }

    pub fn context<'c>(
        &'c self,
        records: &'c LockedApp,
        plan: &'c Plan,
        report: &'c Reporter,
    ) -> Context<'c> {
        Context::new(Rc::new(self.engine.clone()), &self.proxies, &self.store, records, plan, report).unwrap()
    }

    /// Deploys a good release and nothing happens.
    pub async fn deploy(&self) -> u32 {
        let plan = self.plan_deploy(Behaviour::Runs).await.unwrap();
        let ended = self.run(&plan, None).await;
        assert!(matches!(ended, Ended::Well(_)), "{ended:?}");
        let number = plan.target.number;
        self.is_settled(&format!("deploy of {number}"));
        assert_eq!(self.proxy.served(), Some(number));
        number.0
    }

    /// Leaves half of the journal's last line, as a kill in the middle of writing it does.
    pub fn tear_journal(&self) {
        let path = self.records().journal_path();
        let bytes = std::fs::read(&path).unwrap();
        let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        std::fs::write(&path, &bytes[..last.midpoint(bytes.len())]).unwrap();
    }

    /// Leaves the beginning of one more line in the journal, as a kill in the middle of writing it does.
    pub fn begin_a_line(&self) {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).open(self.records().journal_path());
        file.unwrap().write_all(br#"{"step":{"at":"20"#).unwrap();
    }

    /// Every container of a release that runs ends by itself.
    pub fn die(&self, release: u32) {
        let all = containers(&self.engine);
        let its = all.iter().filter(|one| one.labels[label::RELEASE] == release.to_string());
        for one in its.filter(|one| one.status == "running") {
            self.engine.die(&one.name, 3);
        }
    }

    /// The file that says which releases were live.
    pub fn state_file(&self) -> std::path::PathBuf {
        self.folder.path().join("state/apps/api/state.json")
    }

    /// The releases of which containers exist, with how they are.
    pub fn left(&self) -> Vec<(u32, String)> {
        let all = containers(&self.engine);
        let mut left: Vec<_> =
            all.iter().map(|one| (one.labels[label::RELEASE].parse().unwrap(), one.status.clone())).collect();
        left.sort();
        left.dedup();
        left
    }

    pub fn outcome(&self, release: u32) -> Option<Outcome> {
        self.records().release(ReleaseNumber(release)).unwrap().map(|release| release.outcome)
    }

    /// No rule was broken up to now, what is served runs, and the lock is free.
    pub fn is_safe(&self, case: &str) {
        let violations = self.ticks.violations.borrow();
        assert!(violations.is_empty(), "{case}: {violations:#?}");
        assert_eq!(self.proxy.trouble(), None, "{case}");
        assert_eq!(self.records().holder(), None, "{case}: the lock is held");
    }

    /// Nothing is left to do: no journal, and nothing but what is live and what was before it.
    pub fn is_settled(&self, case: &str) {
        // What a killed bgd had asked for comes after all that was done about it.
        self.engine.arrive();
        self.is_safe(case);
        assert_eq!(self.records().journal().unwrap(), JournalState::None, "{case}");
        let live = self.proxy.served();
        let state = self.records().state().unwrap();
        assert_eq!(state.live(), live, "{case}: the records say something else than the proxy");
        let before = live.and_then(|live| state.previous(live));
        for (release, status) in self.left() {
            let known = Some(ReleaseNumber(release)) == live || Some(ReleaseNumber(release)) == before;
            assert!(known, "{case}: a container of release {release} was left, {status}");
        }
        if let Some(live) = live {
            assert_eq!(self.outcome(live.0), Some(Outcome::Deployed), "{case}");
            let record = self.records().release(live).unwrap().unwrap();
            let mut names: Vec<_> = record.containers.iter().map(|(name, _)| name.clone()).collect();
            let all = containers(&self.engine);
            let its = all.iter().filter(|one| one.labels[label::RELEASE] == live.to_string());
            let mut found: Vec<_> = its.map(|one| one.name.clone()).collect();
            names.sort();
            found.sort();
            assert_eq!(names, found, "{case}: the containers are called otherwise than recorded");
        }
        if self.app.retire != Retire::Keep {
            let live: Vec<u32> = live.iter().map(|number| number.0).collect();
            assert_eq!(self.proxy.knows(), live, "{case}: what the proxy knows");
        }
    }
}

pub async fn quiet_async<T>(work: impl Future<Output = T>) -> T {
    let before = QUIET.replace(true);
    let answer = work.await;
    QUIET.set(before);
    answer
}

/// Nobody stops, removes or renames what gets requests, nor what still answers some.
fn insist_on_safety(engine: &Fake, proxy: &FakeProxy, ticks: &Ticks, call: &str) {
    let mut words = call.split(' ');
    let (Some(operation @ ("stop" | "remove" | "rename" | "signal")), Some(which)) =
        (words.next(), words.next())
    else {
        return;
    };
    let all = containers(engine);
    let Some(one) = all.iter().find(|one| one.id == which || one.name == which) else { return };
    if one.labels.contains_key(label::HOOK) {
        return;
    }
    let release: Option<u32> = one.labels.get(label::RELEASE).and_then(|number| number.parse().ok());
    let is_live = release.is_some() && proxy.served().map(|number| number.0) == release;
    // The last step gives the live container another name, which moves no request.
    let is_allowed = operation == "rename" && ticks.step() == Some(Step::Rename);
    if is_live && !is_allowed {
        ticks.violated(format!("{call}: release {release:?} is live"));
    }
    if !is_live && operation != "rename" && one.status == "running" && proxy.is_draining() {
        ticks.violated(format!("{call}: requests are in flight on release {release:?}"));
    }
}
