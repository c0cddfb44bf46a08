//! An engine in memory for tests, as strict as the real one where bgd depends on it.
//!
//! `tests/engine/conformance.rs` runs one sequence against this and against a real engine and compares.

mod engine;
mod hands;
mod images;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

pub use hands::Glance;
use world::World;

use super::{EngineInfo, EventKind, ExecOutput, HealthStatus, State};
use crate::error::{Error, Kind, Result};
use crate::model::ContainerSpec;

/// How the containers of an image behave once they are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Runs; healthy at once when it has a check.
    Runs,
    /// Ends with this code as soon as it is started.
    Dies(i64),
    /// Runs, and its check has no verdict yet, for ever.
    NeverHealthy,
    /// Runs, and its check fails.
    Unhealthy,
    /// Runs, and becomes healthy when it has been looked up so often.
    HealthyAfter(usize),
    /// Takes so long to start, then runs and is healthy.
    SlowStart(Duration),
    /// Cannot be started at all.
    CannotStart,
}

type Hook = Box<dyn FnMut(&str) -> Result<()>>;
type OnLaunch = Box<dyn FnMut(&str, &[u8]) -> Option<i64>>;
type OnExec = Box<dyn FnMut(&str, &[String]) -> Result<ExecOutput>>;

/// An engine in memory. Clones share it.
#[derive(Clone)]
pub struct Fake(Rc<Inner>);

struct Inner {
    info: EngineInfo,
    world: RefCell<World>,
    calls: RefCell<Vec<String>>,
    failures: RefCell<Vec<(String, String)>>,
    before: RefCell<Option<Hook>>,
    after: RefCell<Option<Hook>>,
    on_exec: RefCell<Option<OnExec>>,
    on_launch: RefCell<Option<OnLaunch>>,
    away: Cell<bool>,
    late: Cell<bool>,
    /// The bytes received at each address. While it is empty, the engine does not tell received bytes.
    received: RefCell<BTreeMap<IpAddr, u64>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// An engine without images and containers, and with the networks that every engine has.
    pub fn new() -> Self {
        let info = EngineInfo {
            version: "0-fake".to_owned(),
            api: (1, 51),
            os: "linux".to_owned(),
            address: super::Address::Unix("/fake/docker.sock".to_owned()),
        };
        Self(Rc::new(Inner {
            info,
            world: RefCell::new(World::new()),
            calls: RefCell::default(),
            failures: RefCell::default(),
            before: RefCell::default(),
            after: RefCell::default(),
            on_exec: RefCell::default(),
            on_launch: RefCell::default(),
            away: Cell::new(false),
            late: Cell::new(false),
            received: RefCell::default(),
        }))
    }

    /// Has bytes come to an address. From the first ones on the engine tells what came to containers.
    pub fn receive(&self, address: IpAddr, bytes: u64) {
        *self.0.received.borrow_mut().entry(address).or_default() += bytes;
    }

    /// Adds an image of the host, without a health check of its own. Returns its id.
    pub fn add_image(&self, reference: &str, behaviour: Behaviour) -> String {
        self.0.world.borrow_mut().add_image(reference, behaviour, None)
    }

    /// Adds an image of the host that has a health check. Returns its id.
    pub fn add_checked_image(&self, reference: &str, behaviour: Behaviour) -> String {
        let test = vec!["CMD".to_owned(), "/check".to_owned()];
        self.0.world.borrow_mut().add_image(reference, behaviour, Some(test))
    }

    /// Gives an image a further name; the former one stays.
    pub fn tag_image(&self, reference: &str, name: &str) {
        let mut world = self.0.world.borrow_mut();
        if let Some(image) = world.image(reference).cloned() {
            world.images.insert(name.to_owned(), image);
        }
    }

    /// Gives an image of the host labels, as `docker commit` of a labelled container does.
    pub fn label_image(&self, reference: &str, labels: &BTreeMap<String, String>) {
        if let Some((image, _)) = self.0.world.borrow_mut().images.get_mut(reference) {
            image.labels.clone_from(labels);
        }
    }

    /// Has an image of the host declare a volume.
    pub fn declare_volume(&self, reference: &str, path: &str) {
        if let Some((image, _)) = self.0.world.borrow_mut().images.get_mut(reference) {
            image.volumes.push(path.to_owned());
        }
    }

    /// Writes a file in a container.
    pub fn write_file(&self, container: &str, path: &str) {
        if let Some(held) = self.0.world.borrow_mut().find_mut(container) {
            held.files.insert(path.to_owned(), Vec::new());
        }
    }

    /// The names of all volumes.
    pub fn volumes(&self) -> Vec<String> {
        self.0.world.borrow().volumes.keys().cloned().collect()
    }

    /// Takes an image from the host, by force; its containers stay.
    pub fn lose_image(&self, reference: &str) {
        self.0.world.borrow_mut().images.remove(reference);
    }

    /// Makes an image that a pull finds.
    pub fn add_to_registry(&self, reference: &str, behaviour: Behaviour) {
        self.0.world.borrow_mut().registry.insert(reference.to_owned(), behaviour);
    }

    /// Adds a bridge network.
    pub fn add_network(&self, name: &str) {
        self.0.world.borrow_mut().add_network(name, "bridge");
    }

    /// Adds a volume and the host folder that it has.
    pub fn add_volume(&self, name: &str, mountpoint: Option<&str>) {
        self.0.world.borrow_mut().volumes.insert(name.to_owned(), mountpoint.map(str::to_owned));
    }

    /// Adds a container that somebody else made, started or not, without logging a call. Returns its id.
    ///
    /// # Errors
    /// Those of creating and starting it.
    pub fn add_container(&self, name: &str, spec: &ContainerSpec, started: bool) -> Result<String> {
        let mut world = self.0.world.borrow_mut();
        let id = world.create(name, spec)?;
        if started {
            world.start(&id)?;
        }
        Ok(id)
    }

    /// Everything that was asked of the engine, such as `start api-green`, and by what it was named.
    pub fn calls(&self) -> Vec<String> {
        self.0.calls.borrow().clone()
    }

    /// Lets the engine be away, as it is while the daemon is restarted, or come back.
    pub fn go_away(&self, away: bool) {
        self.0.away.set(away);
    }

    /// Forgets what was asked so far.
    pub fn clear_calls(&self) {
        self.0.calls.borrow_mut().clear();
    }

    /// The names of all containers and their status, such as `running`.
    pub fn names(&self) -> BTreeMap<String, String> {
        let world = self.0.world.borrow();
        world.containers.values().map(|found| (found.name.clone(), found.state.status.clone())).collect()
    }

    /// Lets the next call of an operation (`start`, `create` …) fail, before it has any effect.
    pub fn fail_next(&self, operation: &str, message: &str) {
        self.0.failures.borrow_mut().push((operation.to_owned(), message.to_owned()));
    }

    /// Calls this before each call takes effect, with the call as [`Fake::calls`] shows it. An error becomes the call's.
    pub fn before(&self, hook: impl FnMut(&str) -> Result<()> + 'static) {
        *self.0.before.borrow_mut() = Some(Box::new(hook));
    }

    /// Calls this after each call took effect and before the caller knows: an error is an answer that was lost.
    pub fn after(&self, hook: impl FnMut(&str) -> Result<()> + 'static) {
        *self.0.after.borrow_mut() = Some(Box::new(hook));
    }

    /// Answers commands inside containers; without it every command ends with 0 and says nothing, but for a health
    /// check, which says what the container's health is.
    pub fn on_exec(&self, answer: impl FnMut(&str, &[String]) -> Result<ExecOutput> + 'static) {
        *self.0.on_exec.borrow_mut() = Some(Box::new(answer));
    }

    /// Says with which code a launched container, by its name and input, ends at once; one without a code goes on running.
    /// Without this every one ends with 0.
    pub fn on_launch(&self, answer: impl FnMut(&str, &[u8]) -> Option<i64> + 'static) {
        *self.0.on_launch.borrow_mut() = Some(Box::new(answer));
    }

    /// Ends a running container with this code, as if it had ended by itself.
    pub fn die(&self, container: &str, code: i64) {
        self.0.world.borrow_mut().die(container, code);
    }

    /// Kills a running container for memory.
    pub fn run_out_of_memory(&self, container: &str) {
        let mut world = self.0.world.borrow_mut();
        world.tell(container, EventKind::Oom);
        if let Some(found) = world.find_mut(container) {
            found.state.oom_killed = true;
        }
        world.die(container, 137);
    }

    /// Gives a container's check a verdict.
    pub fn set_health(&self, container: &str, status: HealthStatus) {
        self.0.world.borrow_mut().set_health(container, status);
    }

    /// Sets what a container has written.
    pub fn set_log(&self, container: &str, text: &str) {
        if let Some(found) = self.0.world.borrow_mut().find_mut(container) {
            found.log = text.to_owned();
        }
    }

    /// Changes a container's state by hand, without an event.
    pub fn alter(&self, container: &str, change: impl FnOnce(&mut State)) {
        if let Some(found) = self.0.world.borrow_mut().find_mut(container) {
            change(&mut found.state);
        }
    }

    /// Lets containers be seen only after the answer to the request that made them, as with the real engine: whoever is
    /// killed before the answer leaves one that is still to come.
    pub fn create_late(&self) {
        self.0.late.set(true);
    }

    /// Lets everything be seen that is still to come.
    pub fn arrive(&self) {
        self.0.world.borrow_mut().arrive();
    }

    /// Creates a container, and lets a test act before the caller knows.
    fn make(&self, call: &str, name: &str, spec: &ContainerSpec) -> Result<String> {
        let id = self.0.world.borrow_mut().create(name, spec)?;
        if self.0.late.get() {
            self.0.world.borrow_mut().hide(&id);
        }
        // A kill unwinds from here and leaves it hidden; an answer that was only lost comes when all is done.
        let answer = self.leave(call, id);
        self.0.world.borrow_mut().arrive();
        answer
    }

    /// Logs a call, and fails when a test wants it to.
    fn enter(&self, operation: &str, object: &str) -> Result<String> {
        let call = format!("{operation} {object}").trim().to_owned();
        self.0.calls.borrow_mut().push(call.clone());
        if self.0.away.get() {
            return Err(Error::new(Kind::Docker, "cannot reach Docker").unreachable());
        }
        Self::run(&self.0.before, &call)?;
        let mut failures = self.0.failures.borrow_mut();
        match failures.iter().position(|(failing, _)| failing == operation) {
            Some(index) => Err(Error::new(Kind::Docker, failures.remove(index).1)),
            None => Ok(call),
        }
    }

    /// Runs the hook after a call that took effect.
    fn leave<T>(&self, call: &str, result: T) -> Result<T> {
        Self::run(&self.0.after, call)?;
        Ok(result)
    }

    /// Takes the hook out while it runs: it may use the engine itself.
    fn run(slot: &RefCell<Option<Hook>>, call: &str) -> Result<()> {
        let Some(mut hook) = slot.borrow_mut().take() else { return Ok(()) };
        let result = hook(call);
        slot.borrow_mut().get_or_insert(hook);
        result
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::docker::Engine;
    use crate::model::Restart;

    fn spec(image: &str) -> ContainerSpec {
        ContainerSpec { image: image.to_owned(), restart: Restart::No, ..Default::default() }
    }

    #[tokio::test]
    async fn behaviours_show_in_state_and_events() {
        let fake = Fake::new();
        fake.add_image("dies", Behaviour::Dies(3));
        fake.add_checked_image("late", Behaviour::HealthyAfter(2));
        let mut events = fake.events(&[]).await.unwrap();
        for image in ["dies", "late"] {
            fake.create(image, &spec(image)).await.unwrap();
            fake.start(image).await.unwrap();
        }
        let dead = fake.container("dies").await.unwrap().unwrap().state;
        assert_eq!((dead.status.as_str(), dead.exit_code), ("exited", 3));
        let mut looks = Vec::new();
        for _ in 0..2 {
            let state = fake.container("late").await.unwrap().unwrap().state;
            looks.push(state.health.unwrap().status);
        }
        assert_eq!(looks, [HealthStatus::Starting, HealthStatus::Healthy]);
        fake.run_out_of_memory("late");
        let mut kinds = Vec::new();
        for _ in 0..6 {
            kinds.push(events.next().await.unwrap().unwrap().kind);
        }
        let health = EventKind::Health(HealthStatus::Healthy);
        let expected = [
            EventKind::Start,
            EventKind::Die(3),
            EventKind::Start,
            health,
            EventKind::Oom,
            EventKind::Die(137),
        ];
        assert_eq!(kinds, expected);
    }

    #[tokio::test]
    async fn a_container_that_is_restarted_says_so() {
        let fake = Fake::new();
        fake.add_image("dies", Behaviour::Dies(1));
        fake.add_container("a", &ContainerSpec { restart: Restart::Always, ..spec("dies") }, true).unwrap();
        let state = fake.container("a").await.unwrap().unwrap().state;
        assert_eq!(
            (state.status.as_str(), state.running, state.restarting, state.restarts),
            ("restarting", true, true, 1)
        );
    }

    #[tokio::test]
    async fn calls_can_fail_before_and_after_their_effect() {
        let fake = Fake::new();
        fake.add_image("i", Behaviour::Runs);
        fake.fail_next("create", "no");
        assert_eq!(fake.create("a", &spec("i")).await.unwrap_err().to_string(), "no");
        assert!(fake.names().is_empty());

        let lost = |call: &str| match call {
            "create a" => Err(Error::new(Kind::Docker, "the answer was lost")),
            _ => Ok(()),
        };
        fake.after(lost);
        assert!(fake.create("a", &spec("i")).await.is_err());
        assert_eq!(fake.names().into_iter().collect::<Vec<_>>(), [("a".to_owned(), "created".to_owned())]);

        let inside = fake.clone();
        fake.before(move |call| {
            inside.alter("a", |state| state.restarts = 7);
            if call.starts_with("start") { Err(Error::new(Kind::Interrupted, "killed")) } else { Ok(()) }
        });
        assert_eq!(fake.start("a").await.unwrap_err().kind(), Kind::Interrupted);
        assert_eq!(fake.container("a").await.unwrap().unwrap().state.restarts, 7);
        assert_eq!(fake.calls(), ["create a", "create a", "start a", "container a"]);
    }

    #[tokio::test]
    async fn a_pull_brings_what_the_registry_has() {
        let fake = Fake::new();
        fake.add_to_registry("api:1", Behaviour::Runs);
        let image = |text| crate::model::ImageRef::parse(text).unwrap();
        assert!(fake.pull(&image("api:2"), &mut |_| {}).await.is_err());
        assert_eq!(fake.image("api:1").await.unwrap(), None);
        let mut told = Vec::new();
        fake.pull(&image("api:1"), &mut |progress| told.push(progress.layers_done)).await.unwrap();
        assert_eq!(told, [0, 1]);
        assert!(fake.image("api:1").await.unwrap().is_some());
    }
}
