//! The nouns of bgd: names that parse, slots, images, container specifications, apps and releases.
//!
//! Nothing here does I/O. What is stored in a record is one of these types.

mod app;
mod compose;
mod hook;
mod host;
mod image;
mod name;
mod proxy;
mod release;
mod retention;
mod secret;
mod slot;
mod spec;

pub use app::{App, Expectation, Health, HealthTiming, Method, PullPolicy, Retire, SmokeTest, WatchRequest};
pub use compose::{ComposeService, Condition, Dependency};
pub use hook::{Hook, Hooks, Place};
pub use host::{former_release_host, former_slot_host, release_host, slot_host, slot_host_beside};
pub use image::{ImageRef, InvalidImage};
pub use name::{AppName, ContainerName, InvalidName, NetworkName, UpstreamName};
pub use proxy::{
    NginxProxy, NginxRoute, ProxyConfig, ServerBlock, TlsFiles, TraefikMode, TraefikProxy, TraefikRouter,
    TraefikTls,
};
pub use release::{Outcome, ProxyIdentity, Release, ReleaseNumber};
pub use retention::Retention;
pub use secret::{Secret, shown_path};
pub use slot::Slot;
pub use spec::{
    ContainerSpec, Device, HealthCheck, LogDriver, Mount, MountKind, NetworkAttachment, PortBinding, Restart,
    Ulimit,
};

/// Labels that bgd puts on everything it creates.
pub mod label {
    use std::collections::BTreeMap;

    /// The app's name.
    pub const APP: &str = "bgd.app";
    /// The release's number.
    pub const RELEASE: &str = "bgd.release";
    /// The image as the user named it, from which nothing is read but by people and by a bgd that lost its records.
    pub const IMAGE: &str = "bgd.image";
    /// `blue` or `green`.
    pub const SLOT: &str = "bgd.slot";
    /// The replica's number, from 1.
    pub const REPLICA: &str = "bgd.replica";
    /// The proxy that the release was deployed behind, as its record has it, in JSON. It is read by a bgd that has no record
    /// of the release: what it would make of today's configuration may be another proxy.
    pub const PROXY: &str = "bgd.proxy";
    /// When the release was deployed, as its record has it. Two state folders may give one number to two releases: this
    /// tells whose a container is.
    pub const CREATED: &str = "bgd.created";
    /// On a route carrier: the app whose route it carries. It has none of the labels above but the release's.
    pub const CARRIER: &str = "bgd.carrier";
    /// On the container of a hook: the app. It has none of the labels above but the release's.
    pub const HOOK: &str = "bgd.hook";
    /// Present on the helper containers that bgd starts and removes itself.
    pub const HELPER: &str = "bgd.helper";

    /// On the container that is the lock of an app: the app.
    pub const LOCK: &str = "bgd.lock";

    /// On the container that says whose release 0 another one is: the id of that one.
    pub const CLAIM: &str = "bgd.claim";

    /// Those of bgd's own: no proxy takes them for a route.
    pub fn of_bgd(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        labels
            .iter()
            .filter(|(key, _)| key.starts_with("bgd."))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}
