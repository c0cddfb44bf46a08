use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AppName, ComposeService, ContainerSpec, Hooks, ImageRef, NetworkName, ProxyConfig, Retention};

/// A checked configuration: what to deploy, behind what, and how carefully.
///
/// It is stored whole in the record of every release, so that a rollback needs no configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// The app's name; its containers are `NAME-blue` and `NAME-green`.
    pub name: AppName,
    /// The repository, and the tag when the configuration names one.
    pub image: ImageRef,
    /// The port on which the app listens inside its container.
    pub port: u16,
    /// The network that the proxy reaches the app on.
    pub network: NetworkName,
    /// How many containers a slot has.
    pub replicas: u32,
    /// When the image is pulled.
    pub pull: PullPolicy,
    /// The container's settings. Image, names, labels of bgd and the first network are filled in by the plan.
    pub container: ContainerSpec,
    /// How green is known to be ready.
    pub health: Health,
    /// What green has to answer before it gets traffic.
    pub smoke: Vec<SmokeTest>,
    /// The proxy that routes to the app.
    pub proxy: ProxyConfig,
    /// How long real traffic is watched after the switch.
    pub watch_window: Duration,
    /// What bgd itself asks for meanwhile, where it is not what the smoke tests or the health check ask for.
    #[serde(default, skip_serializing_if = "WatchRequest::is_default")]
    pub watch: WatchRequest,
    /// How long requests in flight on the old slot may take.
    pub drain_timeout: Duration,
    /// How long a proxy that the app moves away from goes on serving the old release; `None` when the user has not said
    /// that the app may move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_old: Option<Duration>,
    /// What becomes of the old slot after the drain.
    pub retire: Retire,
    /// Whether the live containers are renamed to `NAME-blue` after the old slot has been retired.
    pub rename: bool,
    /// How many releases stay recorded. Records of before there was this have the default.
    #[serde(default)]
    pub retention: Retention,
    /// Commands that run at certain moments of a deploy.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// The service of a compose project that this is, when it was read from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compose: Option<ComposeService>,
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullPolicy {
    /// When the host has none of that name.
    #[default]
    Missing,
    /// Before every deploy.
    Always,
    /// Not at all: the image has to be there.
    Never,
}

/// How green is known to be ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// By the HEALTHCHECK of the image; without one the deploy is refused.
    Image {
        /// How long green may take in all; `None` for as long as the image's own HEALTHCHECK asks for.
        deadline: Option<Duration>,
    },
    /// By a command inside the container, which becomes its HEALTHCHECK.
    Command {
        /// The argument list, or one `CMD-SHELL` text.
        test: Vec<String>,
        /// Intervals and limits.
        timing: HealthTiming,
    },
    /// By a request that bgd sends from the proxy's network; the image needs nothing for it.
    Http {
        /// The path, beginning with `/`.
        path: String,
        /// Request headers; `Host` replaces the one that bgd would send.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, super::Secret>,
        /// Intervals and limits.
        timing: HealthTiming,
    },
    /// Not at all, because the configuration says so: what listens on its port is ready.
    None,
}

impl Health {
    /// How long a container may take until it is ready, where nobody says anything.
    pub const DEADLINE: Duration = Duration::from_secs(60);

    /// The deadline that goes with a health check: long enough for its start period and all of its tries.
    pub fn deadline_for(
        start_period: Duration,
        interval: Duration,
        timeout: Duration,
        retries: u32,
    ) -> Duration {
        let tries = interval.saturating_add(timeout).saturating_mul(retries.max(1));
        Self::DEADLINE.max(start_period.saturating_add(tries))
    }

    /// Whether Docker's own verdict on the container counts. Where the configuration says how bgd is to ask, it does not.
    pub fn is_dockers(&self) -> bool {
        matches!(self, Self::Image { .. } | Self::Command { .. })
    }
}

/// Intervals and limits of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthTiming {
    /// Time between checks.
    pub interval: Duration,
    /// How long one check may take.
    pub timeout: Duration,
    /// Failures in a row, after the start period, that make green unhealthy.
    pub retries: u32,
    /// Time in which failures do not count.
    pub start_period: Duration,
    /// How long green may take in all until it is ready.
    pub deadline: Duration,
}

/// A request that green has to answer before it gets traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeTest {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Request headers; `Host` replaces the one that bgd would send.
    pub headers: BTreeMap<String, super::Secret>,
    /// The request's body.
    pub body: Option<String>,
    /// What has to come back.
    pub expect: Expectation,
    /// How often a failed request is asked again.
    pub retries: u32,
}

/// The request of the watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequest {
    /// Path and query, beginning with `/`.
    #[serde(default)]
    pub path: Option<String>,
    /// Request headers; `Host` replaces the one that bgd would send.
    #[serde(default)]
    pub headers: BTreeMap<String, super::Secret>,
}

impl WatchRequest {
    /// Whether the configuration says nothing of it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A request method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the methods of RFC 9110 and RFC 5789")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// The method as it is written in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// What an answer has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The statuses that are good; empty means any 2xx.
    pub status: Vec<u16>,
    /// A text that the body has to contain.
    pub body: Option<String>,
    /// JSON pointers (RFC 6901) into the body and the values that have to stand there.
    pub json: BTreeMap<String, serde_json::Value>,
    /// How long the whole answer may take.
    pub within: Duration,
}

/// What becomes of the old slot after the drain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retire {
    /// It goes on running, warm: a rollback is one switch.
    Keep,
    /// It is stopped: a rollback starts it first.
    #[default]
    Stop,
    /// It is removed: a rollback creates it again.
    Remove,
}
