//! Whose a container is. A name proves nothing, and neither do labels that the image has: `docker commit` writes a
//! container's labels into an image, and everything that is run from it gets them.
//!
//! A container is bgd's when one of bgd's labels is its own. It is a release's when it has, besides, the id that the record
//! of the release says; records of before ids were recorded know none. Only an [`Owned`] one can be stopped, removed or
//! renamed, and only this module hands those out. The methods of [`Engine`] that do so are refused by clippy elsewhere.

mod labels;
mod owned;
mod releases;

pub use labels::{is_marked, labelled};
pub use owned::{Left, Owned, files_of_its_own};
pub use releases::{OfApp, app_label, of_app, of_release, remember_volumes};
pub(crate) use releases::{is_adopted, is_of_record, replica_of};

use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::ContainerSpec;

/// Looks up what bgd made under a name for a purpose of its own, a hook or a helper, by the labels that it has then.
///
/// # Errors
/// Of kind `Config` when something else has the name, and when Docker cannot be asked.
pub async fn named(engine: &dyn Engine, name: &str, labels: &[String]) -> Result<Option<Owned>> {
    let listed = labelled(engine, labels).await?;
    if let Some(summary) = listed.iter().find(|summary| summary.name == name) {
        return Ok(engine.container(&summary.id).await?.map(Owned::new));
    }
    match engine.container(name).await? {
        None => Ok(None),
        Some(_) => Err(name_is_taken(engine, name).await),
    }
}

/// All that bgd made with these labels.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn all(engine: &dyn Engine, labels: &[String]) -> Result<Vec<Owned>> {
    let listed = labelled(engine, labels).await?;
    let found =
        futures_util::future::try_join_all(listed.iter().map(|one| engine.container(&one.id))).await?;
    Ok(found.into_iter().flatten().map(Owned::new).collect())
}

/// Makes a container for a purpose of bgd's own.
///
/// # Errors
/// When something else has the name, and when Docker cannot do it.
pub async fn make(engine: &dyn Engine, name: &str, spec: &ContainerSpec) -> Result<Owned> {
    let id = engine.create(name, spec).await?;
    let gone = || Error::new(Kind::Docker, format!("{name} was removed while it was needed"));
    engine.container(&id).await?.map(Owned::new).ok_or_else(gone)
}

/// The error that a name which bgd needs is another's.
pub async fn name_is_taken(engine: &dyn Engine, name: &str) -> Error {
    let error = Error::new(Kind::Config, format!("there is a container {name} already, and it is not bgd's"));
    match free_name(engine, name).await {
        Ok(free) => error.hint(format!("rename it, which stops nothing: docker rename {name} {free}")),
        // What could not be asked has no name to propose.
        Err(_) => error,
    }
}

/// A name for a container that is to make way, which no other container has.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn free_name(engine: &dyn Engine, name: &str) -> Result<String> {
    let mut free = format!("{name}-old");
    let mut tried = 1;
    while engine.container(&free).await?.is_some() {
        tried += 1;
        free = format!("{name}-old-{tried}");
    }
    Ok(free)
}
