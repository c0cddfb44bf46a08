use std::collections::BTreeMap;
use std::rc::Rc;

use super::nginx::{self, NginxDriver};
use super::traefik::TraefikDriver;
use super::{Proxy, Seen};
use crate::docker::Engine;
use crate::error::Result;
use crate::model::{App, AppName, NginxProxy, ProxyConfig};

/// The driver of an app's proxy.
///
/// # Errors
/// A template of the user's that does not parse.
pub fn open(engine: Rc<dyn Engine>, app: &App) -> Result<Rc<dyn Proxy>> {
    match &app.proxy {
        ProxyConfig::Nginx(_) => Ok(Rc::new(NginxDriver::new(engine, app)?)),
        ProxyConfig::Traefik(_) => Ok(Rc::new(TraefikDriver::new(engine, app)?)),
    }
}

/// What the proxies of many apps have, each proxy being looked up once. The answers are in the order of the apps.
pub(super) async fn seen_many(engine: Rc<dyn Engine>, apps: &[&App]) -> Vec<Result<Seen>> {
    let mut answers: BTreeMap<usize, Result<Seen>> = BTreeMap::new();
    // By container: the place of each app in the answer, and what nginx is asked about.
    type Asked<'a> = Vec<(usize, (&'a AppName, &'a NginxProxy))>;
    let mut by_container: BTreeMap<&str, Asked<'_>> = BTreeMap::new();
    for (at, app) in apps.iter().enumerate() {
        match &app.proxy {
            ProxyConfig::Nginx(nginx) => {
                by_container.entry(nginx.container.as_str()).or_default().push((at, (&app.name, nginx)));
            }
            ProxyConfig::Traefik(_) => {
                let seen = async { open(engine.clone(), app)?.seen().await };
                answers.insert(at, seen.await);
            }
        }
    }
    for (container, asked) in by_container {
        let apps: Vec<_> = asked.iter().map(|(_, app)| *app).collect();
        match nginx::seen_many(engine.clone(), container, &apps).await {
            Ok(seen) => answers.extend(asked.iter().map(|(at, _)| *at).zip(seen.into_iter().map(Ok))),
            Err(error) => {
                // One proxy that is down must not hide the apps of another.
                let again = || crate::error::Error::new(error.kind(), error.one_line());
                answers.extend(asked.iter().map(|(at, _)| (*at, Err(again()))));
            }
        }
    }
    answers.into_values().collect()
}
