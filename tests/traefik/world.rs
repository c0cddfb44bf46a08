use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bgd::docker::{Engine, connect};
use bgd::model::{App, AppName, ContainerName, ProxyConfig, TraefikMode, TraefikProxy, TraefikRouter};
use bgd::proxy::traefik::TraefikDriver;
use bgd_load::Load;
use bgd_testkit::{Container, TestRun, http, poll_until};
use tempfile::TempDir;

/// The host that the tests ask for.
pub const HOST: &str = "api.example.com";
const IMAGE: &str = "bgd-test/traefik:3.7";
/// Where Traefik's dynamic files are, inside its container.
pub const DYNAMIC_DIR: &str = "/dynamic";
/// What most users say.
pub const USUAL: [&str; 4] = [
    "--entrypoints.web.address=:80",
    "--entrypoints.websecure.address=:443",
    "--providers.file.directory=/dynamic",
    "--api.insecure=true",
];

/// A Traefik that a user has, and an app to be put behind it.
pub struct World {
    pub run: TestRun,
    pub traefik: Container,
    pub folder: TempDir,
    pub network: String,
    pub app: App,
    pub engine: Rc<dyn Engine>,
    address: SocketAddr,
}

/// Runs a test on a runtime of one thread, as bgd does.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl World {
    /// The network that Traefik and the releases are on.
    pub fn network(&self) -> &str {
        &self.network
    }

    pub async fn usual() -> Self {
        Self::new(&USUAL).await
    }

    /// Starts a Traefik with these options, whose folder of dynamic files is a folder of this host.
    pub async fn new(options: &[&str]) -> Self {
        Self::with_files(options, &[]).await
    }

    /// The same, with files in that folder from the beginning.
    pub async fn with_files(options: &[&str], files: &[(&str, &str)]) -> Self {
        let run = TestRun::new();
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let network = run.network("proxy");
        let name = run.name("gate");
        let mount = format!("{}:{DYNAMIC_DIR}", folder.path().display());
        let label = run.label();
        let publish = format!("127.0.0.1:{}:80", bgd_testkit::free_port(None));
        let create = [
            "run",
            "--detach",
            "--name",
            &name,
            "--label",
            &label,
            "--network",
            &network,
            "--volume",
            &mount,
            "--publish",
            &publish,
            "--restart",
            "unless-stopped",
            IMAGE,
        ];
        run.docker().ok(create.iter().chain(options));
        let traefik = Container::new(run.docker(), &name);
        let name = AppName::parse(&run.app_name("api")).unwrap();
        let app = app(&name, traefik.name(), &network);
        let engine = connect(run.docker().address().as_deref()).await.unwrap();
        let mut world =
            Self { run, traefik, folder, network, app, engine, address: (Ipv4Addr::LOCALHOST, 80).into() };
        world.came_up();
        world
    }

    /// Where clients reach Traefik.
    pub fn published(&self) -> SocketAddr {
        self.address
    }

    /// Waits until Traefik listens, and looks up where: a port that Docker chose changes with every start.
    pub fn came_up(&mut self) {
        poll_until(Duration::from_secs(10), || self.ask(80, "nobody", "/").is_ok());
        let port = self.run.docker().ok(["port", self.traefik.name(), "80/tcp"]);
        self.address = port.lines().next().unwrap().parse().unwrap();
    }

    /// Asks a port of Traefik's from inside its own network namespace.
    pub fn ask(&self, port: u16, host: &str, path: &str) -> std::io::Result<http::Answer> {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        http::request(Some(&self.traefik.netns()), at, host, "GET", path)
    }

    /// Asks the published port.
    pub fn get(&self, path: &str) -> http::Answer {
        http::request(None, self.address, HOST, "GET", path).unwrap()
    }

    /// The version that answers a client.
    pub fn version(&self) -> Option<String> {
        self.get("/version").version().map(str::to_owned)
    }

    /// Waits until the app is served.
    #[track_caller]
    pub fn wait_serving(&self) {
        poll_until(Duration::from_secs(10), || {
            http::request(None, self.address, HOST, "GET", "/version")
                .is_ok_and(|answer| answer.status == 200)
        });
    }

    /// At a pace that leaves the machine to what switches; as many requests as there can be are sent by the tests of bgd
    /// itself.
    pub fn load(&self) -> Load {
        Load::new(self.address, HOST).pace(Duration::from_millis(50))
    }

    pub fn driver(&self) -> TraefikDriver {
        TraefikDriver::new(Rc::clone(&self.engine), &self.app).unwrap()
    }

    /// Changes what the configuration says about Traefik.
    pub fn change(&mut self, change: impl FnOnce(&mut TraefikProxy)) {
        let ProxyConfig::Traefik(traefik) = &mut self.app.proxy else { unreachable!() };
        change(traefik);
    }

    pub async fn addresses(&self, container: &str) -> Vec<IpAddr> {
        let container = self.engine.container(container).await.unwrap().unwrap();
        container.addresses.values().copied().collect()
    }

    /// Puts a file of the user's into the folder of dynamic files.
    pub fn put(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// The text of the app's file.
    pub fn file(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(format!("bgd-{}.yml", self.app.name))).ok()
    }
}

fn app(name: &AppName, traefik: &str, network: &str) -> App {
    let proxy = ProxyConfig::Traefik(TraefikProxy {
        container: ContainerName::parse(traefik).unwrap(),
        mode: TraefikMode::File { dynamic_dir: DYNAMIC_DIR.to_owned() },
        router: TraefikRouter {
            rule: format!("Host(`{HOST}`)"),
            entrypoints: vec!["web".to_owned()],
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        },
        template: None,
    });
    super::app::app(name.clone(), network, proxy)
}
