//! Creating, starting, stopping, renaming and removing containers, each safe to run twice.

use std::time::Duration;

use bollard::models::NetworkConnectRequest;
use bollard::query_parameters::{
    CreateContainerOptions, KillContainerOptions, RemoveContainerOptions, RenameContainerOptions,
    StartContainerOptions, StopContainerOptions,
};

use super::create::{body, whole_seconds, without_secrets};
use super::daemon::{Daemon, is_name, no_such_container};
use super::fail::{failed, status};
use super::networks;
use super::wire::TIMEOUT;
use crate::error::{Error, Kind, Result};
use crate::model::ContainerSpec;

/// How long a removal that somebody else began may take.
const REMOVAL: Duration = Duration::from_secs(60);

impl Daemon {
    pub(super) async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        let body =
            body(spec, self.speaks(1, 44)).map_err(|error| error.context(format!("cannot create {name}")))?;
        self.create_connected(name, spec, body).await
    }

    /// Sends a create request, and connects the container to the networks that such a request cannot name before API 1.44.
    pub(super) async fn create_connected(
        &self,
        name: &str,
        spec: &ContainerSpec,
        body: bollard::models::ContainerCreateBody,
    ) -> Result<String> {
        let id = self.create_with(name, spec, body).await?;
        if self.speaks(1, 44) {
            return Ok(id);
        }
        for network in spec.networks.iter().skip(1) {
            let request = NetworkConnectRequest {
                container: id.clone(),
                endpoint_config: Some(networks::endpoint(network)),
            };
            if let Err(error) = self.client.connect_network(&network.name, request).await {
                let error = failed(error, format!("cannot connect {name} to the network {}", network.name));
                return Err(match self.remove_container(&id, true).await {
                    Ok(()) => error,
                    Err(left) => error.hint(format!("{name} is left behind: {}", left.one_line())),
                });
            }
        }
        Ok(id)
    }

    /// Sends a create request; what it asks for, beside `body`, is known from `spec`.
    pub(super) async fn create_with(
        &self,
        name: &str,
        spec: &ContainerSpec,
        body: bollard::models::ContainerCreateBody,
    ) -> Result<String> {
        let options = CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
        match self.client.create_container(Some(options), body).await {
            Ok(created) => Ok(created.id),
            Err(error) => match status(&error) {
                // The engine answers 409 for other conflicts, too, such as options that exclude each other.
                Some(409) if matches!(self.inspect(name).await, Ok(Some(_))) => {
                    Err(Error::new(Kind::Docker, format!("cannot create {name}: the name is in use"))
                        .caused_by(self.holder(name).await))
                }
                Some(code) => {
                    let message = match &error {
                        bollard::errors::Error::DockerResponseServerError { message, .. } => message.as_str(),
                        _ => "",
                    };
                    let message = without_secrets(&super::fail::own_words(message, code), spec);
                    let missing = code == 404 && message.to_ascii_lowercase().contains("image");
                    let error = Error::new(Kind::Docker, format!("cannot create {name}")).caused_by(message);
                    Err(if missing { error.hint(format!("`docker pull {}`", spec.image)) } else { error })
                }
                None => Err(failed(error, format!("cannot create {name}"))),
            },
        }
    }

    pub(super) async fn start_container(&self, container: &str) -> Result<()> {
        check(container)?;
        // 304, it runs already, is a success for bollard, too.
        self.client
            .start_container(container, None::<StartContainerOptions>)
            .await
            .map_err(|error| failed(error, format!("cannot start {container}")))
    }

    pub(super) async fn stop_container(&self, container: &str, grace: Duration) -> Result<()> {
        check(container)?;
        let seconds = i32::try_from(whole_seconds(grace)).unwrap_or(i32::MAX);
        let options = StopContainerOptions { t: Some(seconds), ..Default::default() };
        // The answer comes when the container has stopped, so the grace period is no part of the engine's delay.
        let client = self.client.clone().with_timeout(grace.saturating_add(TIMEOUT));
        client
            .stop_container(container, Some(options))
            .await
            .map_err(|error| failed(error, format!("cannot stop {container}")))
    }

    pub(super) async fn kill_container(&self, container: &str, signal: &str) -> Result<()> {
        check(container)?;
        let options = KillContainerOptions { signal: signal.to_owned() };
        self.client.kill_container(container, Some(options)).await.map_err(|error| {
            failed(error, format!("cannot send SIG{} to {container}", signal.trim_start_matches("SIG")))
        })
    }

    /// Removes a container; with its anonymous volumes when nothing of them is to stay.
    pub(super) async fn remove_container(&self, container: &str, volumes: bool) -> Result<()> {
        if !is_name(container) {
            return Ok(());
        }
        let options = RemoveContainerOptions { v: volumes, force: true, link: false };
        match self.client.remove_container(container, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) => match status(&error) {
                Some(404) => Ok(()),
                Some(409) => {
                    self.wait_until_gone(container, failed(error, format!("cannot remove {container}"))).await
                }
                _ => Err(failed(error, format!("cannot remove {container}"))),
            },
        }
    }

    /// Waits for a removal that is in progress already.
    async fn wait_until_gone(&self, container: &str, refusal: Error) -> Result<()> {
        let in_progress = refusal.causes().iter().any(|cause| cause.contains("already in progress"));
        if !in_progress {
            return Err(refusal);
        }
        let gone = async {
            while self.inspect(container).await?.is_some() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        };
        tokio::time::timeout(REMOVAL, gone).await.unwrap_or(Err(refusal))
    }

    pub(super) async fn rename_container(&self, container: &str, name: &str) -> Result<()> {
        check(container)?;
        let options = RenameContainerOptions { name: name.to_owned() };
        match self.client.rename_container(container, options).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(409) => Err(Error::new(
                Kind::Docker,
                format!("cannot rename {container} to {name}: the name is in use"),
            )
            .caused_by(self.holder(name).await)),
            Err(error) => Err(failed(error, format!("cannot rename {container} to {name}"))),
        }
    }
}

fn check(container: &str) -> Result<()> {
    if is_name(container) { Ok(()) } else { Err(no_such_container(container)) }
}
