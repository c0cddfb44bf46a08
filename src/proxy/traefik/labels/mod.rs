//! Labels mode: the route of an app is in the labels of a *route carrier*, a container that has no other purpose.
//!
//! Docker's labels cannot change, so a route is changed by another carrier whose routers have a higher priority. The
//! names of what a carrier defines are its own and never used again: Traefik drops two routers of one name that differ.
//!
//! # Priorities
//! The routers of other apps and of other people are compared with a carrier's by their priority too, so it must not
//! rise with every deploy for ever: a catch-all would one day take the requests of its neighbours. A carrier comes one
//! above the live one ([`Carriers::put`]). When the former carriers are gone, a *twin* of the live one is made at the
//! priority that the configuration asks for ([`Carriers::forget`]), and when Traefik knows it, the live one goes
//! ([`Carriers::lower`]).
//!
//! # In what order
//! - Switch: [`Carriers::put`], then wait until the marker answers with [`Carrier::generation`].
//! - Back: [`Carriers::put_back`], wait in the same way, [`Carriers::forget`].
//! - After the deploy: [`Carriers::forget`], and at some time later, before the next deploy at the latest,
//!   [`Carriers::lower`].

mod carrier;
mod former;
mod means;
mod settle;
mod support;
#[cfg(test)]
mod tests;
mod text;
mod wake;

use std::cmp::Reverse;
use std::path::PathBuf;
use std::rc::Rc;

use tokio::sync::OnceCell;

pub use carrier::{Carrier, GENERATION};
pub use means::ByLabels;
pub use support::{CarrierKind, support, unfit_labels};
pub use text::{GENERATION_HEADER, MARKER_HEADER, RELEASE_HEADER, SLOT_HEADER};

use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, ProxyConfig, label};
use crate::own;
use crate::probe::helper;
use crate::proxy::Target;
use text::Writer;

use super::door::Door;
use super::settings::Settings;
use super::text::asked_at;

/// The route carriers of an app.
pub struct Carriers {
    engine: Rc<dyn Engine>,
    app: AppName,
    kind: CarrierKind,
    writer: Writer,
    binary: PathBuf,
    image: OnceCell<String>,
}

impl Carriers {
    /// Makes ready what carriers of an app are made from. `kind` is what [`support`] says of the Traefik in question.
    ///
    /// # Errors
    /// Of the kind `Config`: the app is not behind a Traefik, the user's template does not parse, a part of the router
    /// cannot stand in a label, or the configuration gives the app labels of Traefik's.
    pub fn new(engine: Rc<dyn Engine>, app: &App, kind: CarrierKind) -> Result<Self> {
        let ProxyConfig::Traefik(proxy) = &app.proxy else {
            return Err(Error::new(Kind::Config, format!("{} is not behind a Traefik", app.name)));
        };
        if let Some(error) = unfit_labels(app) {
            return Err(error);
        }
        let writer = Writer::new(app, proxy, kind)?;
        let binary = PathBuf::from("/proc/self/exe");
        Ok(Self { engine, app: app.name.clone(), kind, writer, binary, image: OnceCell::new() })
    }

    /// The same with the marker at this door, so that it takes a request from Traefik's own network namespace to ask it.
    #[must_use]
    pub(super) fn at_door(mut self, door: &Door, settings: &Settings) -> Self {
        self.writer.set_door(text::MarkerDoor {
            entrypoint: door.entrypoint.clone(),
            asked_by: asked_at(door, settings, text::ASKED),
            tls: door.tls,
        });
        self
    }

    /// The same with another static binary of bgd than the one that runs, for tests.
    #[must_use]
    pub fn with_binary(mut self, binary: impl Into<PathBuf>) -> Self {
        self.binary = binary.into();
        self
    }

    /// All carriers of the app, the one with the highest priority first.
    ///
    /// # Errors
    /// Of the kind `Docker`.
    pub async fn list(&self) -> Result<Vec<Carrier>> {
        let listed = own::labelled(&*self.engine, &self.labels()).await?;
        let mut carriers: Vec<Carrier> = listed.iter().filter_map(Carrier::read).collect();
        carriers.sort_by_key(|carrier| Reverse((carrier.priority, carrier.sequence)));
        Ok(carriers)
    }

    fn labels(&self) -> [String; 1] {
        [format!("{}={}", label::CARRIER, self.app)]
    }

    /// Removes a carrier; one that is gone already is fine.
    async fn discard(&self, carrier: &Carrier) -> Result<()> {
        match own::named(&*self.engine, &carrier.name, &self.labels()).await? {
            Some(found) => found.discard(&*self.engine).await,
            None => Ok(()),
        }
    }

    /// The carrier whose route Traefik takes, from its next look at Docker on at the latest. What Traefik really does
    /// only the marker tells.
    ///
    /// # Errors
    /// Of the kind `Docker`.
    pub async fn live(&self) -> Result<Option<Carrier>> {
        let all = self.list().await?;
        Ok(all.into_iter().find(|carrier| self.kind.routes(carrier.running)))
    }

    /// The labels that the next carrier would have, one a line, as the engine is now.
    ///
    /// # Errors
    /// Of the kind `Docker`, or `Config` when the user's template leaves out what is needed.
    pub async fn preview(&self, target: &Target) -> Result<String> {
        let all = self.list().await?;
        if let Some(live) =
            all.first().filter(|live| self.writer.generation(target).is_ok_and(|g| g == live.generation))
        {
            return Ok(live.text());
        }
        let (sequence, priority) = next(&all, self.writer.base());
        Ok(self.writer.write(target, sequence, priority)?.text())
    }

    /// Moves the route: creates a carrier whose routers come before those of all others, and lets Traefik look. When
    /// the first carrier is one of the same generation already, it is made sure that Traefik knows of it.
    ///
    /// # Errors
    /// Of the kind `Docker`, or `Config` when the user's template leaves out what is needed. The carrier may be there
    /// all the same: what was live before is put back by [`Carriers::put_back`].
    pub async fn put(&self, target: &Target) -> Result<Carrier> {
        let all = self.list().await?;
        let generation = self.writer.generation(target)?;
        if let Some(first) = all.first().filter(|first| first.generation == generation) {
            return self.show(first.clone(), true).await;
        }
        let (sequence, priority) = next(&all, self.writer.base());
        self.create(self.writer.write(target, sequence, priority)?).await
    }

    /// Makes ready what a switch needs, so that it takes no time later: the image of which carriers are made. It holds
    /// nothing but bgd, so that a carrier inherits no label or health check of the app's image.
    ///
    /// # Errors
    /// Of the kind `Docker`, or `Other` when this bgd is not linked statically.
    pub async fn prepare(&self) -> Result<()> {
        self.image().await.map(drop)
    }

    async fn image(&self) -> Result<&str> {
        let made = self.image.get_or_try_init(|| helper::ensure_image(&*self.engine, &self.binary)).await;
        made.map(String::as_str).map_err(|error| error.context("cannot make the image of route carriers"))
    }

    /// Creates a carrier and lets Traefik look.
    async fn create(&self, carrier: Carrier) -> Result<Carrier> {
        let image = self.image().await?;
        self.engine.create(&carrier.name, &carrier.spec(image, self.kind)).await?;
        self.show(carrier, true).await
    }

    /// Makes sure that the carrier is as its kind has to be, and that Traefik has been told to look.
    async fn show(&self, mut carrier: Carrier, at_once: bool) -> Result<Carrier> {
        if self.kind.runs() {
            if !carrier.running {
                self.engine.start(&carrier.name).await?;
                carrier.running = true;
            }
        } else if at_once {
            self.wake().await?;
        }
        Ok(carrier)
    }
}

/// The sequence number and the priority of the carrier after these, the first of which has the highest priority.
fn next(all: &[Carrier], base: i64) -> (u64, i64) {
    let sequence = all.iter().map(|carrier| carrier.sequence).max().unwrap_or(0).saturating_add(1);
    let above = all.first().map_or(base, |first| first.priority.saturating_add(1));
    (sequence, base.max(above))
}
