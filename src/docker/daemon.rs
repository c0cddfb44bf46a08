//! The adapter: each method of [`Engine`] in the words of the API.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use futures_util::stream::LocalBoxStream;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::facts::Facts;
use super::json::text;
use super::received::received;
use super::wire::{Wire, encode};
use super::{
    Attached, Container, ContainerEvent, Engine, EngineInfo, ExecOutput, Image, ImageRemoval, ImageSummary,
    Network, Process, PullProgress, Summary, inspect, top,
};
use crate::error::{Error, Kind, Result};
use crate::model::{ContainerSpec, ImageRef};

/// A Docker engine, reached over its socket.
pub(super) struct Daemon {
    pub(super) client: Docker,
    pub(super) wire: Wire,
    pub(super) info: EngineInfo,
    pub(super) facts: OnceCell<Facts>,
    /// Configurations of images by id: an image of one id never changes.
    pub(super) images: RefCell<HashMap<String, Rc<Value>>>,
}

impl Daemon {
    /// Whether the engine speaks this version of the API or a newer one.
    pub(super) fn speaks(&self, major: usize, minor: usize) -> bool {
        self.info.api >= (major, minor)
    }

    /// The engine's defaults, asked for once.
    async fn facts(&self) -> Result<&Facts> {
        self.facts
            .get_or_try_init(|| async {
                let tried = || "cannot ask the engine for its defaults".to_owned();
                let info = self.wire.get("/info", &tried).await?;
                Ok(Facts::of(&info.unwrap_or_default()))
            })
            .await
    }

    /// An inspected container as the engine tells it.
    pub(super) async fn inspect(&self, container: &str) -> Result<Option<Value>> {
        if !is_name(container) {
            return Ok(None);
        }
        let tried = || format!("cannot inspect the container {container}");
        self.wire.get(&format!("/containers/{container}/json"), &tried).await
    }

    /// The configuration of a container's image; `null` when the image is gone.
    async fn image_config(&self, id: &str) -> Result<Rc<Value>> {
        if let Some(known) = self.images.borrow().get(id) {
            return Ok(known.clone());
        }
        let config = match self.inspect_image(id).await? {
            Some(mut image) => Rc::new(image["Config"].take()),
            None => return Ok(Rc::new(Value::Null)),
        };
        self.images.borrow_mut().insert(id.to_owned(), config.clone());
        Ok(config)
    }

    async fn inspect_image(&self, reference: &str) -> Result<Option<Value>> {
        // A reference goes into a path: only what parses as one, or a short id, may.
        if ImageRef::parse(reference).is_err() {
            return Ok(None);
        }
        let tried = || format!("cannot inspect the image {reference}");
        self.wire.get(&format!("/images/{reference}/json"), &tried).await
    }

    /// Says what holds a name, for the error that the name is taken.
    pub(super) async fn holder(&self, name: &str) -> String {
        match self.inspect(name).await {
            Ok(Some(holder)) => {
                let id = text(&holder, "Id");
                format!(
                    "it is taken by the container {} ({}, {})",
                    id.get(..12).unwrap_or(id),
                    text(&holder["Config"], "Image"),
                    text(&holder["State"], "Status"),
                )
            }
            _ => "it is taken by another container".to_owned(),
        }
    }
}

/// Docker's rule for the names of containers, networks and volumes. Nothing else may become part of a path.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The error for a container that there is not.
pub(super) fn no_such_container(container: &str) -> Error {
    Error::new(Kind::Docker, format!("there is no container {container}"))
}

#[async_trait(?Send)]
impl Engine for Daemon {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    async fn answers(&self) -> bool {
        self.wire.answers().await
    }

    async fn container(&self, container: &str) -> Result<Option<Container>> {
        let (inspected, facts) = tokio::try_join!(self.inspect(container), self.facts())?;
        let Some(inspected) = inspected else { return Ok(None) };
        let image = self.image_config(text(&inspected, "Image")).await?;
        Ok(Some(inspect::container(&inspected, &image, facts)))
    }

    async fn containers(&self, labels: &[String]) -> Result<Vec<Summary>> {
        let filters = serde_json::json!({ "label": labels }).to_string();
        let path = format!("/containers/json?all=true&filters={}", encode(&filters));
        let listed = self.wire.get(&path, &|| "cannot list containers".to_owned()).await?.unwrap_or_default();
        Ok(listed.as_array().into_iter().flatten().map(inspect::summary).collect())
    }

    async fn create(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        self.create_container(name, spec).await
    }

    async fn await_creation(
        &self,
        name: &str,
        image: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool> {
        self.outlast_creation(name, image, labels).await
    }

    async fn start(&self, container: &str) -> Result<()> {
        self.start_container(container).await
    }

    async fn stop(&self, container: &str, grace: Duration) -> Result<()> {
        self.stop_container(container, grace).await
    }

    async fn signal(&self, container: &str, signal: &str) -> Result<()> {
        self.kill_container(container, signal).await
    }

    async fn remove(&self, container: &str) -> Result<()> {
        self.remove_container(container, false).await
    }

    async fn discard(&self, container: &str) -> Result<()> {
        self.remove_container(container, true).await
    }

    async fn rename(&self, container: &str, name: &str) -> Result<()> {
        self.rename_container(container, name).await
    }

    async fn log_tail(&self, container: &str, lines: usize) -> Result<String> {
        self.read_log(container, lines).await
    }

    async fn processes(&self, container: &str) -> Result<Vec<Process>> {
        if !is_name(container) {
            return Err(no_such_container(container));
        }
        let tried = || format!("cannot list the processes of {container}");
        let path = format!("/containers/{container}/top?ps_args={}", encode("-eo pid,ppid,args"));
        let listed = self.wire.get(&path, &tried).await?.ok_or_else(|| no_such_container(container))?;
        top::processes(&listed).map_err(|error| error.context(tried()))
    }

    fn received(&self, container: &Container) -> Option<u64> {
        received(&self.info.address, container)
    }

    async fn exec(&self, container: &str, command: &[String], limit: Duration) -> Result<ExecOutput> {
        self.run(container, command, limit).await
    }

    async fn events(&self, labels: &[String]) -> Result<LocalBoxStream<'static, Result<ContainerEvent>>> {
        super::events::subscribe(self.wire.clone(), labels).await
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>> {
        Ok(self.inspect_image(reference).await?.as_ref().map(inspect::image))
    }

    async fn images(&self) -> Result<Vec<ImageSummary>> {
        self.list_images().await
    }

    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval> {
        self.delete_image(reference).await
    }

    async fn pull(&self, image: &ImageRef, progress: &mut dyn FnMut(PullProgress)) -> Result<()> {
        self.pull_image(image, progress).await
    }

    async fn import(&self, archive: Vec<u8>, name: &str, changes: &[String]) -> Result<()> {
        self.import_image(archive, name, changes).await
    }

    async fn network(&self, name: &str) -> Result<Option<Network>> {
        if !is_name(name) {
            return Ok(None);
        }
        let tried = || format!("cannot inspect the network {name}");
        let inspected = self.wire.get(&format!("/networks/{name}"), &tried).await?;
        Ok(inspected.as_ref().map(inspect::network))
    }

    async fn volume_mountpoint(&self, name: &str) -> Result<Option<String>> {
        if !is_name(name) {
            return Ok(None);
        }
        let tried = || format!("cannot inspect the volume {name}");
        let inspected = self.wire.get(&format!("/volumes/{name}"), &tried).await?;
        Ok(inspected.as_ref().and_then(inspect::mountpoint))
    }

    async fn has_volume(&self, name: &str) -> Result<bool> {
        let tried = || format!("cannot inspect the volume {name}");
        Ok(is_name(name) && self.wire.get(&format!("/volumes/{name}"), &tried).await?.is_some())
    }

    async fn upload(&self, container: &str, folder: &str, archive: Vec<u8>) -> Result<()> {
        self.unpack(container, folder, archive).await
    }

    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>> {
        self.pack(container, path).await
    }

    async fn has_files(&self, container: &str, folder: &str) -> Result<bool> {
        self.holds_files(container, folder).await
    }

    async fn launch(&self, name: &str, spec: &ContainerSpec, input: &[u8]) -> Result<String> {
        self.launch_container(name, spec, input).await
    }

    async fn output(&self, container: &str) -> Result<LocalBoxStream<'static, Result<Vec<u8>>>> {
        self.output_stream(container)
    }

    async fn attach(&self, name: &str, spec: &ContainerSpec, pid_of: Option<&str>) -> Result<Attached> {
        self.attach_container(name, spec, pid_of).await
    }
}
