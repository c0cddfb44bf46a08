use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::helper::Helper;
use super::inside::{Net, Place};
use super::offline::Offline;
use super::standing::{Here, Standing};
use super::{Vantage, helper};
use crate::docker::{Address, Container, Engine};
use crate::error::{Error, Kind, Result};

/// Forces a kind of vantage point, for tests: `local` or `helper`.
pub const VANTAGE_VARIABLE: &str = "BGD_VANTAGE";

/// How a vantage point is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Takes this kind and no other; the container has to run.
    pub force: Option<Force>,
    /// The static binary from which a helper is made: bgd itself.
    pub binary: PathBuf,
}

/// The kinds of vantage point that can be forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// This process enters the container's namespaces.
    Local,
    /// A helper container shares them.
    Helper,
}

impl Options {
    /// What the environment asks for.
    ///
    /// # Errors
    /// [`VANTAGE_VARIABLE`] names no kind (`Usage`).
    pub fn from_environment() -> Result<Self> {
        let force = match std::env::var(VANTAGE_VARIABLE).unwrap_or_default().as_str() {
            "" => None,
            "local" => Some(Force::Local),
            "helper" => Some(Force::Helper),
            other => {
                let message = format!("{VANTAGE_VARIABLE} is {other:?}; it can be \"local\" or \"helper\"");
                return Err(Error::new(Kind::Usage, message));
            }
        };
        Ok(Self { force, binary: PathBuf::from("/proc/self/exe") })
    }
}

/// Opens the vantage point inside a container that serves here.
///
/// As root on the host of a running container that is this process; elsewhere it is a helper container. Of a container
/// that does not run only the files can be had. It stands as long as the container's process: after a restart of the
/// container everything fails with a clear error, and a new one has to be opened.
///
/// # Errors
/// The helper could not be made or started (`Docker`, `Other`).
pub async fn open(engine: Rc<dyn Engine>, container: &Container) -> Result<Rc<dyn Vantage>> {
    open_with(engine, container, &Options::from_environment()?).await
}

/// The same as [`open`], with options.
///
/// # Errors
/// Those of [`open`], and that what was forced does not serve here (`Other`).
pub async fn open_with(
    engine: Rc<dyn Engine>,
    container: &Container,
    options: &Options,
) -> Result<Rc<dyn Vantage>> {
    if !container.state.running || container.state.pid <= 0 {
        return Ok(Rc::new(Offline::new(engine, container)));
    }
    if options.force != Some(Force::Helper) {
        match local(&*engine, container).await {
            Ok(place) => return Ok(Rc::new(Standing::new(Here(Arc::new(place)), &container.name))),
            Err(reason) if options.force == Some(Force::Local) => {
                let message =
                    format!("bgd cannot enter the namespaces of {} itself: {reason}", container.name);
                return Err(Error::new(Kind::Other, message).hint(format!("unset {VANTAGE_VARIABLE}")));
            }
            Err(reason) => {
                tracing::debug!(container = container.name, reason, "a helper container is needed")
            }
        }
    }
    let image = helper::ensure_image(&*engine, &options.binary).await?;
    let channel = Helper::start(&*engine, container, &image).await?;
    Ok(Rc::new(Standing::new(channel, &container.name)))
}

/// The container's process, when this process may enter it; otherwise the reason why not.
async fn local(engine: &dyn Engine, container: &Container) -> std::result::Result<Place, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("bgd does not run as root".to_owned());
    }
    let Address::Unix(_) = engine.info().address else {
        return Err("the engine is reached over the network".to_owned());
    };
    let pid = container.state.pid;
    // A socket can lead to another machine, or to a virtual one, where the number means another process.
    let foreign = || format!("process {pid} of this machine is not of that container");
    let place = match Place::hold(Path::new(&format!("/proc/{pid}")), Net::Enter) {
        Ok(place) => place,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(foreign()),
        Err(error) => return Err(error.to_string()),
    };
    if !place.belongs_to(&container.id) {
        return Err(foreign());
    }
    // Root inside a container can lack the rights for it.
    place.enter().await.map_err(|error| error.to_string())?;
    Ok(place)
}
