use super::{Live, Proxies};
use crate::error::{Error, Kind, Result};
use crate::model::{App, Release, ReleaseNumber};

/// What all proxies of an app route to. "May this container be stopped?" is asked here and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes(Vec<Routed>);

/// A proxy that routes to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The configuration by which it does.
    pub app: App,
    /// What it routes to.
    pub live: Live,
}

impl Routed {
    /// The proxy, for people.
    pub fn describe(&self) -> String {
        self.app.proxy.describe()
    }

    /// Whether it routes to this release. Where it knows only slots, it is whatever has its slot.
    pub fn is_to(&self, release: &Release) -> bool {
        match self.live.release {
            Some(number) => number == release.number,
            None => self.live.slot == release.slot && self.app.proxy.is_same_place(&release.app.proxy),
        }
    }

    /// Whether it may route to a container of this release and slot.
    fn reaches(&self, number: ReleaseNumber, slot: Option<&str>, runs: bool) -> bool {
        match self.live.release {
            Some(live) => live == number,
            // A name that belongs to a slot leads to everything that runs in it.
            None => slot == Some(self.live.slot.as_str()) && runs,
        }
    }
}

impl Routes {
    /// Asks the proxy of each of these configurations, each proxy once. Another than that of `app` routes nothing when its
    /// container is gone, or when it does not answer and nothing of bgd's is written there.
    ///
    /// # Errors
    /// When Docker or a proxy cannot be asked.
    pub async fn ask<'a>(
        proxies: &Proxies,
        app: &App,
        apps: impl IntoIterator<Item = &'a App>,
    ) -> Result<Self> {
        let mut asked: Vec<&App> = Vec::new();
        let mut routes = Vec::new();
        for one in apps {
            if asked.iter().any(|known| known.proxy.is_same_place(&one.proxy)) {
                continue;
            }
            asked.push(one);
            let is_other = !one.proxy.is_same_place(&app.proxy);
            let proxy = proxies.of(one)?;
            if is_other && !proxy.is_there().await? {
                continue;
            }
            let live = match proxy.live().await {
                Ok(live) => live,
                Err(_) if is_other && proxy.snapshot().await.is_ok_and(|now| now.is_nothing()) => None,
                Err(error) if is_other => {
                    let what = one.proxy.describe();
                    let message = format!("{what}, which routed to an earlier release, cannot be asked");
                    return Err(error.context(message));
                }
                Err(error) => return Err(error),
            };
            routes.extend(live.map(|live| Routed { app: one.clone(), live }));
        }
        Ok(Self(routes))
    }

    /// Each proxy that routes to something.
    pub fn iter(&self) -> impl Iterator<Item = &Routed> {
        self.0.iter()
    }

    /// What the proxy of a configuration routes to.
    pub fn at(&self, app: &App) -> Option<&Routed> {
        self.iter().find(|routed| routed.app.proxy.is_same_place(&app.proxy))
    }

    /// The proxy that routes to this release, if one does.
    pub fn to(&self, release: &Release) -> Option<&Routed> {
        self.iter().find(|routed| routed.is_to(release))
    }

    /// The proxy that may route to a container of this release and slot, if one does.
    pub fn to_container(&self, number: ReleaseNumber, slot: Option<&str>, runs: bool) -> Option<&Routed> {
        self.iter().find(|routed| routed.reaches(number, slot, runs))
    }

    /// The releases that are routed to, where the proxy knows them by number.
    pub fn numbers(&self) -> impl Iterator<Item = ReleaseNumber> {
        self.iter().filter_map(|routed| routed.live.release)
    }

    /// Refuses when a proxy routes to this release.
    ///
    /// # Errors
    /// Of kind `Proxy`, naming it.
    pub fn insist_not_to(&self, release: &Release) -> Result<()> {
        let Some(routed) = self.to(release) else { return Ok(()) };
        Err(Error::new(
            Kind::Proxy,
            format!("{} still routes to release {}: it is left as it is", routed.describe(), release.number),
        )
        .hint(format!("see what is routed where with: bgd status {}", release.app.name)))
    }
}
