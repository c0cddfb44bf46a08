//! Creations of which nobody has heard the end.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::CreateContainerOptions;
use tokio::time::{Instant, sleep};

use super::daemon::Daemon;
use super::fail::{failed, status};
use crate::error::Result;

/// How long a creation may take: layers are unpacked long before, when the image is pulled.
const CREATION: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

impl Daemon {
    /// Asks for the same name until the container can be seen or the name is free.
    ///
    /// The engine goes on with a creation when whoever asked for it is gone. Until it is done, some 25 to 50 ms, the name is in
    /// use (409) and no container of it is found (404); seen with 20.10 and 28.5. No other request tells.
    pub(super) async fn outlast_creation(
        &self,
        name: &str,
        image: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool> {
        let deadline = Instant::now() + CREATION;
        loop {
            if self.inspect(name).await?.is_some() {
                return Ok(true);
            }
            let options = CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
            match self.client.create_container(Some(options), stand_in(image, labels)).await {
                Ok(made) => {
                    self.remove_container(&made.id, true).await?;
                    return Ok(true);
                }
                Err(error) if status(&error) == Some(409) => {}
                // Whatever else is the matter, an image that is gone or a full disk, is found out after the name was free
                // or before anything could have been begun with it.
                Err(error) if status(&error).is_some() => return Ok(true),
                Err(error) => {
                    return Err(failed(error, format!("cannot ask whether {name} is being created")));
                }
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(PAUSE).await;
        }
    }
}

/// A container that is never started.
fn stand_in(image: &str, labels: &BTreeMap<String, String>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        // The engine wants a command, and an image need not have one.
        cmd: Some(vec!["never-started".to_owned()]),
        labels: Some(labels.clone().into_iter().collect()),
        host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..Default::default() }),
        ..Default::default()
    }
}
