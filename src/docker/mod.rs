//! The Docker engine: one trait in our own small types, and the adapter that speaks its API.

mod asked;
mod attach;
mod auth;
mod connect;
mod create;
mod creation;
mod daemon;
mod events;
mod exec;
mod facts;
mod fail;
#[cfg(feature = "fakes")]
#[doc(hidden)]
pub mod fake;
mod files;
mod images;
mod inspect;
mod json;
mod launch;
mod lifecycle;
mod mounts;
mod networks;
mod patient;
mod pull;
mod received;
mod top;
mod types;
mod unknown;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::LocalBoxStream;

use crate::error::Result;
use crate::model::{ContainerSpec, ImageRef};

pub use connect::connect;
pub use patient::Patient;
pub use types::{
    Address, Container, ContainerEvent, EngineInfo, EventKind, ExecOutput, HealthLog, HealthStatus, Image,
    ImageRemoval, ImageSummary, Network, Process, PullProgress, State, Summary,
};

/// What bgd asks of a Docker engine.
///
/// All errors are of the kind `Docker` unless a method says otherwise, and name the object that was asked for.
/// A name or an id serves wherever `container` is asked for.
#[async_trait(?Send)]
pub trait Engine {
    /// What the engine is, asked once when the connection was made.
    fn info(&self) -> &EngineInfo;

    /// Looks a container up; `None` when there is none.
    async fn container(&self, container: &str) -> Result<Option<Container>>;

    /// The same at once: an engine that is away is not waited for.
    async fn glance(&self, container: &str) -> Result<Option<Container>> {
        self.container(container).await
    }

    /// Whether the engine answers now.
    async fn answers(&self) -> bool {
        true
    }

    /// Lists containers, stopped ones too, that carry all of these labels (`key` or `key=value`).
    async fn containers(&self, labels: &[String]) -> Result<Vec<Summary>>;

    /// Creates a container and connects it to all of its networks, without starting it. Returns its id.
    ///
    /// When connecting fails the container is removed again. A name that is taken is an error.
    async fn create(&self, name: &str, spec: &ContainerSpec) -> Result<String>;

    /// Waits for a creation that was asked for by somebody who did not stay to hear of it, as a bgd that was killed: when
    /// this returns, the container of this name can be seen, or only a new request will make one.
    ///
    /// What is made and removed again to find that out is of `image` and carries `labels`. Returns `false` when the engine
    /// has had the name in use for a minute without a container that can be seen.
    async fn await_creation(
        &self,
        name: &str,
        image: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool>;

    /// Starts a container; one that runs already is fine.
    async fn start(&self, container: &str) -> Result<()>;

    /// Stops a container, waiting `grace` before it is killed; one that is stopped already is fine.
    async fn stop(&self, container: &str, grace: Duration) -> Result<()>;

    /// Kills with a signal, such as `HUP`.
    async fn signal(&self, container: &str, signal: &str) -> Result<()>;

    /// Removes a container, running or not; one that is gone already is fine. Its anonymous volumes stay.
    async fn remove(&self, container: &str) -> Result<()>;

    /// The same with its anonymous volumes.
    async fn discard(&self, container: &str) -> Result<()>;

    /// Renames a container.
    async fn rename(&self, container: &str, name: &str) -> Result<()>;

    /// The last lines of a container's output, both streams in order.
    async fn log_tail(&self, container: &str, lines: usize) -> Result<String>;

    /// The processes of a running container as the host sees them.
    async fn processes(&self, container: &str) -> Result<Vec<Process>>;

    /// How many bytes came to a container over its networks since it was started, as of now; `None` where that cannot be
    /// seen from here.
    fn received(&self, _container: &Container) -> Option<u64> {
        None
    }

    /// Runs a command inside a container and waits for it, at most `limit`.
    async fn exec(&self, container: &str, command: &[String], limit: Duration) -> Result<ExecOutput>;

    /// Follows the events of containers that carry these labels, from now on. The subscription stands when this
    /// returns, so nothing that is started afterwards is missed. A broken stream is taken up again where it broke.
    async fn events(&self, labels: &[String]) -> Result<LocalBoxStream<'static, Result<ContainerEvent>>>;

    /// Looks an image up on the host; `None` when it has none.
    async fn image(&self, reference: &str) -> Result<Option<Image>>;

    /// Lists all images of the host, those without a name too.
    async fn images(&self) -> Result<Vec<ImageSummary>>;

    /// The ids of all images of the host, `sha256:…`.
    async fn image_ids(&self) -> Result<Vec<String>> {
        Ok(self.images().await?.into_iter().map(|image| image.id).collect())
    }

    /// Removes a tag, and with the last one the image; or an image without a tag, by its id. Never by force: what a
    /// container uses stays, as does what other tags name. One that is gone already is fine.
    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval>;

    /// Pulls an image with the credentials that `docker login` stored, telling how far it is.
    async fn pull(&self, image: &ImageRef, progress: &mut dyn FnMut(PullProgress)) -> Result<()>;

    /// Imports a file-system archive as an image of this name, with changes such as `ENTRYPOINT ["/bgd"]`.
    async fn import(&self, archive: Vec<u8>, name: &str, changes: &[String]) -> Result<()>;

    /// Looks a network up; `None` when there is none.
    async fn network(&self, name: &str) -> Result<Option<Network>>;

    /// The host folder of a volume, when its driver tells; `None` when there is no such volume.
    async fn volume_mountpoint(&self, name: &str) -> Result<Option<String>>;

    /// Whether there is a volume of this name.
    async fn has_volume(&self, name: &str) -> Result<bool>;

    /// Unpacks a tar archive into a folder of a container, running or stopped.
    async fn upload(&self, container: &str, folder: &str, archive: Vec<u8>) -> Result<()>;

    /// Packs a file or folder of a container, running or stopped, as a tar archive; `None` when it is not there.
    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>>;

    /// Whether a folder of a container, running or stopped, has anything in it. One that is not there has not.
    async fn has_files(&self, container: &str, folder: &str) -> Result<bool>;

    /// Creates a container, starts it and hands it `input`, which then ends. It goes on by itself, and stays when it has
    /// ended. Returns its id.
    ///
    /// # Errors
    /// It may be there all the same, created or started.
    async fn launch(&self, name: &str, spec: &ContainerSpec, input: &[u8]) -> Result<String>;

    /// All that a container writes, from its start and until it ends, both streams in order.
    async fn output(&self, container: &str) -> Result<LocalBoxStream<'static, Result<Vec<u8>>>>;

    /// Starts `spec` with standard input and output attached and `--rm`; used for bgd's own helper.
    async fn attach(&self, name: &str, spec: &ContainerSpec, pid_of: Option<&str>) -> Result<Attached>;
}

/// A container whose standard streams are connected to bgd. It is removed when it exits, and it exits when
/// its input closes.
pub struct Attached {
    /// Its id.
    pub id: String,
    /// Its standard input.
    pub input: std::pin::Pin<Box<dyn tokio::io::AsyncWrite>>,
    /// Its standard output, standard error being dropped.
    pub output: std::pin::Pin<Box<dyn tokio::io::AsyncBufRead>>,
}
