//! The lock of an app that everybody sees who uses the engine, whatever state folder they have.
//!
//! It is a container that is never started: to create one is atomic, its name can be taken once. Its labels say who holds
//! it, so that one of a process which is gone is recognised. A process that cannot be seen, of another machine or in
//! another container, gives signs of life by a file in it.

mod beat;
mod claim;
mod holder;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::docker::{Container, Engine};
use crate::error::{Error, Kind, Result};
use crate::event::Report;
use crate::model::{AppName, ContainerSpec, Restart, label};
use crate::own::{self, Owned};
use beat::{Beat, Watched};
pub use claim::Claim;
use holder::{Holder, Life};

/// The image of locks: nothing is in it.
const IMAGE: &str = "bgd-lock:1";
const PAUSE: Duration = Duration::from_millis(100);

/// The lock of an app, held until it is given back, or the process ends.
pub struct Turn {
    engine: Rc<dyn Engine>,
    app: AppName,
    lock: Owned,
    _beat: Beat,
}

impl Turn {
    /// Takes an app's lock, waiting for it at most `wait`. `None` when the engine cannot make one for a reason of its own,
    /// such as a full disk, which is told: what has to be recovered then must not wait for that.
    ///
    /// # Errors
    /// Of kind `Locked` when somebody holds it, `Config` when another container has its name, and when Docker does not
    /// answer.
    pub async fn take(
        engine: &Rc<dyn Engine>,
        app: &AppName,
        state: &Path,
        wait: Duration,
        report: &dyn Report,
    ) -> Result<Option<Self>> {
        let name = name(app);
        let spec = spec(app, &Holder::this(state));
        let (deadline, mut watched) = (Instant::now() + wait, Watched::default());
        let mut vanished = 0;
        loop {
            let refused = match make(engine.as_ref(), &name, &spec).await {
                Ok(lock) => {
                    let beat = Beat::start(Rc::clone(engine), lock.id.clone());
                    return Ok(Some(Self { engine: Rc::clone(engine), app: app.clone(), lock, _beat: beat }));
                }
                Err(error) if error.is_unreachable() => return Err(error),
                Err(error) => error,
            };
            let Some(found) = engine.container(&name).await? else {
                vanished += 1;
                // Given back meanwhile, or still being made; else the engine cannot make one.
                if vanished < 20 && refused.one_line().contains("in use") {
                    sleep(PAUSE / 5).await;
                    continue;
                }
                report.warn(
                    format!("{app} is kept only from deploys with this state folder: {}", refused.one_line()),
                    None,
                );
                return Ok(None);
            };
            let Some(lock) = own::named(engine.as_ref(), &name, &labels(app)).await? else { continue };
            let holder = Holder::read(&found.spec.labels);
            let is_gone = match holder.life() {
                Life::Alive => false,
                Life::Gone => true,
                Life::Unknown => watched.is_silent(engine.as_ref(), &lock).await?,
            };
            if is_gone {
                lock.discard(engine.as_ref()).await?;
            } else if Instant::now() >= deadline {
                return Err(held(app, &holder, &found));
            } else {
                sleep(PAUSE).await;
            }
        }
    }

    /// The app.
    pub fn app(&self) -> &AppName {
        &self.app
    }

    /// Gives it back.
    ///
    /// # Errors
    /// When Docker does not answer: the next one finds that this process is gone.
    pub async fn give_back(self) -> Result<()> {
        self.lock.discard(self.engine.as_ref()).await
    }
}

/// What the lock of an app is called. No app's container has `_` in its name.
fn name(app: &AppName) -> String {
    format!("bgd_lock_{app}")
}

fn labels(app: &AppName) -> [String; 1] {
    [format!("{}={app}", label::LOCK)]
}

fn spec(app: &AppName, holder: &Holder) -> ContainerSpec {
    let mut spec = never_started();
    spec.labels.extend(holder.labels());
    spec.labels.insert(label::LOCK.to_owned(), app.to_string());
    spec
}

/// A container of which only the name and the labels count.
fn never_started() -> ContainerSpec {
    ContainerSpec {
        image: IMAGE.to_owned(),
        command: Some(vec!["never-started".to_owned()]),
        network_mode: Some("none".to_owned()),
        labels: [("traefik.enable".to_owned(), "false".to_owned())].into(),
        restart: Restart::No,
        ..ContainerSpec::default()
    }
}

async fn make(engine: &dyn Engine, name: &str, spec: &ContainerSpec) -> Result<Owned> {
    if engine.image(IMAGE).await?.is_none() {
        // Two blocks of zeros are an archive with nothing in it.
        engine.import(vec![0; 1024], IMAGE, &[]).await?;
    }
    own::make(engine, name, spec).await
}

fn held(app: &AppName, holder: &Holder, found: &Container) -> Error {
    let error = Error::new(Kind::Locked, format!("{app} is being changed {holder}"))
        .hint("wait for it with --wait 10m, or try again; the lock is freed when that process ends, however it ends");
    match holder.life() {
        Life::Unknown => error.hint(format!(
            "that process cannot be seen from here: after {} s without a sign of life --wait 2m takes the lock; if it is surely gone: docker rm {}",
            beat::SILENCE.as_secs(),
            found.name
        )),
        _ => error,
    }
}
