use std::rc::Rc;

use async_trait::async_trait;

use crate::docker::Engine;
use crate::error::Result;
use crate::model::{App, AppName, ReleaseNumber, TraefikProxy};
use crate::proxy::seat::Seat;
use crate::proxy::{FileChange, Finding, Former, Route};

use super::door::Door;
use super::settings::Settings;
use super::text::Published;

/// By what Traefik learns the route: a file of the file provider, or the labels of a container.
///
/// What is here only writes, reads back and removes; whether Traefik has taken it is looked up by the driver, which does
/// that in the same way for both.
#[async_trait(?Send)]
pub trait Means {
    /// The name of the provider, as it stands behind the `@` of a router's name.
    fn provider(&self) -> &'static str;

    /// What a request says in `X-Bgd-Marker` to ask which release is live by this means. No other means answers to it.
    fn marker(&self, app: &AppName) -> String;

    /// Whether an answer of this generation comes from a route that was written by another means.
    async fn is_of_another(&self, _scene: &Scene<'_>, _generation: &str) -> Result<bool> {
        Ok(false)
    }

    /// What is written for Traefik now; `None` when there is nothing of bgd's for this app.
    async fn published(&self, scene: &Scene<'_>) -> Result<Option<Published>>;

    /// As [`crate::proxy::Proxy::outlast`].
    async fn outlast(&self, _scene: &Scene<'_>, _releases: &[ReleaseNumber]) -> Result<()> {
        Ok(())
    }

    /// The bytes of all that is written.
    async fn snapshot(&self, scene: &Scene<'_>) -> Result<Former>;

    /// What a switch to `route.live` would change.
    async fn preview(&self, scene: &Scene<'_>, route: &Route) -> Result<Vec<FileChange>>;

    /// Does ahead of the switch what can be done without any effect on what Traefik routes.
    async fn prepare(&self, scene: &Scene<'_>, route: &Route) -> Result<()>;

    /// Gives all requests to `route.live`, or takes the route away when nobody is to get them. Running it twice is fine.
    async fn publish(&self, scene: &Scene<'_>, route: &Route) -> Result<()>;

    /// Brings back what a snapshot holds. Traefik may be stopped.
    async fn put_back(&self, scene: &Scene<'_>, former: &Former) -> Result<()>;

    /// Whether a router of this name is bgd's for this app.
    fn is_own(&self, app: &AppName, router: &str) -> bool;

    /// Which of what is written is not as bgd wrote it, by path.
    async fn edited(&self, scene: &Scene<'_>) -> Result<Vec<String>>;

    /// Whether Traefik has read what was put back, besides serving the generation that is live: that may be the former one
    /// still, with what was written since yet to come.
    async fn has_read(&self, scene: &Scene<'_>) -> Result<bool>;

    /// Takes away what is left of an attempt, when Traefik is proved to route by what was put back.
    async fn tidy(&self, scene: &Scene<'_>) -> Result<()>;

    /// Forgets what was needed for the release that was left only.
    async fn forget(&self, scene: &Scene<'_>, route: &Route) -> Result<()>;

    /// Whether Traefik is told to close idle connections to the app's releases soon, so that what is open carries a request.
    fn closes_idle(&self, _scene: &Scene<'_>) -> bool {
        false
    }

    /// Looks for what would stand in the way.
    async fn check(&self, scene: &Scene<'_>) -> Result<Vec<Finding>>;
}

/// What is known when something is to be done.
pub struct Scene<'a> {
    /// The engine.
    pub engine: &'a Rc<dyn Engine>,
    /// The app.
    pub app: &'a App,
    /// What the configuration says about Traefik.
    pub proxy: &'a TraefikProxy,
    /// Traefik's container.
    pub seat: &'a Seat,
    /// Traefik's own configuration.
    pub settings: &'a Settings,
    /// Where the marker is asked, or why it cannot be.
    pub door: Result<&'a Door, &'a str>,
}
