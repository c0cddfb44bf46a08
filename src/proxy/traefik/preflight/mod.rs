//! What would make a deploy behind this Traefik fail or lose requests, found before anything is started.
//!
//! This file gathers; the checks themselves are pure: [`files`] and [`routes`], and those in `proxy::preflight`.

pub mod files;
pub mod labels;
mod routes;

use crate::error::{Error, Result};
use crate::model::{App, ReleaseNumber, Slot, release_host, slot_host};
use crate::proxy::preflight::container;
use crate::proxy::{Finding, Severity, Target};

use super::confirm::api;
use super::driver::TraefikDriver;
use super::means::Scene;

/// How checks that are not Traefik's own speak of it.
const TRAEFIK: container::Kind<'_> = container::Kind { name: "Traefik", key: "proxy.traefik" };

/// What makes a Traefik tell what it routes to.
pub const WAYS_TO_ASK: [&str; 2] = [
    "give Traefik an entry point that only its own network namespace reaches: --entrypoints.bgd.address=127.0.0.1:24710",
    "or let its API answer there: --api.insecure=true, without publishing its port",
];

impl TraefikDriver {
    /// Looks at everything; the worst comes first.
    pub(super) async fn look_for_trouble(&self) -> Result<Vec<Finding>> {
        let name = self.proxy.container.as_str();
        if self.engine.container(name).await?.is_none() {
            return Ok(vec![container::missing(&TRAEFIK, name)]);
        }
        let known = self.known().await?;
        let scene = self.scene(&known);
        let network = self.engine.network(self.app.network.as_str()).await?;
        let mut findings =
            container::check(&TRAEFIK, &known.seat.container, self.app.network.as_str(), network.as_ref());
        if known.seat.is_running() {
            self.check_running(&scene, &mut findings).await;
        } else {
            findings.push(routes::stopped(&known.seat.container, &self.complaints(&scene).await));
        }
        findings.extend(routes::entrypoints(scene.settings, &self.proxy.router, name));
        findings.extend(routes::version(scene.settings, name));
        findings.extend(self.means.check(&scene).await?);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(findings)
    }

    async fn check_running(&self, scene: &Scene<'_>, findings: &mut Vec<Finding>) {
        let name = self.proxy.container.as_str();
        findings.extend(routes::throttle(scene.settings));
        findings.extend(routes::ways_to_ask(scene.settings, scene.door, name));
        let Some(api) = api(scene) else { return };
        // What the API does not tell now, verify will say.
        let Ok(Some(data)) = api.get("rawdata").await else { return };
        // Between its own means a move leaves one route, whatever the priorities.
        let own = |name: &str| self.is_own_by_any(name);
        findings.extend(routes::same_rule(&data, &self.proxy.router, scene.proxy.router.priority, own));
        findings.extend(routes::missing_middlewares(
            &data,
            &self.proxy.router.middlewares,
            self.means.provider(),
        ));
    }
}

/// A release like those of deploys, to try the template with.
pub fn imagined(app: &App) -> Target {
    let slot = Slot::Blue;
    Target {
        slot,
        release: ReleaseNumber(1),
        release_host: release_host(&app.name, ReleaseNumber(1)),
        slot_host: slot_host(&app.name, slot),
        port: app.port,
        addresses: Vec::new(),
    }
}

/// An error as a refusal.
pub fn refusal(error: &Error) -> Finding {
    let remedy = error.hints().first().cloned();
    Finding { severity: Severity::Refusal, message: error.one_line(), remedy }
}

fn finding(severity: Severity, message: String, remedy: impl Into<String>) -> Finding {
    Finding { severity, message, remedy: Some(remedy.into()) }
}
