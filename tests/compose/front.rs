//! The proxies that the project can have, as people have them today and as they are handed over.

use std::net::SocketAddr;

use bgd_testkit::{Docker, conf, images, routes};

use crate::shop::HOST;

/// Without it, a Traefik that reads labels sees no container: those of other tests are none of its business.
const LABEL: &str = "shop.test";

/// Which proxy the project has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    Nginx,
    /// An nginx that is no service of the project, on a network that the project joins.
    NginxOutside,
    TraefikByFiles,
    TraefikByLabels,
}

impl Proxy {
    /// Its configuration files today, by name.
    pub fn files(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Nginx | Self::NginxOutside => vec![
                // So that the first reload under bgd breaks no idle connection either.
                ("keep.conf", "keepalive_min_timeout 10s;\n".to_owned()),
                ("own.conf", conf::upstream("api_backend", "api:3000")),
                ("site.conf", conf::server(HOST, "api_backend")),
            ],
            Self::TraefikByFiles => vec![("own.yml", routes::file("own", HOST, "http://api:3000"))],
            Self::TraefikByLabels => Vec::new(),
        }
    }

    /// Those that go when bgd takes over.
    pub fn in_the_way(self) -> &'static [&'static str] {
        if self.is_nginx() { &["own.conf"] } else { &[] }
    }

    /// The labels of the app's service today.
    pub fn labels_today(self, edge: &str) -> Vec<String> {
        let route =
            if self == Self::TraefikByLabels { routes::labels("own", HOST, 3000) } else { Vec::new() };
        self.labels_then(edge).into_iter().chain(route).collect()
    }

    /// Those that stay when bgd takes over: none that route.
    pub fn labels_then(self, edge: &str) -> Vec<String> {
        if self == Self::TraefikByLabels { vec![format!("{LABEL}={edge}")] } else { Vec::new() }
    }

    /// What `proxy` of `x-bgd` says.
    pub fn own(self, edge: &str) -> String {
        let rule = format!("rule: Host(`{HOST}`)");
        match self {
            Self::Nginx | Self::NginxOutside => format!(
                "nginx: {{ container: {edge}, config_dir: /etc/nginx/conf.d, upstream: api_backend }}"
            ),
            Self::TraefikByFiles => format!(
                "traefik: {{ container: {edge}, mode: file, dynamic_dir: /etc/traefik/dynamic, {rule} }}"
            ),
            Self::TraefikByLabels => format!("traefik: {{ container: {edge}, mode: labels, {rule} }}"),
        }
    }

    fn is_nginx(self) -> bool {
        matches!(self, Self::Nginx | Self::NginxOutside)
    }

    /// Its service in the project.
    pub fn service(self, docker: &Docker, edge: &str, address: SocketAddr) -> String {
        match self.options(docker, edge) {
            Some(options) => format!(
                "  edge:\n    container_name: {edge}\n    stop_grace_period: 1s\n    ports: [\"{address}:80\"]\n{options}"
            ),
            None => String::new(),
        }
    }

    fn options(self, docker: &Docker, edge: &str) -> Option<String> {
        let traefik = |provider: &str, volume: &str| {
            format!(
                "    image: {}\n    command:\n      - --entrypoints.web.address=:80\n{provider}      - --providers.providersthrottleduration=100ms\n      - --api.insecure=true\n    volumes: [\"{volume}\"]\n",
                images().traefik_new
            )
        };
        Some(match self {
            Self::NginxOutside => return None,
            Self::Nginx => {
                format!("    image: {}\n    volumes: [\"./conf:/etc/nginx/conf.d\"]\n", images().nginx_new)
            }
            Self::TraefikByFiles => traefik(
                "      - --providers.file.directory=/etc/traefik/dynamic\n",
                "./conf:/etc/traefik/dynamic",
            ),
            Self::TraefikByLabels => traefik(
                &format!(
                    "      - --providers.docker=true\n      - --providers.docker.exposedbydefault=false\n      - --providers.docker.constraints=Label(`{LABEL}`,`{edge}`)\n"
                ),
                &format!("{}:/var/run/docker.sock:ro", docker.socket()),
            ),
        })
    }
}
