use crate::faults::{self, Faults};
use std::time::Duration;

/// What the environment says at the start.
pub struct Settings {
    pub version: String,
    pub port: u16,
    /// How long the port stays closed after the start (`START_DELAY`).
    pub start_delay: Duration,
    /// The `HOST:PORT` of the Redis that `/count` counts in (`REDIS_ADDR`).
    pub redis_addr: Option<String>,
    pub faults: Faults,
}

impl Settings {
    /// Reads `APP_VERSION`, `PORT`, `START_DELAY`, `REDIS_ADDR` and every fault's variable.
    pub fn from_env() -> Result<Self, String> {
        let port = match var("PORT") {
            None => 3000,
            Some(port) => port.parse().map_err(|_| format!("PORT={port}: not a port"))?,
        };
        let start_delay = match var("START_DELAY") {
            None => Duration::ZERO,
            Some(delay) => faults::duration(&delay).map_err(|why| format!("START_DELAY={delay}: {why}"))?,
        };
        let mut faults = Faults::default();
        for name in faults::NAMES {
            if let Some(value) = var(&name.to_uppercase()) {
                faults.set(name, &value)?;
            }
        }
        Ok(Self { version: version(), port, start_delay, redis_addr: var("REDIS_ADDR"), faults })
    }
}

/// `APP_VERSION`, or else what the image has in `/version`, so that one binary makes images that differ.
fn version() -> String {
    var("APP_VERSION")
        .or_else(|| std::fs::read_to_string("/version").ok())
        .map(|version| version.trim().to_string())
        .filter(|version| !version.is_empty())
        .unwrap_or_else(|| "dev".to_string())
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
