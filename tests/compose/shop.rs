//! A compose project that serves today: an app, the Redis that it counts in, and a proxy.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bgd_load::{Kind, Load, Report, Running};
use bgd_testkit::{
    Bgd, Compose, Container, Docker, Edge, Outcome, Spawned, TestRun, free_port, http, images, poll_until,
};

use crate::front::Proxy;

pub const HOST: &str = "api.test";

/// The project. Fields are dropped in order: the run, which removes everything, goes last.
pub struct Shop {
    pub bgd: Bgd,
    pub compose: Compose,
    pub app: String,
    project: String,
    edge: String,
    proxy: Proxy,
    address: SocketAddr,
    /// The proxy, where it is no service of the project.
    outside: Option<Edge>,
    /// How often the test itself has had something counted.
    asked: Cell<u64>,
    pub run: TestRun,
}

impl Shop {
    /// Writes the project as it was before bgd, and lets compose start all of it.
    pub fn serving(compose: Compose, proxy: Proxy) -> Self {
        Self::serving_on(&Docker::machine(), compose, proxy)
    }

    /// The same on another engine.
    pub fn serving_on(docker: &Docker, compose: Compose, proxy: Proxy) -> Self {
        let run = TestRun::on(docker);
        let bgd = compose.given_to(Bgd::on(run.docker(), env!("CARGO_BIN_EXE_bgd")));
        let bgd = bgd.env("COMPOSE_PROJECT_NAME", &run.project_name("shop"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(docker.netns())));
        let (app, edge, project) = (run.app_name("api"), run.name("edge"), run.name("shop"));
        let outside = None;
        let asked = Cell::new(0);
        let mut shop = Self { bgd, compose, app, project, edge, proxy, address, outside, asked, run };
        let (folder, conf) = (shop.folder(), shop.folder().join("conf"));
        std::fs::create_dir(&conf).unwrap();
        for folder in [&folder, &conf, folder.parent().unwrap()] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        for (name, text) in proxy.files() {
            std::fs::write(conf.join(name), text).unwrap();
        }
        let front = (proxy == Proxy::NginxOutside).then(|| shop.run.network("front"));
        shop.describe(&proxy.labels_today(&shop.edge), "");
        // nginx refuses to start while the name of its upstream is not there.
        shop.compose(&["up", "-d", "api"]);
        shop.compose(&["up", "-d"]);
        if let Some(front) = front {
            let edge = Edge::builder(&shop.run, &images().nginx_new).network(&front);
            let edge =
                proxy.files().into_iter().fold(edge, |edge, (name, text)| edge.file(name, text)).start();
            shop.address = edge.address();
            shop.outside = Some(edge);
        }
        shop.wait_for("1.0");
        shop
    }

    /// Hands the service over to bgd: gives it an `x-bgd`, and a profile, so that compose leaves it alone.
    pub fn hand_over(&self) {
        let own = format!(
            "    x-bgd:\n      app: {}\n      port: 3000\n      health: {{ http: /health, deadline: 30s }}\n      smoke: [{{ get: /api/v1/test }}]\n      drain: {{ timeout: 2s }}\n{}      proxy:\n        {}\n",
            self.app,
            if self.proxy == Proxy::NginxOutside { "      network: front\n" } else { "" },
            self.proxy.own(&self.edge)
        );
        self.describe(&self.proxy.labels_then(&self.edge), &format!("    profiles: [bgd]\n{own}"));
        for name in self.proxy.in_the_way() {
            // Without a reload: the first deploy makes it.
            std::fs::remove_file(self.conf().join(name)).unwrap();
        }
    }

    fn describe(&self, labels: &[String], own: &str) {
        let (networks, front) = match self.proxy {
            Proxy::NginxOutside => (
                "    networks: [default, front]\n",
                format!("networks: {{ front: {{ external: true, name: {} }} }}\n", self.run.name("front")),
            ),
            _ => ("", String::new()),
        };
        let text = format!(
            "version: \"3.8\"
services:
  api:
    image: {app}
    environment: {{ REDIS_ADDR: \"redis:6379\" }}
    volumes: [\"data:/data\"]
    labels: {labels:?}
    depends_on: {{ redis: {{ condition: service_healthy }} }}
{networks}{own}  redis:
    image: {redis}
    command: [redis-server, --protected-mode, \"no\", --appendonly, \"yes\"]
    healthcheck: {{ test: [CMD, redis-cli, ping], interval: 1s }}
    volumes: [\"cache:/data\"]
{proxy}volumes: {{ data: {{}}, cache: {{}} }}
{front}",
            app = images().app_without_check("1.0"),
            redis = images().redis,
            proxy = self.proxy.service(self.run.docker(), &self.edge, self.address),
        );
        self.bgd.write("compose.yaml", &text);
    }

    pub fn folder(&self) -> PathBuf {
        self.bgd.project()
    }

    fn conf(&self) -> PathBuf {
        match self.outside.as_ref().and_then(|edge| edge.host_folder()) {
            Some(folder) => folder.to_owned(),
            None => self.folder().join("conf"),
        }
    }

    /// Changes the description of the project.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.folder().join("compose.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Starts compose on the project.
    pub fn spawn_compose(&self, args: &[&str]) -> std::process::Child {
        let mut command = self.compose.command(&self.folder());
        // By a variable: with -p and without -f, Compose 2 reads no file, and takes the service behind the profile for its own.
        command.env("COMPOSE_PROJECT_NAME", &self.project).args(args);
        command.envs(self.run.docker().host().map(|host| ("DOCKER_HOST", host)));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs compose on the project, whether it succeeds or not.
    pub fn try_compose(&self, args: &[&str]) -> bool {
        self.spawn_compose(args).wait().unwrap().success()
    }

    #[track_caller]
    pub fn compose(&self, args: &[&str]) {
        assert!(self.try_compose(args), "compose {}", args.join(" "));
    }

    /// `compose down`, which has to leave nothing of the project but what bgd runs, and its network.
    #[track_caller]
    pub fn down(&self) {
        // Version 1 fails at the network that a release is on, after the rest is gone; version 2 says so and goes on.
        let is_one = self.compose.version().starts_with("1.");
        assert_eq!(self.try_compose(&["down", "--remove-orphans"]), !is_one);
        assert_eq!(self.others().len(), 0, "{:?}", self.others());
    }

    /// Deploys the sample app in this version, without a watch.
    pub fn deploy(&self, version: &str) -> Outcome {
        self.bgd.run(&["deploy", "api", &images().app(version), "--no-watch"])
    }

    /// Begins a deploy, whose events can be waited for.
    pub fn spawn_deploy(&self, version: &str, window: &[&str]) -> Spawned {
        let image = images().app(version);
        let args = ["deploy", "api", &image, "--output", "json"];
        self.bgd.spawn(&args.iter().chain(window).copied().collect::<Vec<_>>())
    }

    pub fn served(&self) -> Option<String> {
        let answer = http::request(self.run.docker().netns(), self.address, HOST, "GET", "/version").ok()?;
        (answer.status == 200).then(|| answer.body.trim().to_owned())
    }

    #[track_caller]
    pub fn wait_for(&self, version: &str) {
        poll_until(Duration::from_secs(20), || self.served().as_deref() == Some(version));
    }

    /// Has Redis count one more, by way of the proxy and the app, and returns how many that makes.
    #[track_caller]
    pub fn count(&self) -> u64 {
        let answer = http::request(self.run.docker().netns(), self.address, HOST, "GET", "/count").unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.asked.set(self.asked.get() + 1);
        answer.body.trim().parse().unwrap()
    }

    /// Asserts that Redis has counted every request of a load and of the test, each once.
    #[track_caller]
    pub fn counted_exactly(&self, report: &Report) {
        let of = |kind: Kind| report.kinds.iter().find(|one| one.kind == kind.name()).unwrap().answered;
        let by_load = of(Kind::PacedKeepalive) + of(Kind::Keepalive) + of(Kind::PerConnection);
        assert!(by_load > 0, "nothing was counted\n{report}");
        let redis = self.redis();
        let counted = self.run.docker().ok(["exec", redis.name(), "redis-cli", "get", "requests"]);
        assert_eq!(counted, (by_load + self.asked.get()).to_string(), "{report}");
    }

    /// The Redis that compose runs.
    #[track_caller]
    pub fn redis(&self) -> Container {
        let others = self.others();
        let id = others.get("redis").and_then(|redis| redis.split_whitespace().next()).unwrap();
        Container::new(self.run.docker(), id)
    }

    /// A little of every kind of load, most of which is counted in Redis.
    pub fn load(&self) -> Running {
        self.load_on("/count")
    }

    /// The same on another path.
    pub fn load_on(&self, path: &str) -> Running {
        let load = Load::new(self.address, HOST);
        let load = match self.run.docker().netns() {
            Some(netns) => load.netns(netns),
            None => load,
        };
        load.path(path)
            // So that tests side by side do not take the machine from each other.
            .pace(Duration::from_millis(50))
            .with(Kind::PacedKeepalive, 2)
            .with(Kind::Keepalive, 1)
            .with(Kind::PerConnection, 2)
            .with(Kind::Slow, 2)
            .with(Kind::Post, 2)
            .start()
            .unwrap()
    }

    /// The containers that compose made, by service: id, state, and since when. Those of `api` are left out.
    pub fn others(&self) -> BTreeMap<String, String> {
        let label = format!("com.docker.compose.project={}", self.project);
        let ids = self.run.docker().labelled("container", &label);
        let format = "{{index .Config.Labels \"com.docker.compose.service\"}} {{.Id}} {{.State.Status}} {{.State.StartedAt}}";
        let lines = ids.iter().filter_map(|id| Container::new(self.run.docker(), id).inspect(format));
        let pairs = lines.filter_map(|line| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())));
        pairs.filter(|(service, _)| service != "api").collect()
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

/// A container that is the same one as long as this stays the same: its id, and since when it runs.
#[track_caller]
pub fn identity(container: &Container) -> String {
    assert!(container.is_running(), "{} does not run", container.name());
    container.inspect("{{.Id}} {{.State.StartedAt}}").unwrap()
}

/// Asserts that a load lost nothing, and that it was one.
#[track_caller]
pub fn nothing_lost(report: &Report) {
    assert!(report.answered > 0, "there was no load\n{report}");
    assert_eq!(report.failed, 0, "requests were lost\n{report}");
}
