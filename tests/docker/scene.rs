//! A proxy, a project with a bgd.yaml, and load.

mod shared;

use std::ops::Deref;
use std::time::Duration;

use bgd_load::{Kind, Load, Report, Running};
use bgd_testkit::{
    Bgd, Container, Edge, EdgeBuilder, Front, Gate, GateBuilder, Outcome, TestRun, conf, images, poll_until,
};

pub use shared::{Retired, each_retire};

/// Which nginx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nginx {
    /// Switched by reload.
    New,
    /// Switched without one.
    Old,
}

impl Nginx {
    pub fn image(self) -> &'static str {
        let [new, old] = images().nginx();
        match self {
            Self::New => new,
            Self::Old => old,
        }
    }
}

/// What bgd writes for nginx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The upstream; the server block is the user's.
    Upstream,
    /// The server block too.
    Server,
}

/// By what Traefik learns a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A file of the file provider.
    Files,
    /// The labels of a route carrier.
    Labels,
}

/// A host with a proxy, nginx or Traefik, and a project.
///
/// Fields are dropped in order: the run, which removes everything, goes last.
pub struct Scene<P = Edge> {
    pub bgd: Bgd,
    pub edge: P,
    pub app: String,
    host: String,
    /// The lines of bgd.yaml about the proxy.
    proxy: String,
    opening: Opening,
    pub run: TestRun,
}

/// What the first release still needs before it is served by all of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// The user's own server block, and what a reload needs.
    ServerBlock,
    /// What a reload needs.
    Reload,
    Nothing,
}

pub const HOST: &str = "api.test";
/// The user's name for the app's upstream.
const UPSTREAM: &str = "api_backend";

impl Scene {
    /// A scene on the machine's own daemon.
    pub fn new(nginx: Nginx, route: Route) -> Self {
        Self::with(TestRun::new(), nginx, route, |edge| edge)
    }

    pub fn with(
        run: TestRun,
        nginx: Nginx,
        route: Route,
        change: impl FnOnce(EdgeBuilder<'_>) -> EdgeBuilder<'_>,
    ) -> Self {
        let edge =
            change(Edge::builder(&run, nginx.image()).file("alive.conf", conf::fixed("alive.test", "alive")))
                .start();
        let (route_line, opening) = match route {
            Route::Upstream => (format!("upstream: {UPSTREAM}"), Opening::ServerBlock),
            Route::Server => (format!("server: {{ host: {HOST}, listen: 80 }}"), Opening::Reload),
        };
        let proxy = format!(
            "proxy:\n  nginx:\n    container: {}\n    config_dir: /etc/nginx/conf.d\n    {route_line}\n",
            edge.name()
        );
        Self::of(run, edge, proxy, opening)
    }
}

impl Scene<Gate> {
    /// A scene on the machine's own daemon, behind the newest Traefik, which looks again soon after a change.
    pub fn behind_traefik(means: Means) -> Self {
        Self::gate(TestRun::new(), &images().traefik_new, means, |gate| {
            gate.option("--providers.providersthrottleduration=100ms")
        })
    }

    pub fn gate(
        run: TestRun,
        image: &str,
        means: Means,
        change: impl FnOnce(GateBuilder<'_>) -> GateBuilder<'_>,
    ) -> Self {
        Self::gate_with(run, image, means, &[], change)
    }

    /// The same with more lines about the route.
    pub fn gate_with(
        run: TestRun,
        image: &str,
        means: Means,
        more: &[&str],
        change: impl FnOnce(GateBuilder<'_>) -> GateBuilder<'_>,
    ) -> Self {
        let builder = Gate::builder(&run, image);
        let builder = match means {
            Means::Files => builder.files(),
            Means::Labels => builder.labels(),
        };
        let edge = change(builder).start();
        let proxy = edge.configuration(&format!("Host(`{HOST}`)"), more);
        Self::of(run, edge, proxy, Opening::Nothing)
    }
}

impl<P: Deref<Target = Front>> Scene<P> {
    fn of(run: TestRun, edge: P, proxy: String, opening: Opening) -> Self {
        let app = run.app_name("api");
        let bgd = Bgd::on(run.docker(), env!("CARGO_BIN_EXE_bgd"));
        let scene = Self { bgd, edge, app, host: HOST.to_owned(), proxy, opening, run };
        scene.configure("");
        scene
    }

    /// Deploys the first release and, where the server block is the user's own, adds it, as bgd says.
    #[track_caller]
    pub fn first(&self, version: &str) {
        self.deploy(version).ok();
        if self.opening == Opening::ServerBlock {
            let (file, block) = self.server_block();
            self.edge.put(&file, &block);
            let before = self.workers();
            self.reload();
            // For a moment the workers that do not know the server block go on accepting.
            poll_until(Duration::from_secs(10), || {
                let now = self.workers();
                !now.is_empty() && before.iter().all(|worker| !now.contains(worker))
            });
        }
        match self.opening {
            Opening::ServerBlock | Opening::Reload => self.settle(version),
            Opening::Nothing => self.wait_for(version),
        }
    }

    /// The user's own server block for nginx: the name of its file, and its text.
    pub fn server_block(&self) -> (String, String) {
        let word = self.host.split('.').next().unwrap_or_default();
        (format!("site-{word}.conf"), conf::server(&self.host, &UPSTREAM.replace("api", word)))
    }

    /// Has nginx read its configuration anew.
    #[track_caller]
    pub fn reload(&self) {
        self.run.docker().ok(["exec", self.edge.name(), "nginx", "-s", "reload"]);
    }

    /// Waits until no worker of nginx's former configuration answers any more: it accepts for a while beside the new one.
    #[track_caller]
    fn settle(&self, version: &str) {
        let mut in_a_row = 0;
        poll_until(Duration::from_secs(20), || {
            in_a_row = if self.served().as_deref() == Some(version) { in_a_row + 1 } else { 0 };
            let workers = self.run.docker().ok(["top", self.edge.name(), "-eo", "pid,args"]);
            in_a_row >= 10 && !workers.contains("shutting down")
        });
    }

    /// The process ids of nginx's workers, without those that are shutting down.
    pub fn workers(&self) -> Vec<String> {
        let listed = self.run.docker().ok(["top", self.edge.name(), "-eo", "pid,args"]);
        let workers = listed.lines().filter(|line| line.ends_with("nginx: worker process"));
        workers.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }

    /// Writes bgd.yaml, with more lines at its end. A key given there replaces the one of the same name here.
    pub fn configure(&self, more: &str) {
        let defaults = [
            ("app", format!("app: {}", self.app)),
            ("image", format!("image: {}", images().app("1.0").trim_end_matches(":1.0"))),
            ("port", "port: 3000".to_owned()),
            ("network", format!("network: {}", self.edge.network())),
            ("health", "health: { http: /health, deadline: 20s }".to_owned()),
            ("smoke", "smoke: [{ get: /api/v1/test, expect: { json: { /ok: true } } }]".to_owned()),
            ("watch", "watch: { window: 2s }".to_owned()),
            ("drain", "drain: { timeout: 20s }".to_owned()),
            ("proxy", self.proxy.trim_end().to_owned()),
        ];
        let replaced = |key: &str| more.lines().any(|line| line.starts_with(&format!("{key}:")));
        let mut text = String::new();
        for (_, line) in defaults.iter().filter(|(key, _)| !replaced(key)) {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(more);
        self.bgd.write("bgd.yaml", &text);
    }

    /// Deploys the sample app in this version, without a watch.
    #[track_caller]
    pub fn deploy(&self, version: &str) -> Outcome {
        self.bgd.run(&["deploy", &images().app(version), "--no-watch"])
    }

    #[track_caller]
    pub fn rollback(&self) -> Outcome {
        self.bgd.run(&["rollback", &self.app])
    }

    /// What is served now.
    pub fn served(&self) -> Option<String> {
        let answer = self.edge.get(&self.host, "/version").ok()?;
        (answer.status == 200).then(|| answer.body.trim().to_owned())
    }

    #[track_caller]
    pub fn wait_for(&self, version: &str) {
        poll_until(Duration::from_secs(10), || self.served().as_deref() == Some(version));
    }

    pub fn load(&self) -> Load {
        self.edge.load(&self.host)
    }

    /// A little of every kind of load: about 120 requests a second.
    pub fn mixed(&self) -> Running {
        self.load()
            .with(Kind::PacedKeepalive, 2)
            .with(Kind::Keepalive, 1)
            .with(Kind::PerConnection, 2)
            .with(Kind::Slow, 2)
            .with(Kind::Post, 1)
            .with(Kind::Websocket, 2)
            .start()
            .unwrap()
    }

    /// The containers of the app: name, state and release, sorted.
    pub fn containers(&self) -> Vec<(String, String, String)> {
        let format = "{{.Names}} {{.State}} {{.Label \"bgd.release\"}}";
        let label = format!("label=bgd.app={}", self.app);
        let listed = self.run.docker().ok(["ps", "-a", "--filter", &label, "--format", format]);
        let mut containers: Vec<_> = listed
            .lines()
            .map(|line| {
                let mut words = line.split_whitespace().map(str::to_owned);
                let mut next = || words.next().unwrap_or_default();
                (next(), next(), next())
            })
            .collect();
        containers.sort();
        containers
    }

    /// `bgd status` of the app, as JSON.
    #[track_caller]
    pub fn status(&self) -> serde_json::Value {
        let outcome = self.bgd.run(&["status", &self.app, "--json"]).ok();
        let rows: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        rows[0].clone()
    }

    /// Asserts that this release is live, that nothing is unfinished and no temporary file is left.
    #[track_caller]
    pub fn assert_clean(&self, release: u32) {
        let status = self.status();
        assert_eq!(status["live"], release, "{status:#}");
        assert_eq!(status["problems"], serde_json::json!([]), "{status:#}");
        let left: Vec<_> = self.edge.files().into_iter().filter(|name| name.ends_with(".tmp")).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        let carriers = format!("label=bgd.carrier={}", self.app);
        let carriers = self.run.docker().ok(["ps", "-aq", "--filter", &carriers]);
        assert!(carriers.lines().count() <= 1, "carriers left behind: {carriers}");
    }

    /// The container of the live release, which has one.
    #[track_caller]
    pub fn live_container(&self) -> Container {
        let status = self.status();
        let name = status["containers"].as_object().and_then(|containers| containers.keys().next());
        Container::new(self.run.docker(), name.unwrap_or_else(|| panic!("nothing is live: {status:#}")))
    }
}

/// Asserts that a load lost nothing, and that it was one.
#[track_caller]
pub fn nothing_lost(report: &Report) {
    assert!(report.answered > 0, "there was no load\n{report}");
    assert_eq!(report.failed, 0, "requests were lost\n{report}");
}

/// Asserts that each kind of a load was answered.
#[track_caller]
pub fn every_kind_served(report: &Report) {
    assert!(report.kinds.iter().all(|kind| kind.answered > 0), "{report}");
}
