use async_trait::async_trait;

use crate::error::{Error, Kind, Result};
use crate::model::{AppName, label};
use crate::proxy::{FileChange, Finding, Former, Route};

use super::labels::GENERATION;
use super::means::{Means, Scene};
use super::names;
use super::preflight::files as checks;
use super::text::{self, Published};

/// What takes the place of the app's file where a file cannot be removed, because Traefik's container is stopped: to
/// Traefik it says nothing.
const NOTHING: &str = "# bgd: no release is live\n";

/// A route in one file of the file provider.
pub struct Files {
    dynamic_dir: String,
}

impl Files {
    /// Writes into this folder of Traefik's container.
    ///
    /// # Errors
    /// Of the kind `Config` when it is no absolute path.
    pub fn new(dynamic_dir: &str) -> Result<Self> {
        if !dynamic_dir.starts_with('/') {
            let message = format!("proxy.traefik.dynamic_dir {dynamic_dir:?} is not an absolute path");
            return Err(Error::new(Kind::Config, message));
        }
        Ok(Self { dynamic_dir: dynamic_dir.to_owned() })
    }

    fn path(&self, scene: &Scene<'_>) -> String {
        names::file(&self.dynamic_dir, &scene.app.name)
    }

    async fn read(&self, scene: &Scene<'_>) -> Result<Option<String>> {
        let bytes = scene.seat.vantage.read(&self.path(scene)).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn wanted(scene: &Scene<'_>, route: &Route) -> Result<Option<String>> {
        let Some(live) = &route.live else { return Ok(None) };
        let door = scene.door.ok();
        text::render(&scene.app.name, scene.proxy, live, scene.settings, door).map(Some)
    }

    /// Brings the file to this content. One rename each time, because Traefik takes the first change of a burst at once
    /// and lets the next one wait.
    async fn put(&self, scene: &Scene<'_>, wanted: Option<&str>) -> Result<()> {
        let (path, vantage) = (self.path(scene), &*scene.seat.vantage);
        let now = self.read(scene).await?;
        match wanted {
            _ if now.as_deref() == wanted => Ok(()),
            Some(text) => vantage.write_aside(&path, text.as_bytes()).await,
            None if scene.seat.is_running() => vantage.delete(&path).await,
            None => vantage.write_aside(&path, NOTHING.as_bytes()).await,
        }
    }
}

#[async_trait(?Send)]
impl Means for Files {
    fn provider(&self) -> &'static str {
        "file"
    }

    fn marker(&self, app: &AppName) -> String {
        app.to_string()
    }

    async fn is_of_another(&self, scene: &Scene<'_>, generation: &str) -> Result<bool> {
        // Carriers that an earlier bgd has made answer to the same word.
        let carriers = scene.engine.containers(&[format!("{}={}", label::CARRIER, scene.app.name)]).await?;
        Ok(carriers.iter().any(|one| one.labels.get(GENERATION).is_some_and(|own| own == generation)))
    }

    async fn published(&self, scene: &Scene<'_>) -> Result<Option<Published>> {
        let text = self.read(scene).await?;
        Ok(text.and_then(|text| text::published(&scene.app.name, &text)))
    }

    async fn snapshot(&self, scene: &Scene<'_>) -> Result<Former> {
        Ok(Former::of("traefik file", vec![(self.path(scene), self.read(scene).await?)]))
    }

    async fn preview(&self, scene: &Scene<'_>, route: &Route) -> Result<Vec<FileChange>> {
        let (now, then) = (self.read(scene).await?, Self::wanted(scene, route)?);
        if now == then {
            return Ok(Vec::new());
        }
        Ok(vec![FileChange { path: self.path(scene), now, then }])
    }

    async fn prepare(&self, scene: &Scene<'_>, route: &Route) -> Result<()> {
        // What would not render is found here, before anything has moved.
        let then = Route { live: route.idle.clone(), idle: route.live.clone() };
        Self::wanted(scene, &then)?;
        // Made once, and as early as can be: Traefik sees it come.
        scene.seat.vantage.make_aside(names::folder(&self.dynamic_dir)).await
    }

    async fn publish(&self, scene: &Scene<'_>, route: &Route) -> Result<()> {
        self.put(scene, Self::wanted(scene, route)?.as_deref()).await
    }

    async fn put_back(&self, scene: &Scene<'_>, former: &Former) -> Result<()> {
        let text = former.content(&self.path(scene))?;
        let Some((text, now)) = text.zip(self.read(scene).await?) else {
            return self.put(scene, text).await;
        };
        if text::is_same(&scene.app.name, text, &now) {
            return Ok(());
        }
        self.put(scene, Some(&text::put_back(&scene.app.name, text, &now))).await
    }

    fn is_own(&self, app: &AppName, router: &str) -> bool {
        router == names::router(app) || router == names::marker(app)
    }

    async fn edited(&self, scene: &Scene<'_>) -> Result<Vec<String>> {
        let text = self.read(scene).await?.unwrap_or_default();
        let published = text::published(&scene.app.name, &text);
        let is_edited = published.is_some_and(|published| text::is_edited(&published, &text));
        Ok(is_edited.then(|| self.path(scene)).into_iter().collect())
    }

    async fn has_read(&self, _: &Scene<'_>) -> Result<bool> {
        // What is put back has a generation of its own.
        Ok(true)
    }

    async fn tidy(&self, _: &Scene<'_>) -> Result<()> {
        Ok(())
    }

    async fn forget(&self, _: &Scene<'_>, _: &Route) -> Result<()> {
        // The file holds nothing but what is live.
        Ok(())
    }

    fn closes_idle(&self, scene: &Scene<'_>) -> bool {
        // The transport of the file closes what is idle, so that whatever is open carries a request or a WebSocket. A
        // template of the user's may do without it.
        scene.proxy.template.as_ref().is_none_or(|template| template.contains("transport.idle"))
    }

    async fn check(&self, scene: &Scene<'_>) -> Result<Vec<Finding>> {
        let folder = names::folder(&self.dynamic_dir);
        let mut findings = checks::mount(&scene.seat.container, &self.path(scene), folder);
        findings.extend(checks::provider(scene.settings, &scene.seat.container.name, folder));
        match scene.seat.vantage.list(folder).await {
            Ok(None) => findings.push(checks::no_folder(&scene.seat.container.name, folder)),
            Ok(Some(_)) => {
                let text = self.read(scene).await?;
                let is_foreign = text.is_some_and(|text| {
                    !text.trim().is_empty()
                        && text != NOTHING
                        && text::published(&scene.app.name, &text).is_none()
                });
                findings.extend(is_foreign.then(|| checks::not_ours(&self.path(scene))));
            }
            // A stopped container was told of already.
            Err(_) if !scene.seat.is_running() => {}
            Err(error) => return Err(error),
        }
        let route = Route { live: Some(super::preflight::imagined(scene.app)), idle: None };
        if let Err(error) = Self::wanted(scene, &route) {
            findings.push(super::preflight::refusal(&error));
        }
        Ok(findings)
    }
}
