use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use bgd::docker::{Engine, connect};
use bgd::model::{
    App, AppName, ContainerName, NginxProxy, NginxRoute, ProxyConfig, ServerBlock, UpstreamName,
};
use bgd::proxy::nginx::NginxDriver;
use bgd_load::Load;
use bgd_testkit::{ConfigDir, Edge, TestRun, conf, images};

/// The host that the tests ask for.
pub const HOST: &str = "api.example.com";

/// What bgd writes: the upstream alone, or the server block too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Upstream,
    Server,
}

/// An nginx that a user has, and an app to be put behind it.
pub struct World {
    pub run: TestRun,
    pub edge: Edge,
    pub app: App,
    pub engine: Rc<dyn Engine>,
}

/// Runs a test on a runtime of one thread, as bgd does.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl World {
    pub fn load(&self) -> Load {
        self.edge.load(HOST)
    }

    /// The network that nginx and the releases are on.
    pub fn network(&self) -> &str {
        self.edge.network()
    }

    /// Starts an nginx whose configuration does not know the app yet.
    pub async fn new(nginx: &str, mode: Mode, config_dir: ConfigDir) -> Self {
        let run = TestRun::new();
        let edge = Edge::builder(&run, nginx)
            .config_dir(config_dir)
            .file("a-user.conf", conf::fixed("_", "user"))
            .start();
        Self::around(run, edge, mode).await
    }

    /// The same around an nginx that was started by the test.
    pub async fn around(run: TestRun, edge: Edge, mode: Mode) -> Self {
        let name = run.app_name("api");
        let app = app(&name, &edge, mode);
        let engine = connect(run.docker().address().as_deref()).await.unwrap();
        Self { run, edge, app, engine }
    }

    pub fn driver(&self) -> NginxDriver {
        NginxDriver::new(Rc::clone(&self.engine), &self.app).unwrap()
    }

    /// Adds the user's own server block, once the upstream is defined, and reloads as a user would.
    pub async fn refer_to_upstream(&self) {
        self.edge.put("user-api.conf", &conf::server(HOST, &upstream_name(&self.app)));
        self.edge.nginx(&["-s", "reload"]).unwrap();
        self.edge.wait_serving(HOST, "/version");
        self.settled().await;
    }

    /// Waits until no worker of a former configuration is left.
    pub async fn settled(&self) {
        let start = std::time::Instant::now();
        let mut quiet = 0;
        while quiet < 5 {
            assert!(start.elapsed() < Duration::from_secs(20), "a former worker does not end");
            let processes = self.engine.processes(self.edge.name()).await.unwrap();
            let leaving = processes.iter().any(|process| process.title.contains("shutting down"));
            quiet = if leaving { 0 } else { quiet + 1 };
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn addresses(&self, container: &str) -> Vec<IpAddr> {
        let container = self.engine.container(container).await.unwrap().unwrap();
        container.addresses.values().copied().collect()
    }

    pub fn is_old(&self, nginx: &str) -> bool {
        nginx == images().nginx_old
    }
}

pub fn upstream_name(app: &App) -> String {
    format!("{}_backend", app.name).replace('-', "_")
}

fn app(name: &str, edge: &Edge, mode: Mode) -> App {
    let name = AppName::parse(name).unwrap();
    let route = match mode {
        Mode::Upstream => {
            NginxRoute::Upstream(UpstreamName::parse(&format!("{name}_backend").replace('-', "_")).unwrap())
        }
        Mode::Server => NginxRoute::Server(ServerBlock {
            hosts: vec![HOST.to_owned()],
            listen: 80,
            max_body: 0,
            read_timeout: Duration::from_secs(60),
            tls: None,
        }),
    };
    let proxy = ProxyConfig::Nginx(NginxProxy {
        container: ContainerName::parse(edge.name()).unwrap(),
        config_dir: "/etc/nginx/conf.d".to_owned(),
        route,
        template: None,
    });
    super::app::app(name, edge.network(), proxy)
}

/// The nginx that an app is behind.
pub fn nginx_of(app: &App) -> &NginxProxy {
    let ProxyConfig::Nginx(proxy) = &app.proxy else { panic!("another proxy") };
    proxy
}
