//! The proxy in front of an app: one trait, filled by a driver for each proxy.
//!
//! Nothing above this module knows which proxy it is.

mod client;
mod former;
mod in_flight;
mod manner;
pub mod nginx;
mod open;
mod origin;
mod preflight;
mod proxies;
mod routes;
pub(crate) mod seat;
pub mod traefik;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::{AppName, ReleaseNumber, Slot};
use crate::probe::{Answer, Failure, Vantage};

pub use client::{Arrival, Class, ClientGot, ClientRequest};
pub use former::{Former, Looked};
pub use in_flight::{InFlight, Known};
pub use manner::{Manner, is_plain};
pub use open::open;
pub use origin::Origin;
pub use proxies::Proxies;
pub use routes::{Routed, Routes};

/// What bgd asks of a proxy. One value serves one app.
///
/// Errors are of the kind `Proxy` (the proxy refused or did not do it), `Config` (what the configuration names is not
/// as it has to be) or `Docker`.
#[async_trait(?Send)]
pub trait Proxy {
    /// What it is, for people: `nginx 1.30.6 in edge`.
    fn describe(&self) -> String;

    /// Whether its container exists, running or not.
    async fn is_there(&self) -> Result<bool> {
        Ok(true)
    }

    /// Where the proxy is down because it does not take a file of bgd's: the app whose file it is, and what is wrong with it.
    async fn refused_file(&self) -> Result<Option<(AppName, String)>> {
        Ok(None)
    }

    /// Starts a proxy that is down because it does not take the app's file, with one by which nothing is live.
    async fn bring_up(&self) -> Result<()> {
        Ok(())
    }

    /// Looks for everything that would make a deploy fail or lose requests, before anything is started.
    async fn preflight(&self) -> Result<Vec<Finding>>;

    /// Reads back from the proxy what it routes to now; `None` when it has no route of bgd's for this app.
    async fn live(&self) -> Result<Option<Live>>;

    /// What the proxy routes to, and which of bgd's files somebody has changed since.
    async fn seen(&self) -> Result<Seen>;

    /// Waits for what a bgd that was killed has asked for to route to one of these releases: it may still take effect, when
    /// the one who asked does not wait for the answer any more. [`Proxy::live`] is the truth after that.
    async fn outlast(&self, _releases: &[ReleaseNumber]) -> Result<()> {
        // Of a file there is nothing left to wait for: it was written, or it was not.
        Ok(())
    }

    /// The bytes of everything that bgd has written for this app, to be kept until the deploy has ended.
    async fn snapshot(&self) -> Result<Former>;

    /// Shows what the files of this route would be, beside what they are: (path, now, then).
    async fn preview(&self, route: &Route) -> Result<Vec<FileChange>>;

    /// Makes `route.idle` known to the proxy without sending it any request, and proves that the proxy reaches it.
    /// What is live stays live. Returns when the proxy has taken it over everywhere.
    async fn stage(&self, route: &Route) -> Result<()>;

    /// Moves all new requests to `route.live`. Returning proves nothing: [`Proxy::verify`] does.
    async fn switch(&self, route: &Route) -> Result<()>;

    /// Waits for the proof that every new request goes to `route.live`, for at most the driver's own deadline.
    async fn verify(&self, route: &Route) -> Result<()>;

    /// Puts a snapshot back, makes the proxy take it, and proves that it did. A proxy that is stopped gets its files
    /// back all the same, so that it serves the former route when it comes up; that is told as an `Ok(Restored)`.
    async fn restore(&self, former: &Former) -> Result<Restored>;

    /// Takes everything away that bgd has written for this app, and proves that nothing is routed any more. The route that
    /// is left when the app has moved to another proxy goes so.
    async fn withdraw(&self) -> Result<Restored> {
        let now = self.snapshot().await?;
        self.restore(&now.emptied()).await
    }

    /// Forgets what nobody needs any more once the switch is proved: the slot that was left, so that it may be stopped,
    /// unless `route.idle` says that it is kept. What is live stays live.
    async fn forget_idle(&self, route: &Route) -> Result<()>;

    /// What the route needs of a container besides the app, such as a middleware that its labels define, by its full name.
    fn defined_by(&self, _labels: &BTreeMap<String, String>) -> Vec<String> {
        Vec::new()
    }

    /// What is still in flight towards these addresses of a slot that gets no new requests, and how far that can be told.
    async fn in_flight(&self, left: &[IpAddr]) -> Result<InFlight>;

    /// Sends a request through the proxy to whatever is live, as a client of the app would.
    async fn through(&self, request: Through<'_>) -> Result<Answer, Failure>;

    /// How the requests of clients look to the app. A configuration that cannot be read tells nothing.
    async fn manner(&self) -> Manner {
        Manner::default()
    }

    /// Who gave an answer to [`Proxy::through`]: what the proxy answers by itself says nothing of the app.
    fn origin(&self, _answer: &Answer) -> Origin {
        Origin::Unknown
    }

    /// A GET that goes the way of a client's own, by a public listener, to be sent from [`Proxy::vantage`]. The path is taken
    /// where the route allows it. `Err` says for people why no such request can be made: what is public may take TLS only.
    async fn client_request(&self, path: &str, limit: Duration) -> Result<ClientRequest, String>;

    /// The place where the proxy stands, to look from there.
    async fn vantage(&self) -> Result<Rc<dyn Vantage>>;
}

/// A release at an address that the proxy can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its slot.
    pub slot: Slot,
    /// Its number.
    pub release: ReleaseNumber,
    /// A name that only this release's containers have on the proxy's network, never used again by another release.
    pub release_host: String,
    /// A name that the slot's containers have on the proxy's network, release after release.
    pub slot_host: String,
    /// The port on which the app listens.
    pub port: u16,
    /// The addresses of its containers on the proxy's network now; empty when none runs.
    pub addresses: Vec<IpAddr>,
}

impl Target {
    /// Whether its container was there before bgd: it has its own name and no other, whatever slot it stands in.
    pub fn is_adopted(&self) -> bool {
        self.release_host == self.slot_host
    }
}

/// Where requests go, and what else the proxy knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Who gets the requests; `None` before the first deploy has switched: the proxy then answers 503.
    pub live: Option<Target>,
    /// The other slot, known to the proxy and getting no requests.
    pub idle: Option<Target>,
}

/// What the proxy says is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The slot.
    pub slot: Slot,
    /// The release, where the proxy's configuration tells (a switch without reload knows only slots).
    pub release: Option<ReleaseNumber>,
}

/// An app, as its proxy has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What is live.
    pub live: Option<Live>,
    /// The files of bgd's that are not as bgd wrote them, by path.
    pub edited: Vec<String>,
}

/// How a snapshot was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// The proxy runs on it, proved.
    Verified,
    /// The proxy does not run; it will use it when it comes up.
    WhenItRuns,
}

/// A file as it is and as it would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path inside the proxy's container.
    pub path: String,
    /// The present content.
    pub now: Option<String>,
    /// The content after the deploy.
    pub then: Option<String>,
}

/// A request through the proxy.
#[derive(Debug, Clone, Copy)]
pub struct Through<'a> {
    /// `GET` …
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The Host header that the app sees; the route's own where absent.
    pub host: Option<&'a str>,
    /// Further headers.
    pub headers: &'a [(String, String)],
    /// How long it may take.
    pub limit: Duration,
}

/// Something that preflight found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What follows from it.
    pub severity: Severity,
    /// What is the matter, naming the thing and the place.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// What follows from a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// It works, and a person should look at it.
    Warning,
    /// The deploy would fail or lose requests: it is refused.
    Refusal,
}
