//! The machine of a walk: an engine, three proxies, apps and the people who deploy them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use bgd::docker::fake::{Behaviour, Fake};
use bgd::model::{AppName, ContainerSpec, Mount, MountKind, NetworkAttachment, Outcome, Restart};
use bgd::record::{JournalState, Store};

use super::edges::{Edges, NETWORK};
use super::machine::{self, Ended, Ran, Seat};
use super::moments::Fate;
use super::rules::Rules;

/// How many people there are, each with records of their own.
pub const PEOPLE: usize = 2;

/// By what an app is routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Edge,
    Edge2,
    File,
    Labels,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::Edge, Self::Edge2, Self::File, Self::Labels];
}

/// What somebody has written in the bgd.yaml of an app.
#[derive(Debug, Clone)]
pub struct Config {
    pub way: Way,
    pub keep_old: Option<&'static str>,
    pub retire: &'static str,
    pub rename: bool,
    pub replicas: u32,
}

impl Config {
    fn text(&self, app: &str) -> String {
        let nginx = |container: &str| {
            format!(
                "nginx: {{ container: {container}, config_dir: /conf, server: {{ host: {app}.test, listen: 80 }} }}"
            )
        };
        let traefik = |mode: &str| {
            format!(
                "traefik: {{ container: gate, mode: {mode}, rule: \"Host(`{app}.test`)\", entrypoints: [web] }}"
            )
        };
        let proxy = match self.way {
            Way::Edge => nginx("edge"),
            Way::Edge2 => nginx("edge2"),
            Way::File => traefik("file, dynamic_dir: /dynamic"),
            Way::Labels => traefik("labels"),
        };
        let keep = self.keep_old.map(|keep| format!("move: {{ keep_old: {keep} }}\n")).unwrap_or_default();
        format!(
            "app: {app}\nimage: org/{app}\nport: 3000\nnetwork: {NETWORK}\nreplicas: {}\n\
             health: {{ http: /health, deadline: 10s }}\nsmoke:\n  - get: /health\nproxy: {{ {proxy} }}\n\
             volumes: [\"{app}-data:/data\"]\nwatch: {{ window: 2s }}\ndrain: {{ timeout: 5s }}\n\
             retire: {}\nrename: {}\n{keep}",
            self.replicas, self.retire, self.rename
        )
    }
}

pub struct Land {
    pub engine: Fake,
    pub edges: Rc<Edges>,
    pub rules: Rc<Rules>,
    pub apps: Vec<&'static str>,
    /// By person, then by app.
    pub configs: Vec<Vec<Config>>,
    /// All that was done, and how it ended.
    pub log: Vec<String>,
    images: usize,
    folder: tempfile::TempDir,
}

impl Land {
    pub fn new(apps: &[&'static str]) -> Self {
        let shm = std::path::Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let engine = Fake::new();
        engine.add_network(NETWORK);
        let edges = Edges::new(engine.clone());
        let rules = Rules::new(&engine, &edges);
        let config = Config { way: Way::Edge, keep_old: None, retire: "stop", rename: false, replicas: 1 };
        let mut land = Self {
            engine,
            edges,
            rules,
            apps: apps.to_vec(),
            configs: vec![vec![config; apps.len()]; PEOPLE],
            log: Vec::new(),
            images: 0,
            folder: folder.unwrap(),
        };
        for image in ["nginx", "traefik"] {
            land.engine.add_image(image, Behaviour::Runs);
        }
        for app in apps {
            land.engine.add_to_registry(&format!("org/{app}:latest"), Behaviour::Runs);
        }
        for name in ["edge", "edge2", "gate"] {
            land.add_proxy(name);
        }
        for person in 0..PEOPLE {
            for app in 0..land.apps.len() {
                land.write_config(person, app);
            }
        }
        land
    }

    pub fn add_proxy(&mut self, name: &str) {
        let (image, target) = if name == "gate" { ("traefik", "/dynamic") } else { ("nginx", "/conf") };
        let mount = Mount {
            kind: MountKind::Bind,
            source: format!("/srv/{name}"),
            target: target.to_owned(),
            read_only: false,
            options: None,
        };
        let spec = ContainerSpec { image: image.to_owned(), mounts: vec![mount], ..on_network() };
        if let Ok(id) = self.engine.add_container(name, &spec, true) {
            self.rules.made_by_hand(id);
        }
    }

    /// A container that somebody runs without bgd.
    pub fn add_container(&mut self, name: &str, image: &str) -> Result<String, String> {
        let spec = ContainerSpec { image: image.to_owned(), ..on_network() };
        let id = self.engine.add_container(name, &spec, true).map_err(|error| error.one_line())?;
        self.rules.made_by_hand(id.clone());
        Ok(id)
    }

    /// A new image of an app.
    pub fn add_image(&mut self, app: &str, behaviour: Behaviour) -> String {
        self.images += 1;
        let name = format!("org/{app}:{}", self.images);
        self.engine.add_image(&name, behaviour);
        name
    }

    pub fn write_config(&self, person: usize, app: usize) {
        let seat = self.seat(person, app);
        std::fs::create_dir_all(&seat.folder).unwrap();
        let text = self.configs[person][app].text(self.apps[app]);
        std::fs::write(seat.folder.join("bgd.yaml"), text).unwrap();
    }

    pub fn seat(&self, person: usize, app: usize) -> Seat {
        let root = self.folder.path();
        Seat {
            folder: root.join(format!("person-{person}")).join(self.apps[app]),
            state: root.join(format!("state-{person}")),
        }
    }

    /// The folder of an app's records.
    pub fn records(&self, person: usize, app: usize) -> PathBuf {
        self.seat(person, app).state.join("apps").join(self.apps[app])
    }

    pub fn say(&mut self, what: impl fmt::Display) {
        let root = self.folder.path().display().to_string();
        if std::env::var_os("BGD_WALKS_CALLS").is_some() {
            println!("{what}");
        }
        self.log.push(what.to_string().replace(&format!("{root}/"), ""));
    }

    /// Runs a command line of bgd's, to which something may happen.
    pub async fn bgd(
        &mut self,
        (person, app): (usize, usize),
        words: &[&str],
        fate: Option<(usize, Fate)>,
    ) -> Ran {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let makes_records = words.first().is_some_and(|word| word == "recover");
        self.rules.begin((!makes_records).then(|| self.known(person)), self.first_open(person));
        if let ["adopt", name] = words.iter().map(String::as_str).collect::<Vec<_>>()[..]
            && let Some(found) = self.engine.glance_at(name)
        {
            self.rules.named(found.id);
        }
        let left =
            self.configs[person].iter().zip(&self.apps).filter(|(config, _)| config.keep_old == Some("0s"));
        self.rules.may_end(left.map(|(_, app)| (*app).to_owned()).collect());
        self.rules.moments.arm(fate);
        let seat = self.seat(person, app);
        let limit = Duration::from_secs(3600);
        let work = machine::run((&self.engine, &self.edges, &self.rules), &seat, &words);
        let ran = tokio::time::timeout(limit, work).await;
        self.rules.moments.arm(None);
        self.rules.end();
        let line = format!("person {person}: bgd {}", words.join(" "));
        let Ok(ran) = ran else {
            self.rules.violated(format!("{line} does not end"));
            panic!("{line} does not end: {:#?}", self.log);
        };
        let fate = fate.map(|(at, fate)| format!(", {fate:?} at call {at}")).unwrap_or_default();
        let ended = match &ran.ended {
            Ended::Well => "well".to_owned(),
            Ended::Badly(error) => format!("{:?}: {} {:?}", error.kind(), error.one_line(), error.hints()),
            Ended::Killed => "killed".to_owned(),
            Ended::Unknown(why) => {
                self.rules.violated(format!("{line}: {why}"));
                "not understood".to_owned()
            }
        };
        self.say(format!("{line}{fate} -> {ended}"));
        ran
    }

    /// The apps whose first deploy a person has left open.
    fn first_open(&self, person: usize) -> BTreeSet<String> {
        let store = Store::at(self.seat(person, 0).state);
        let is_first = |app: &&&str| {
            let journal = store.app(&AppName::parse(app).unwrap()).journal();
            matches!(journal, Ok(JournalState::Open(replay)) if replay.former.is_none())
        };
        self.apps.iter().filter(is_first).map(|app| (*app).to_owned()).collect()
    }

    /// The ids of all containers that a person's records tell of, and the names of those that the person has adopted: one
    /// that replaces it under its name serves in its place.
    fn known(&self, person: usize) -> BTreeSet<String> {
        let store = Store::at(self.seat(person, 0).state);
        let mut known = BTreeSet::new();
        for app in &self.apps {
            let records = store.app(&AppName::parse(app).unwrap());
            for release in records.survey().unwrap_or_default().read() {
                known.extend(release.ids.values().cloned());
                if release.outcome == Outcome::Adopted {
                    known.extend(release.containers.iter().map(|(name, _)| name.clone()));
                }
            }
        }
        known
    }
}

fn on_network() -> ContainerSpec {
    let network = NetworkAttachment { name: NETWORK.to_owned(), aliases: Vec::new(), ipv4: None };
    ContainerSpec { networks: vec![network], restart: Restart::No, ..ContainerSpec::default() }
}
