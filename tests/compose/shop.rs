//! A compose project that serves today: an app, a service that it depends on, and a proxy.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use bgd_load::{Kind, Load, Report, Running};
use bgd_testkit::{
    Bgd, Compose, Container, Outcome, TestRun, conf, free_port, http, images, poll_until, routes,
};

pub const HOST: &str = "api.test";

/// Which proxy the project has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    Nginx,
    Traefik,
}

/// The project. Fields are dropped in order: the run, which removes everything, goes last.
pub struct Shop {
    pub bgd: Bgd,
    pub compose: Compose,
    pub app: String,
    project: String,
    edge: String,
    proxy: Proxy,
    address: SocketAddr,
    pub run: TestRun,
}

impl Shop {
    /// Writes the project as it was before bgd, and lets compose start all of it.
    pub fn serving(compose: Compose, proxy: Proxy) -> Self {
        let run = TestRun::new();
        let bgd = compose.given_to(Bgd::on(run.docker(), env!("CARGO_BIN_EXE_bgd")));
        let bgd = bgd.env("COMPOSE_PROJECT_NAME", &run.project_name("shop"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(None)));
        let (app, edge, project) = (run.app_name("api"), run.name("edge"), run.name("shop"));
        let shop = Self { bgd, compose, app, project, edge, proxy, address, run };
        std::fs::create_dir(shop.conf()).unwrap();
        for folder in [shop.folder(), shop.conf(), shop.folder().parent().unwrap().to_owned()] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let write = |name: &str, text: String| std::fs::write(shop.conf().join(name), text).unwrap();
        match proxy {
            Proxy::Nginx => {
                // So that the first reload under bgd breaks no idle connection either.
                write("keep.conf", "keepalive_min_timeout 10s;\n".to_owned());
                write("own.conf", conf::upstream("api_backend", "api:3000"));
                write("site.conf", conf::server(HOST, "api_backend"));
            }
            Proxy::Traefik => write("own.yml", routes::file("own", HOST, "http://api:3000")),
        }
        shop.describe("", "");
        // nginx refuses to start while the name of its upstream is not there.
        shop.compose(&["up", "-d", "api"]);
        shop.compose(&["up", "-d"]);
        shop.wait_for("1.0");
        shop
    }

    /// Hands the service over to bgd: gives it an `x-bgd`, and a profile, so that compose leaves it alone.
    pub fn hand_over(&self) {
        let proxy = match self.proxy {
            Proxy::Nginx => {
                "nginx: { container: EDGE, config_dir: /etc/nginx/conf.d, upstream: api_backend }".to_owned()
            }
            Proxy::Traefik => format!(
                "traefik: {{ container: EDGE, mode: file, dynamic_dir: /etc/traefik/dynamic, rule: Host(`{HOST}`) }}"
            ),
        };
        let own = format!(
            "      app: {}\n      port: 3000\n      health: {{ http: /health, deadline: 30s }}\n      smoke: [{{ get: /api/v1/test }}]\n      drain: {{ timeout: 2s }}\n      proxy:\n        {}\n",
            self.app,
            proxy.replace("EDGE", &self.edge)
        );
        self.describe("    profiles: [bgd]\n", &format!("    x-bgd:\n{own}"));
        if self.proxy == Proxy::Nginx {
            // Without a reload: the first deploy makes it.
            std::fs::remove_file(self.conf().join("own.conf")).unwrap();
        }
    }

    fn describe(&self, profiles: &str, own: &str) {
        let (image, options, folder) = match self.proxy {
            Proxy::Nginx => (images().nginx_new.clone(), String::new(), "/etc/nginx/conf.d"),
            Proxy::Traefik => {
                let options = "    command: [--entrypoints.web.address=:80, --providers.file.directory=/etc/traefik/dynamic, --providers.providersthrottleduration=100ms, --api.insecure=true]\n";
                (images().traefik_new.clone(), options.to_owned(), "/etc/traefik/dynamic")
            }
        };
        let text = format!(
            "version: \"3.8\"\nservices:\n  api:\n    image: {app}\n{profiles}    environment: {{ FROM_PROJECT: \"yes\" }}\n    volumes: [\"data:/data\"]\n    depends_on: {{ dep: {{ condition: service_healthy }} }}\n{own}  dep:\n    image: {app}\n    stop_grace_period: 1s\n  edge:\n    image: {image}\n    container_name: {edge}\n    stop_grace_period: 1s\n{options}    ports: [\"{address}:80\"]\n    volumes: [\"./conf:{folder}\"]\nvolumes: {{ data: {{}} }}\n",
            app = images().app("1.0"),
            edge = self.edge,
            address = self.address,
        );
        self.bgd.write("compose.yaml", &text);
    }

    pub fn folder(&self) -> PathBuf {
        self.bgd.project()
    }

    fn conf(&self) -> PathBuf {
        self.folder().join("conf")
    }

    /// Runs compose on the project, whether it succeeds or not.
    pub fn try_compose(&self, args: &[&str]) -> bool {
        let mut command = self.compose.command(&self.folder());
        let output = command.args(["-p", &self.project]).args(args).output().unwrap();
        output.status.success()
    }

    #[track_caller]
    pub fn compose(&self, args: &[&str]) {
        let args: Vec<&str> = ["-p", &self.project].into_iter().chain(args.iter().copied()).collect();
        self.compose.ok(&self.folder(), &args);
    }

    /// Deploys the sample app in this version, without a watch.
    pub fn deploy(&self, version: &str) -> Outcome {
        self.bgd.run(&["deploy", "api", &images().app(version), "--no-watch"])
    }

    pub fn served(&self) -> Option<String> {
        let answer = http::request(None, self.address, HOST, "GET", "/version").ok()?;
        (answer.status == 200).then(|| answer.body.trim().to_owned())
    }

    #[track_caller]
    pub fn wait_for(&self, version: &str) {
        poll_until(Duration::from_secs(20), || self.served().as_deref() == Some(version));
    }

    /// Waits until what the app depends on is healthy again.
    #[track_caller]
    pub fn wait_dependency(&self) {
        let others = self.others();
        let id = others.get("dep").and_then(|dep| dep.split_whitespace().next()).unwrap();
        Container::new(self.run.docker(), id).wait_healthy();
    }

    /// A little of every kind of load.
    pub fn load(&self) -> Running {
        Load::new(self.address, HOST)
            .with(Kind::PacedKeepalive, 4)
            .with(Kind::Keepalive, 2)
            .with(Kind::PerConnection, 2)
            .with(Kind::Slow, 2)
            .with(Kind::Post, 2)
            .start()
            .unwrap()
    }

    /// The containers that compose made, by service: id and whether it runs. Those of `api` are left out.
    pub fn others(&self) -> BTreeMap<String, String> {
        let format = "{{.Label \"com.docker.compose.service\"}} {{.ID}} {{.State}}";
        let label = format!("label=com.docker.compose.project={}", self.project);
        let listed = self.run.docker().ok(["ps", "-a", "--no-trunc", "--filter", &label, "--format", format]);
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        pairs.filter(|(service, _)| *service != "api").map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    /// The container that compose runs for `api`.
    pub fn composes_own(&self) -> Container {
        let separator = if self.compose.version().starts_with("1.") { "_" } else { "-" };
        Container::new(self.run.docker(), [self.project.as_str(), "api", "1"].join(separator))
    }

    /// The container of the live release.
    #[track_caller]
    pub fn live(&self) -> Container {
        let outcome = self.bgd.run(&["status", &self.app, "--json"]).ok();
        let rows: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        let names = rows[0]["containers"].as_object().unwrap();
        let name = names.keys().next().unwrap_or_else(|| panic!("nothing is live: {rows:#}"));
        Container::new(self.run.docker(), name.as_str())
    }
}

/// Asserts that a load lost nothing, and that it was one.
#[track_caller]
pub fn nothing_lost(report: &Report) {
    assert!(report.answered > 0, "there was no load\n{report}");
    assert_eq!(report.failed, 0, "requests were lost\n{report}");
}
