use std::collections::BTreeMap;
use std::rc::Rc;

use super::nginx::{self, NginxDriver};
use super::{Live, Proxy};
use crate::docker::Engine;
use crate::error::Result;
use crate::model::{App, AppName, ProxyConfig};

/// The driver of an app's proxy.
///
/// # Errors
/// A template of the user's that does not parse.
pub fn open(engine: Rc<dyn Engine>, app: &App) -> Result<Rc<dyn Proxy>> {
    match &app.proxy {
        ProxyConfig::Nginx(_) => Ok(Rc::new(NginxDriver::new(engine, app)?)),
    }
}

/// What is live for many apps, each proxy being looked up once. The answers are in the order of the apps.
pub async fn live_many(engine: Rc<dyn Engine>, apps: &[&App]) -> Vec<Result<Option<Live>>> {
    let mut by_container: BTreeMap<&str, Vec<(usize, AppName)>> = BTreeMap::new();
    for (at, app) in apps.iter().enumerate() {
        match &app.proxy {
            ProxyConfig::Nginx(nginx) => {
                by_container.entry(nginx.container.as_str()).or_default().push((at, app.name.clone()));
            }
        }
    }
    let mut answers: BTreeMap<usize, Result<Option<Live>>> = BTreeMap::new();
    for (container, asked) in by_container {
        let names: Vec<AppName> = asked.iter().map(|(_, name)| name.clone()).collect();
        match nginx::live_many(engine.clone(), container, &names).await {
            Ok(lives) => answers.extend(asked.iter().map(|(at, _)| *at).zip(lives.into_iter().map(Ok))),
            Err(error) => {
                // One proxy that is down must not hide the apps of another.
                let again = || crate::error::Error::new(error.kind(), error.one_line());
                answers.extend(asked.iter().map(|(at, _)| (*at, Err(again()))));
            }
        }
    }
    answers.into_values().collect()
}
