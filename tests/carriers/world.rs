use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bgd::docker::{Engine, connect};
use bgd::model::{
    App, AppName, ContainerName, ContainerSpec, ProxyConfig, ReleaseNumber, Slot, TraefikMode, TraefikProxy,
    TraefikRouter,
};
use bgd::proxy::Target;
use bgd::proxy::traefik::labels::{
    Carrier, CarrierKind, Carriers, GENERATION_HEADER, MARKER_HEADER, RELEASE_HEADER, SLOT_HEADER,
};
use bgd_load::Load;
use bgd_testkit::{Container, TestRun, images};

/// The host that the tests ask for.
pub const HOST: &str = "api.example.com";

/// The label by which a test's Traefik sees no other test's carriers.
const GATE: &str = "carriers.gate";

pub struct World {
    pub run: TestRun,
    pub app: App,
    pub engine: Rc<dyn Engine>,
    pub kind: CarrierKind,
    pub traefik: Container,
    address: SocketAddr,
    network: String,
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl World {
    /// Starts a Traefik of this version, which looks at Docker at most every `throttle`.
    pub async fn new(version: &str, kind: CarrierKind, throttle: &str) -> Self {
        let run = TestRun::new();
        let (name, network) = (run.name("edge"), run.network("proxy"));
        let gate = format!("--providers.docker.constraints=Label(`{GATE}`,`{}`)", run.name(""));
        let throttle = format!("--providers.providersThrottleDuration={throttle}");
        let (label, image) = (run.label(), format!("bgd-test/traefik:{version}"));
        let publish = format!("127.0.0.1:{}:80", bgd_testkit::free_port(None));
        let docker = run.docker();
        let socket = format!("{}:/var/run/docker.sock:ro", docker.socket());
        #[rustfmt::skip]
        docker.ok([
            "run", "--detach", "--name", &name, "--label", &label, "--network", &network,
            "--volume", &socket, "--publish", &publish, &image,
            "--providers.docker=true", "--providers.docker.exposedByDefault=false", &gate, &throttle,
            "--entryPoints.web.address=:80",
        ]);
        let app = app(&run, &name, &network);
        let traefik = Container::new(docker, name);
        let address = published(&traefik);
        let engine = connect(docker.address().as_deref()).await.unwrap();
        let world = Self { run, app, engine, kind, traefik, address, network };
        world.wait_listening();
        world
    }

    pub fn carriers(&self) -> Carriers {
        Carriers::new(Rc::clone(&self.engine), &self.app, self.kind)
            .unwrap()
            .with_binary(env!("CARGO_BIN_EXE_bgd"))
    }

    /// Starts a release; odd ones are version 1.0 in blue, even ones 1.1 in green.
    pub fn release(&self, number: u32) -> Target {
        let (slot, version) = if number % 2 == 1 { (Slot::Blue, "1.0") } else { (Slot::Green, "1.1") };
        let host = format!("{}-r{number}", self.app.name);
        let app =
            bgd_testkit::App::new(&self.run, images().app_without_check(version)).network(&self.network);
        let container = app.start(&host);
        while container.ask(3000, "GET", "/health").is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Target {
            slot,
            release: ReleaseNumber(number),
            release_host: host,
            slot_host: format!("{}-slot-{slot}", self.app.name),
            port: 3000,
            addresses: Vec::new(),
        }
    }

    /// What is asked by a client, or by the marker's header. Status and headers in lower case.
    pub fn ask(&self, marker: Option<&str>) -> Option<(u16, BTreeMap<String, String>)> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let marker = marker.map(|value| format!("{MARKER_HEADER}: {value}\r\n")).unwrap_or_default();
        let request = format!("GET /version HTTP/1.1\r\nHost: {HOST}\r\n{marker}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let head = text.split("\r\n\r\n").next()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        Some((status, headers.map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned())).collect()))
    }

    /// Whether the marker, asked so, answers with this carrier's generation.
    pub fn is_marked(&self, marker: &str, carrier: &Carrier) -> bool {
        let Some((200, headers)) = self.ask(Some(marker)) else { return false };
        let header = |name: &str| headers.get(&name.to_ascii_lowercase()).map(String::as_str);
        header(GENERATION_HEADER) == Some(&carrier.generation)
            && header(RELEASE_HEADER) == Some(&carrier.release.to_string())
            && header(SLOT_HEADER) == Some(carrier.slot.as_str())
    }

    /// Waits for the proof that this carrier is live, and returns how long it took.
    #[track_caller]
    pub fn verify(&self, carrier: &Carrier) -> Duration {
        let start = Instant::now();
        bgd_testkit::poll_until(Duration::from_secs(20), || {
            self.is_marked(&format!("{}@docker", self.app.name), carrier)
        });
        let version = if carrier.release.0 % 2 == 1 { "1.0" } else { "1.1" };
        let (status, headers) = self.ask(None).unwrap();
        assert_eq!((status, headers["x-version"].as_str()), (200, version));
        assert!(!headers.contains_key("x-bgd-release"), "a client sees the marker: {headers:?}");
        start.elapsed()
    }

    /// Brings the route to its own priority, which may need another look of Traefik's.
    pub async fn lower(&self) {
        let carriers = self.carriers();
        let start = Instant::now();
        let knows = async |carrier: &Carrier| Ok(self.is_marked(&carrier.id(&self.app.name), carrier));
        while !carriers.lower(knows).await.unwrap() {
            assert!(start.elapsed() < Duration::from_secs(20), "Traefik does not see the twin");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn only(&self) -> Carrier {
        let mut all = self.carriers().list().await.unwrap();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    /// At a pace that leaves the machine to what switches; as many requests as there can be are sent by the tests of bgd
    /// itself.
    pub fn load(&self) -> Load {
        Load::new(self.address, HOST).pace(Duration::from_millis(20))
    }

    fn wait_listening(&self) {
        bgd_testkit::poll_until(Duration::from_secs(20), || self.ask(None).is_some());
    }

    /// Traefik's port may be another one after a restart.
    pub fn find_again(&mut self) {
        self.address = published(&self.traefik);
        self.wait_listening();
    }
}

fn published(traefik: &Container) -> SocketAddr {
    let port = traefik.inspect("{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}").unwrap();
    SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap()))
}

fn app(run: &TestRun, traefik: &str, network: &str) -> App {
    let proxy = ProxyConfig::Traefik(TraefikProxy {
        container: ContainerName::parse(traefik).unwrap(),
        mode: TraefikMode::Labels,
        router: TraefikRouter {
            rule: format!("Host(`{HOST}`)"),
            entrypoints: vec!["web".to_owned()],
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        },
        template: None,
    });
    let labels = [(GATE.to_owned(), run.name("")), ("bgd.test".to_owned(), "carrier".to_owned())].into();
    let container = ContainerSpec { labels, ..ContainerSpec::default() };
    App { container, ..super::app::app(AppName::parse(&run.app_name("api")).unwrap(), network, proxy) }
}
