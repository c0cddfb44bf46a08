//! The proxy in front of an app, as the configuration describes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ContainerName, UpstreamName};

/// The proxy that routes to the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyConfig {
    /// An nginx in a container.
    Nginx(NginxProxy),
    /// A Traefik in a container.
    Traefik(TraefikProxy),
}

impl ProxyConfig {
    /// The container in which the proxy runs; there is one lock for each.
    pub fn container(&self) -> &ContainerName {
        match self {
            Self::Nginx(nginx) => &nginx.container,
            Self::Traefik(traefik) => &traefik.container,
        }
    }

    /// The same proxy, in another container.
    #[must_use]
    pub fn in_container(&self, container: ContainerName) -> Self {
        match self {
            Self::Nginx(nginx) => Self::Nginx(NginxProxy { container, ..nginx.clone() }),
            Self::Traefik(traefik) => Self::Traefik(TraefikProxy { container, ..traefik.clone() }),
        }
    }

    /// The folder, inside the container, into which bgd writes; none where it writes no files.
    pub fn folder(&self) -> Option<&str> {
        let folder = match self {
            Self::Nginx(nginx) => &nginx.config_dir,
            Self::Traefik(TraefikProxy { mode: TraefikMode::File { dynamic_dir }, .. }) => dynamic_dir,
            Self::Traefik(TraefikProxy { mode: TraefikMode::Labels, .. }) => return None,
        };
        Some(folder.trim_end_matches('/'))
    }

    /// Whether a route is written in the same way, whatever the container: the same kind, mode and folder.
    pub fn is_same_means(&self, other: &Self) -> bool {
        let same_kind =
            matches!((self, other), (Self::Nginx(_), Self::Nginx(_)) | (Self::Traefik(_), Self::Traefik(_)));
        same_kind && self.folder() == other.folder()
    }

    /// Whether the routes of both are one: what is written for one takes the place of what was written for the other.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.container() == other.container() && self.is_same_means(other)
    }

    /// What it is, for people, without asking it: `nginx in edge`.
    pub fn describe(&self) -> String {
        let what = match self {
            Self::Nginx(_) => "nginx",
            Self::Traefik(TraefikProxy { mode: TraefikMode::File { .. }, .. }) => "Traefik (mode: file)",
            Self::Traefik(TraefikProxy { mode: TraefikMode::Labels, .. }) => "Traefik (mode: labels)",
        };
        format!("{what} in {}", self.container())
    }

    /// The hosts for which it routes, as far as they are written out.
    pub fn hosts(&self) -> Vec<&str> {
        match self {
            Self::Nginx(NginxProxy { route: NginxRoute::Server(block), .. }) => {
                block.hosts.iter().map(String::as_str).collect()
            }
            // The server block is the user's own.
            Self::Nginx(NginxProxy { route: NginxRoute::Upstream(_), .. }) => Vec::new(),
            Self::Traefik(traefik) => {
                let parts = traefik.router.rule.split("Host(`").skip(1);
                parts.filter_map(|part| part.split('`').next()).collect()
            }
        }
    }
}

/// An nginx in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NginxProxy {
    /// The container in which nginx runs.
    pub container: ContainerName,
    /// The folder, inside that container, into which bgd writes; nginx has to include `*.conf` from it.
    pub config_dir: String,
    /// What bgd writes there.
    pub route: NginxRoute,
    /// The text of the user's own template in place of the built-in one.
    pub template: Option<String>,
}

/// What bgd writes for nginx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NginxRoute {
    /// The `upstream` block; the user's own server block says `proxy_pass http://NAME`.
    Upstream(UpstreamName),
    /// The server block too.
    Server(ServerBlock),
}

/// A server block that bgd writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerBlock {
    /// The names for which it answers (`server_name`).
    pub hosts: Vec<String>,
    /// The port on which it listens.
    pub listen: u16,
    /// Largest request body in bytes; 0 for no limit.
    pub max_body: u64,
    /// How long nginx waits for the app between two reads.
    pub read_timeout: Duration,
    /// Certificate and key, when it listens with TLS.
    pub tls: Option<TlsFiles>,
}

/// Files of a certificate, as nginx sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFiles {
    /// The certificate with its chain, PEM.
    pub certificate: String,
    /// The private key, PEM.
    pub key: String,
}

/// A Traefik in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraefikProxy {
    /// The container in which Traefik runs.
    pub container: ContainerName,
    /// By what Traefik learns the route.
    pub mode: TraefikMode,
    /// What is routed to the app, and how.
    pub router: TraefikRouter,
    /// The text of the user's own template in place of the built-in one.
    pub template: Option<String>,
}

/// By what Traefik learns the route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraefikMode {
    /// A file of the file provider.
    File {
        /// The folder, inside Traefik's container, that `providers.file.directory` names.
        dynamic_dir: String,
    },
    /// The labels of a route carrier, read by the Docker provider.
    Labels,
}

/// A router of Traefik's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraefikRouter {
    /// The rule, such as ``Host(`api.example.com`)``.
    pub rule: String,
    /// The entry points by name; empty for Traefik's defaults.
    pub entrypoints: Vec<String>,
    /// Set when the router takes TLS.
    pub tls: Option<TraefikTls>,
    /// Middlewares by name, each with its provider (`auth@file`), in order.
    pub middlewares: Vec<String>,
    /// The priority; `None` for what Traefik makes of the rule's length.
    pub priority: Option<u32>,
}

/// How a router takes TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraefikTls {
    /// The name of a certificate resolver.
    pub resolver: Option<String>,
    /// The name of TLS options, with their provider.
    pub options: Option<String>,
}
