use std::cell::RefCell;
use std::rc::Rc;

use super::open::seen_many;
use super::{Proxy, Seen, open};
use crate::docker::Engine;
use crate::error::Result;
use crate::model::{App, ContainerName, ProxyIdentity, Release};

/// The proxies of an app. There is no driver but the one of a release's own configuration: a container is asked about at the
/// proxy that routes to it, and a journal is followed at the proxy that it was written for.
pub struct Proxies {
    engine: Rc<dyn Engine>,
    /// How a driver is made; by bgd's own ways where nothing is said.
    open: Option<Box<Open>>,
    /// A driver remembers what it has seen, so that there is one for each configuration.
    opened: RefCell<Vec<(App, Rc<dyn Proxy>)>>,
}

/// Makes the driver of a configuration.
type Open = dyn Fn(&App) -> Result<Rc<dyn Proxy>>;

impl Proxies {
    /// The proxies that run on this engine.
    pub fn new(engine: Rc<dyn Engine>) -> Self {
        Self { engine, open: None, opened: RefCell::default() }
    }

    /// The same with drivers of the caller's, for tests.
    pub fn opened_by(engine: Rc<dyn Engine>, open: impl Fn(&App) -> Result<Rc<dyn Proxy>> + 'static) -> Self {
        Self { engine, open: Some(Box::new(open)), opened: RefCell::default() }
    }

    /// The driver by which the app of a record, or of a configuration, is routed.
    ///
    /// # Errors
    /// A template of the user's that does not parse.
    pub fn of(&self, app: &App) -> Result<Rc<dyn Proxy>> {
        if let Some((_, known)) = self.opened.borrow().iter().find(|(known, _)| known == app) {
            return Ok(Rc::clone(known));
        }
        let driver = match &self.open {
            Some(open) => open(app)?,
            None => open(Rc::clone(&self.engine), app)?,
        };
        self.opened.borrow_mut().push((app.clone(), Rc::clone(&driver)));
        Ok(driver)
    }

    /// What the proxies of many apps have, each proxy being looked up once. The answers are in the order of the apps.
    pub async fn seen_many(&self, apps: &[&App]) -> Vec<Result<Seen>> {
        if self.open.is_none() {
            return seen_many(Rc::clone(&self.engine), apps).await;
        }
        let seen = apps.iter().map(async |app| self.of(app)?.seen().await);
        futures_util::future::join_all(seen).await
    }

    /// A release with the proxy's container as it is called today. The recorded name counts where there is such a container.
    /// Else it is the container with the recorded id, the one of a `known` configuration that routes by the same means, or
    /// one that runs with the recorded folder mounted. When there is none of these the record stays as it is.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn locate(&self, release: &Release, known: &[&App]) -> Result<Release> {
        let proxy = &release.app.proxy;
        if self.of(&release.app)?.is_there().await? {
            return Ok(release.clone());
        }
        let by_id = match &release.proxy {
            Some(identity) => self.engine.container(&identity.id).await?,
            None => None,
        };
        let mut found = by_id.as_ref().filter(|one| one.state.running).map(|one| one.name.clone());
        for app in known.iter().filter(|app| app.proxy.is_same_means(proxy)) {
            if found.is_none() && self.of(app)?.is_there().await? {
                found = Some(app.proxy.container().to_string());
            }
        }
        found = found.or(by_id.map(|one| one.name));
        if found.is_none()
            && let Some(ProxyIdentity { folder: Some(source), .. }) = &release.proxy
            && let Some(target) = proxy.folder()
        {
            found = self.with_folder(source, target).await?;
        }
        let name = found.and_then(|name| ContainerName::parse(&name).ok());
        let app = match name {
            Some(name) => App { proxy: proxy.in_container(name), ..release.app.clone() },
            None => release.app.clone(),
        };
        Ok(Release { app, ..release.clone() })
    }

    /// The one container that runs with this mounted there; none when there are several.
    async fn with_folder(&self, source: &str, target: &str) -> Result<Option<String>> {
        let mut found = Vec::new();
        for summary in self.engine.containers(&[]).await?.iter().filter(|one| one.status == "running") {
            let container = self.engine.container(&summary.id).await?;
            let has_it =
                |mount: &crate::model::Mount| mount.source == source && is_around(&mount.target, target);
            found.extend(container.filter(|one| one.mounts.iter().any(has_it)).map(|one| one.name));
        }
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// What tells the proxy's container of an app when it is called otherwise one day; `None` where there is none.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn identity(&self, app: &App) -> Result<Option<ProxyIdentity>> {
        let Some(container) = self.engine.container(app.proxy.container().as_str()).await? else {
            return Ok(None);
        };
        let around = container
            .mounts
            .iter()
            .filter(|mount| app.proxy.folder().is_some_and(|folder| is_around(&mount.target, folder)));
        let folder = around.max_by_key(|mount| mount.target.len()).map(|mount| mount.source.clone());
        Ok(Some(ProxyIdentity { id: container.id, folder: folder.filter(|source| !source.is_empty()) }))
    }
}

/// Whether a folder is a mount's target or lies below it.
fn is_around(target: &str, folder: &str) -> bool {
    let target = target.trim_end_matches('/');
    folder == target || folder.starts_with(&format!("{target}/"))
}
