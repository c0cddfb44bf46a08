use std::ops::Deref;
use std::time::Duration;

use crate::docker::{Container, Engine};
use crate::error::Result;
use crate::model::Mount;

/// A container that was proved to be bgd's, or the one that the user made a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned(Container);

/// An anonymous volume that stays when its container is removed, because there are files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The container that had it.
    pub container: String,
    /// Its name and where it was mounted.
    pub mount: Mount,
}

impl Left {
    /// What is told of it, with the command that removes it.
    pub fn told(&self) -> String {
        let Mount { source, target, .. } = &self.mount;
        format!(
            "the anonymous volume of {} at {target} has files in it and stays; when nobody needs them: docker volume rm {source}",
            self.container
        )
    }
}

impl Deref for Owned {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.0
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where it is proved whose the container is")]
impl Owned {
    /// Only for this module: whoever calls it has the proof.
    pub(super) fn new(container: Container) -> Self {
        Self(container)
    }

    /// Stops it, waiting `grace` before it is killed.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn stop(&self, engine: &dyn Engine, grace: Duration) -> Result<()> {
        engine.stop(&self.0.id, grace).await
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn rename(&self, engine: &dyn Engine, name: &str) -> Result<()> {
        engine.rename(&self.0.id, name).await
    }

    /// Removes it. Its anonymous volumes go with it when they are empty, and else stay, all of them.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn remove(&self, engine: &dyn Engine) -> Result<Vec<Left>> {
        let left = self.files_of_its_own(engine).await?;
        if left.is_empty() {
            engine.discard(&self.0.id).await?
        } else {
            engine.remove(&self.0.id).await?
        };
        Ok(left)
    }

    /// Removes one that holds nothing of the user's, such as a hook's, with all that belongs to it.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn discard(&self, engine: &dyn Engine) -> Result<()> {
        engine.discard(&self.0.id).await
    }
    /// Its anonymous volumes that have files in them.
    ///
    /// # Errors
    /// When Docker does not answer.
    pub async fn files_of_its_own(&self, engine: &dyn Engine) -> Result<Vec<Left>> {
        files_of_its_own(engine, &self.0).await
    }
}

/// The anonymous volumes of a container that have files in them. One that cannot be read counts as such.
///
/// # Errors
/// When Docker does not answer.
pub async fn files_of_its_own(engine: &dyn Engine, container: &Container) -> Result<Vec<Left>> {
    let mut left = Vec::new();
    // What an image brings for a volume is copied when the container is made; nobody has written to it before the start.
    if container.state.status == "created" {
        return Ok(left);
    }
    for mount in container.mounts.iter().filter(|mount| mount.is_anonymous()) {
        let has_files = match engine.has_files(&container.id, &mount.target).await {
            Err(error) if error.is_unreachable() => return Err(error),
            Err(_) => true,
            Ok(has_files) => has_files,
        };
        if has_files {
            left.push(Left { container: container.name.clone(), mount: mount.clone() });
        }
    }
    Ok(left)
}
