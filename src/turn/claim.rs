//! What everybody who uses the engine can see of an adoption: whose release 0 a container is.
//!
//! An adopted container has no label of bgd's. Without this two people with state folders of their own could adopt one
//! container behind two proxies, and a deploy of one would stop what the other serves. It is a container that is never
//! started, with a name that can be taken once.

use std::path::Path;

use super::holder::Holder;
use super::{make, never_started};
use crate::docker::{Container, Engine};
use crate::error::{Error, Kind, Result};
use crate::model::{AppName, label};
use crate::own::{self, Owned};

const APP: &str = "bgd.claim.app";
const STATE: &str = "bgd.claim.state";
const USER: &str = "bgd.claim.user";

/// Whose release 0 a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    app: String,
    state: String,
    user: String,
    mark: Owned,
}

impl Claim {
    /// Makes a container release 0 of an app, for everybody to see. One of the same state folder is taken over: its records
    /// tell which of its apps it is for.
    ///
    /// # Errors
    /// Of kind `Config` when it is somebody else's, and when Docker cannot do it.
    pub async fn take(engine: &dyn Engine, container: &Container, app: &AppName, state: &Path) -> Result<()> {
        let holder = Holder::this(state);
        let name = name(&container.id);
        let mut spec = never_started();
        spec.labels.insert(label::CLAIM.to_owned(), container.id.clone());
        spec.labels.insert(APP.to_owned(), app.to_string());
        spec.labels.insert(STATE.to_owned(), holder.state.clone());
        spec.labels.insert(USER.to_owned(), holder.user);
        if let Some(found) = Self::of(engine, &container.id).await? {
            if found.state != holder.state {
                return Err(found.refused(&container.name, app));
            }
            if found.app == app.as_str() {
                return Ok(());
            }
            found.mark.discard(engine).await?;
        }
        match make(engine, &name, &spec).await {
            Ok(_) => Ok(()),
            // Somebody else was first.
            Err(error) => match Self::of(engine, &container.id).await? {
                Some(found) if found.state != holder.state => Err(found.refused(&container.name, app)),
                Some(_) => Ok(()),
                None => Err(error),
            },
        }
    }

    /// The claim on a container; `None` when there is none.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn of(engine: &dyn Engine, id: &str) -> Result<Option<Self>> {
        let Some(found) = engine.container(&name(id)).await? else { return Ok(None) };
        let labels = &found.spec.labels;
        let text = |key: &str| labels.get(key).cloned().unwrap_or_default();
        if labels.get(label::CLAIM).is_none_or(|of| of != id) {
            return Ok(None);
        }
        let (app, state, user) = (text(APP), text(STATE), text(USER));
        let mark = own::named(engine, &name(id), &[format!("{}={id}", label::CLAIM)]).await?;
        Ok(mark.map(|mark| Self { app, state, user, mark }))
    }

    /// Whether it was made with another state folder than this.
    pub fn is_of_another(&self, state: &Path) -> bool {
        self.state != state.display().to_string()
    }

    /// Gives it up, when it is this app's.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn give_up(engine: &dyn Engine, id: &str, app: &AppName, state: &Path) -> Result<()> {
        match Self::of(engine, id).await? {
            Some(found) if found.app == app.as_str() && !found.is_of_another(state) => {
                found.mark.discard(engine).await
            }
            _ => Ok(()),
        }
    }

    fn refused(&self, container: &str, app: &AppName) -> Error {
        Error::new(Kind::Config, format!("{container} does not become release 0 of {app}: it is {self}"))
            .hint("a deploy of one of the two would stop what the other serves; give each a container of its own")
            .hint(format!("when that adoption is not needed any more: docker rm {}", self.mark.name))
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { app, state, user, .. } = self;
        write!(f, "release 0 of {app} already, by user {user} with the state folder {state}")
    }
}

/// No app's container has `_` in its name.
fn name(id: &str) -> String {
    let short: String = id.chars().take(12).collect();
    format!("bgd_adopted_{short}")
}
