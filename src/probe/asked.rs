//! What bgd asks an app for, in a health check, in the watch and as a client: one place says which path and headers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::Request;
use crate::model::{App, AppName, Health, Method, Secret};
use crate::proxy::Manner;

/// A path that is cheap for the app: that of its health check, else `/`.
pub fn cheap_path(app: &App) -> &str {
    match &app.health {
        Health::Http { path, .. } => path,
        _ => "/",
    }
}

/// A path, and the headers that the configuration gives with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Path and query.
    pub path: &'a str,
    /// The Host header, where the configuration names one.
    pub host: Option<&'a str>,
    /// The other headers.
    pub headers: Vec<(String, String)>,
    /// Whether the configuration names the path.
    pub is_named: bool,
}

impl<'a> Asked<'a> {
    /// What the watch asks for: what `watch` says, else the first smoke test with GET, because that is what the app is for,
    /// else the health check, else `/`.
    pub fn of_watch(app: &'a App) -> Self {
        let smoke = app.smoke.iter().find(|test| test.method == Method::Get);
        let asked = match (smoke, &app.health) {
            (Some(test), _) => Self::new(&test.path, &test.headers),
            (None, Health::Http { path, headers, .. }) => Self::new(path, headers),
            (None, _) => Self { path: "/", host: None, headers: Vec::new(), is_named: false },
        };
        let own = &app.watch;
        let asked = match &own.path {
            Some(path) => Self { path, is_named: true, ..asked },
            None => asked,
        };
        asked.with(&own.headers)
    }

    /// A path with the headers of the configuration.
    pub fn new(path: &'a str, headers: &'a BTreeMap<String, Secret>) -> Self {
        Self { path, host: None, headers: Vec::new(), is_named: true }.with(headers)
    }

    /// The request, made as the proxy would pass it on.
    pub fn request(&self, to: SocketAddr, manner: &Manner, app: &AppName, limit: Duration) -> Request {
        let host = self.host.unwrap_or_else(|| manner.host_or(app));
        let mut request = Request::get(to, host, self.path, limit);
        request.headers.clone_from(&self.headers);
        manner.apply(&mut request);
        request
    }

    fn with(mut self, headers: &'a BTreeMap<String, Secret>) -> Self {
        let is_host = |name: &str| name.eq_ignore_ascii_case("host");
        if let Some((_, host)) = headers.iter().find(|(name, _)| is_host(name)) {
            self.host = Some(host.expose());
        }
        for (name, value) in headers.iter().filter(|(name, _)| !is_host(name)) {
            self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            self.headers.push((name.clone(), value.expose().to_owned()));
        }
        self
    }
}
