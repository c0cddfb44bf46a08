//! What people do with `docker`, beside bgd: none of it is a call of bgd's, so that no hook sees it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Fake;
use super::world::failed;
use crate::docker::Container;
use crate::error::{Error, Kind, Result};
use crate::model::NetworkAttachment;

/// A container, as far as a test asks for it again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub runs: bool,
    /// Its process; 0 when it does not run.
    pub pid: i32,
}

impl Fake {
    /// Looks a container up by its name or id.
    pub fn glance_at(&self, container: &str) -> Option<Glance> {
        let world = self.0.world.borrow();
        let held = world.find(container)?;
        Some(Glance {
            id: held.id.clone(),
            name: held.name.clone(),
            runs: held.state.running && !held.state.restarting,
            pid: held.state.pid,
        })
    }

    /// Whether a container runs at an address of a network.
    pub fn answers_at(&self, network: &str, address: IpAddr) -> bool {
        let world = self.0.world.borrow();
        let is_it = |found: &IpAddr| *found == address;
        world.containers.values().any(|held| held.address_on(network).as_ref().is_some_and(is_it))
    }

    /// The first container that runs and that a network knows by this name, as its resolver answers.
    pub fn known_as(&self, network: &str, name: &str) -> Option<String> {
        self.0.world.borrow().known_as(network, name)
    }

    /// All containers, looked up.
    pub fn all(&self) -> Vec<Container> {
        self.0.world.borrow().containers.values().map(|held| held.container()).collect()
    }

    /// `docker start`.
    ///
    /// # Errors
    /// When there is no such container, or it cannot be started.
    pub fn start_by_hand(&self, container: &str) -> Result<()> {
        self.0.world.borrow_mut().start(container)
    }

    /// `docker stop`.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn stop_by_hand(&self, container: &str) -> Result<()> {
        let mut world = self.0.world.borrow_mut();
        world.find(container).ok_or_else(|| failed(container, "stop"))?;
        world.end(container, 0);
        Ok(())
    }

    /// `docker rm`, and with `force` of one that runs.
    ///
    /// # Errors
    /// When there is no such container, or it runs.
    pub fn remove_by_hand(&self, container: &str, force: bool) -> Result<()> {
        let mut world = self.0.world.borrow_mut();
        let held = world.find(container).ok_or_else(|| failed(container, "remove"))?;
        if held.state.running && !force {
            return Err(Error::new(Kind::Docker, format!("cannot remove {container}")).caused_by("it runs"));
        }
        world.remove(container);
        Ok(())
    }

    /// `docker rename`.
    ///
    /// # Errors
    /// When there is no such container, or the name is taken.
    pub fn rename_by_hand(&self, container: &str, name: &str) -> Result<()> {
        self.0.world.borrow_mut().rename(container, name)
    }

    /// `docker commit`: an image that has the container's labels.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn commit(&self, container: &str, image: &str) -> Result<()> {
        let (labels, behaviour) = {
            let world = self.0.world.borrow();
            let held = world.find(container).ok_or_else(|| failed(container, "commit"))?;
            (held.labels(), held.behaviour)
        };
        self.add_image(image, behaviour);
        self.label_image(image, &labels);
        Ok(())
    }

    /// `docker network disconnect`.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn disconnect(&self, container: &str, network: &str) -> Result<()> {
        let mut world = self.0.world.borrow_mut();
        let held = world.find_mut(container).ok_or_else(|| failed(container, "disconnect"))?;
        held.spec.networks.retain(|one| one.name != network);
        // Without it the engine in memory takes the network that every container has where none is named.
        held.spec.network_mode.get_or_insert_with(|| "none-left".to_owned());
        Ok(())
    }

    /// `docker network connect`, with these names beside its own.
    ///
    /// # Errors
    /// When there is no such container or network, or it is on it already.
    pub fn connect(&self, container: &str, network: &str, aliases: &[&str]) -> Result<()> {
        let mut world = self.0.world.borrow_mut();
        let refused = |why: &str| {
            Err(Error::new(Kind::Docker, format!("cannot connect {container} to {network}")).caused_by(why))
        };
        if !world.networks.contains_key(network) {
            return refused("there is no such network");
        }
        let held = world.find_mut(container).ok_or_else(|| failed(container, "connect"))?;
        if held.spec.networks.iter().any(|one| one.name == network) {
            return refused("it is connected already");
        }
        held.spec.network_mode.take_if(|mode| mode == "none-left");
        let attached = NetworkAttachment {
            name: network.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            ipv4: None,
        };
        held.spec.networks.push(attached);
        Ok(())
    }

    /// `docker update --memory`.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn limit_memory(&self, container: &str, bytes: i64) -> Result<()> {
        let mut world = self.0.world.borrow_mut();
        world.find_mut(container).ok_or_else(|| failed(container, "update"))?.spec.memory = Some(bytes);
        Ok(())
    }

    /// The labels of a container, its image's too.
    pub fn labels_of(&self, container: &str) -> BTreeMap<String, String> {
        self.0.world.borrow().find(container).map(|held| held.labels()).unwrap_or_default()
    }
}
