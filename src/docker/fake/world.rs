//! What the engine in memory holds, and how it changes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::Behaviour;
use crate::docker::daemon::no_such_container;
use crate::docker::{
    Container, ContainerEvent, EventKind, HealthLog, HealthStatus, Image, Network, State, Summary,
};
use crate::error::{Error, Kind, Result};
use crate::model::{ContainerSpec, Mount, MountKind, Restart};

/// A container of the engine in memory.
pub(super) struct Held {
    pub id: String,
    pub name: String,
    pub image_id: String,
    pub behaviour: Behaviour,
    pub checked: bool,
    pub spec: ContainerSpec,
    /// The labels of its image.
    inherited: BTreeMap<String, String>,
    created: Timestamp,
    pub state: State,
    pub log: String,
    pub files: BTreeMap<String, Vec<u8>>,
    address: Ipv4Addr,
    looks: usize,
}

struct Subscriber {
    labels: Vec<String>,
    sender: UnboundedSender<ContainerEvent>,
}

pub(super) struct World {
    pub containers: BTreeMap<String, Held>,
    /// What is being created: it has its name, and cannot be seen.
    coming: Vec<Held>,
    pub images: BTreeMap<String, (Image, Behaviour)>,
    pub registry: BTreeMap<String, Behaviour>,
    pub volumes: BTreeMap<String, Option<String>>,
    pub networks: BTreeMap<String, Network>,
    subscribers: Vec<Subscriber>,
    count: u32,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            containers: BTreeMap::new(),
            coming: Vec::new(),
            images: BTreeMap::new(),
            registry: BTreeMap::new(),
            volumes: BTreeMap::new(),
            networks: BTreeMap::new(),
            subscribers: Vec::new(),
            count: 0,
        };
        for (name, driver) in [("bridge", "bridge"), ("host", "host"), ("none", "null")] {
            world.add_network(name, driver);
        }
        world
    }

    pub(super) fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    pub(super) fn add_network(&mut self, name: &str, driver: &str) {
        let network = Network {
            id: format!("{:064x}", self.next()),
            name: name.to_owned(),
            driver: driver.to_owned(),
            resolves_names: !matches!(name, "bridge" | "host" | "none"),
        };
        self.networks.insert(name.to_owned(), network);
    }

    fn id_of(&self, container: &str) -> Option<String> {
        let named = self.containers.values().find(|held| held.name == container);
        let short =
            || self.containers.values().find(|held| container.len() >= 12 && held.id.starts_with(container));
        named.or_else(short).map(|held| held.id.clone())
    }

    pub(super) fn find(&self, container: &str) -> Option<&Held> {
        self.containers.get(&self.id_of(container)?)
    }

    pub(super) fn find_mut(&mut self, container: &str) -> Option<&mut Held> {
        let id = self.id_of(container)?;
        self.containers.get_mut(&id)
    }

    /// The first container that runs and that a network knows by this name.
    pub(super) fn known_as(&self, network: &str, name: &str) -> Option<String> {
        let is_it = |held: &&Held| {
            let attached = held.spec.networks.iter().find(|one| one.name == network);
            let is_named = attached
                .is_some_and(|one| held.name == name || one.aliases.iter().any(|alias| alias == name));
            is_named && held.state.running && !held.state.restarting && held.state.pid > 0
        };
        self.containers.values().find(is_it).map(|held| held.id.clone())
    }

    pub(super) fn get(&self, container: &str) -> Result<&Held> {
        self.find(container).ok_or_else(|| no_such_container(container))
    }

    fn check_name(&self, action: &str, name: &str) -> Result<()> {
        match self.containers.values().chain(&self.coming).find(|held| held.name == name) {
            Some(holder) => Err(Error::new(Kind::Docker, format!("cannot {action}: the name is in use"))
                .caused_by(format!(
                    "it is taken by the container {} ({}, {})",
                    &holder.id[..12],
                    holder.spec.image,
                    holder.state.status
                ))),
            None => Ok(()),
        }
    }

    pub(super) fn create(&mut self, name: &str, spec: &ContainerSpec) -> Result<String> {
        self.check_name(&format!("create {name}"), name)?;
        let Some((image, behaviour)) = self.image(&spec.image).cloned() else {
            return Err(Error::new(Kind::Docker, format!("cannot create {name}"))
                .caused_by(format!("No such image: {}", spec.image))
                .hint(format!("`docker pull {}`", spec.image)));
        };
        if let Some(missing) = spec.networks.iter().find(|network| !self.networks.contains_key(&network.name))
        {
            return Err(Error::new(Kind::Docker, format!("cannot create {name}"))
                .caused_by(format!("network {} not found", missing.name)));
        }
        let number = self.next();
        // The number comes first, as the beginning of an id tells containers apart.
        let id = format!("{number:012x}{:052x}", 0);
        let own = spec.health.as_ref().map(|check| check.test.clone()).filter(|test| !test.is_empty());
        let test = own.or(image.health_test);
        let mut spec = spec.clone();
        for target in &image.volumes {
            if !spec.mounts.iter().any(|mount| mount.target == *target) {
                spec.mounts.push(Mount {
                    kind: MountKind::Volume,
                    source: String::new(),
                    target: target.clone(),
                    read_only: false,
                    options: None,
                });
            }
        }
        for mount in spec.mounts.iter_mut().filter(|mount| mount.kind == MountKind::Volume) {
            if mount.source.is_empty() {
                mount.source = format!("{:064x}", self.next());
            }
            self.volumes.entry(mount.source.clone()).or_insert(None);
        }
        let held = Held {
            id: id.clone(),
            name: name.to_owned(),
            image_id: image.id,
            behaviour,
            checked: test.is_some_and(|test| !test.is_empty() && test != ["NONE"]),
            spec,
            inherited: image.labels,
            created: Timestamp::now(),
            state: State { status: "created".to_owned(), ..State::default() },
            log: String::new(),
            files: BTreeMap::new(),
            address: Ipv4Addr::from(0x0a00_0000 + number),
            looks: 0,
        };
        self.containers.insert(id.clone(), held);
        Ok(id)
    }

    /// Takes a container back to where it is still being created.
    pub(super) fn hide(&mut self, id: &str) {
        self.coming.extend(self.containers.remove(id));
    }

    /// Ends all creations.
    pub(super) fn arrive(&mut self) {
        let arrived = self.coming.drain(..).map(|held| (held.id.clone(), held));
        self.containers.extend(arrived);
    }

    pub(super) fn start(&mut self, container: &str) -> Result<()> {
        let number = self.next();
        let held = self.find_mut(container).ok_or_else(|| failed(container, "start"))?;
        if held.state.running {
            return Ok(());
        }
        if held.behaviour == Behaviour::CannotStart {
            held.state.exit_code = 127;
            held.state.error = "exec: no such file or directory".to_owned();
            return Err(Error::new(Kind::Docker, format!("cannot start {container}"))
                .caused_by(held.state.error.clone()));
        }
        held.looks = 0;
        held.state = State {
            status: "running".to_owned(),
            running: true,
            pid: i32::try_from(number).unwrap_or(i32::MAX),
            started: Some(Timestamp::now()),
            health: held.checked.then_some(HealthLog {
                status: HealthStatus::Starting,
                failing_streak: 0,
                last: None,
            }),
            ..State::default()
        };
        let behaviour = held.behaviour;
        self.tell(container, EventKind::Start);
        match behaviour {
            Behaviour::Dies(code) => self.die(container, code),
            Behaviour::Runs | Behaviour::SlowStart(_) => self.set_health(container, HealthStatus::Healthy),
            Behaviour::Unhealthy => self.set_health(container, HealthStatus::Unhealthy),
            Behaviour::NeverHealthy | Behaviour::HealthyAfter(_) | Behaviour::CannotStart => {}
        }
        Ok(())
    }

    /// Ends a container by itself: its restart policy counts.
    pub(super) fn die(&mut self, container: &str, code: i64) {
        self.end(container, code);
        if let Some(held) = self.find_mut(container) {
            let again = match held.spec.restart {
                Restart::No => false,
                Restart::Always | Restart::UnlessStopped => true,
                Restart::OnFailure(most) => code != 0 && (most == 0 || held.state.restarts < most),
            };
            if again {
                held.state.status = "restarting".to_owned();
                held.state.running = true;
                held.state.restarting = true;
                held.state.restarts += 1;
            }
        }
    }

    /// Ends a container because somebody asked for it.
    pub(super) fn end(&mut self, container: &str, code: i64) {
        let Some(held) = self.find_mut(container).filter(|held| held.state.running) else { return };
        held.state.status = "exited".to_owned();
        held.state.running = false;
        held.state.restarting = false;
        held.state.pid = 0;
        held.state.exit_code = code;
        self.tell(container, EventKind::Die(code));
    }

    /// Removes a container with its anonymous volumes.
    pub(super) fn discard(&mut self, container: &str) {
        if let Some(held) = self.find(container) {
            for volume in held.spec.mounts.clone().iter().filter(|mount| mount.is_anonymous()) {
                self.volumes.remove(&volume.source);
            }
        }
        self.remove(container);
    }

    pub(super) fn remove(&mut self, container: &str) {
        self.end(container, 137);
        self.tell(container, EventKind::Destroy);
        if let Some(id) = self.id_of(container) {
            self.containers.remove(&id);
        }
    }

    pub(super) fn rename(&mut self, container: &str, name: &str) -> Result<()> {
        let action = format!("rename {container} to {name}");
        self.find(container).ok_or_else(|| failed(container, &action))?;
        self.check_name(&action, name)?;
        if let Some(held) = self.find_mut(container) {
            held.name = name.to_owned();
        }
        Ok(())
    }

    pub(super) fn set_health(&mut self, container: &str, status: HealthStatus) {
        let Some(held) = self.find_mut(container).filter(|held| held.checked) else { return };
        let failed = status == HealthStatus::Unhealthy;
        held.state.health = Some(HealthLog {
            status,
            failing_streak: i64::from(failed) * 3,
            last: Some((
                i64::from(failed),
                if failed { "the check failed".to_owned() } else { String::new() },
            )),
        });
        self.tell(container, EventKind::Health(status));
    }

    /// Counts a look at a container, which may be the one that finds it healthy.
    pub(super) fn look(&mut self, container: &str) {
        let Some(held) = self.find_mut(container) else { return };
        held.looks += 1;
        let due = held.behaviour == Behaviour::HealthyAfter(held.looks) && held.state.running;
        if due {
            self.set_health(container, HealthStatus::Healthy);
        }
    }

    pub(super) fn subscribe(&mut self, labels: &[String], sender: UnboundedSender<ContainerEvent>) {
        self.subscribers.push(Subscriber { labels: labels.to_vec(), sender });
    }

    pub(super) fn tell(&mut self, container: &str, kind: EventKind) {
        let Some(held) = self.find(container) else { return };
        let event = ContainerEvent { id: held.id.clone(), name: held.name.clone(), kind };
        let labels = held.labels();
        self.subscribers.retain(|subscriber| {
            !carries(&labels, &subscriber.labels) || subscriber.sender.send(event.clone()).is_ok()
        });
    }
}

/// Whether a container has all of these labels, `key` or `key=value`.
pub(super) fn carries(labels: &BTreeMap<String, String>, wanted: &[String]) -> bool {
    wanted.iter().all(|wanted| match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|found| found == value),
        None => labels.contains_key(wanted),
    })
}

/// The error of an action on a container that there is not.
pub(super) fn failed(container: &str, action: &str) -> Error {
    let action = if action.contains(' ') { action.to_owned() } else { format!("{action} {container}") };
    Error::new(Kind::Docker, format!("cannot {action}")).caused_by(format!("No such container: {container}"))
}

impl Held {
    /// All labels, the image's too, as lists and events show them.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.inherited.clone();
        labels.extend(self.spec.labels.clone());
        labels
    }

    fn networks(&self) -> Vec<String> {
        match &self.spec.network_mode {
            Some(_) if self.spec.networks.is_empty() => Vec::new(),
            _ if self.spec.networks.is_empty() => vec!["bridge".to_owned()],
            _ => self.spec.networks.iter().map(|network| network.name.clone()).collect(),
        }
    }

    fn addresses(&self) -> BTreeMap<String, IpAddr> {
        let networks = if self.state.pid > 0 { self.networks() } else { Vec::new() };
        networks.into_iter().map(|name| (name, IpAddr::V4(self.address))).collect()
    }

    pub(super) fn address_on(&self, network: &str) -> Option<IpAddr> {
        self.addresses().remove(network)
    }

    pub(super) fn container(&self) -> Container {
        let named = self.spec.networks.iter().map(|network| {
            let names = std::iter::once(self.name.clone()).chain(network.aliases.clone()).collect();
            (network.name.clone(), names)
        });
        Container {
            id: self.id.clone(),
            name: self.name.clone(),
            image_id: self.image_id.clone(),
            created: Some(self.created),
            state: self.state.clone(),
            spec: ContainerSpec {
                labels: (self.spec.labels.clone().into_iter())
                    .filter(|(key, value)| self.inherited.get(key) != Some(value))
                    .collect(),
                ..self.spec.clone()
            },
            unknown_settings: Vec::new(),
            addresses: self.addresses(),
            dns_names: named.collect(),
            mounts: self.spec.mounts.clone(),
        }
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            id: self.id.clone(),
            name: self.name.clone(),
            image: self.spec.image.clone(),
            image_id: self.image_id.clone(),
            created: Some(self.created),
            status: self.state.status.clone(),
            status_text: match self.state.status.as_str() {
                "running" => "Up 1 second".to_owned(),
                "created" => "Created".to_owned(),
                _ => format!("Exited ({}) 1 second ago", self.state.exit_code),
            },
            labels: self.labels(),
            addresses: self.addresses(),
        }
    }
}
