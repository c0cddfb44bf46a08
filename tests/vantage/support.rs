//! A connection, containers of a test's own, and the removal of all that it made.

use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bgd::docker::{Container, Engine};
use bgd::model::{ContainerSpec, Mount, MountKind, Restart};
use bgd::probe::{Force, Options, Request, Vantage};
use bgd_testkit::{is_of_a_suite, own_image};
use libtest_mimic::Failed;

/// The label by which everything that a test made is found again.
pub const LABEL: &str = "bgd.test";

/// What a test works with.
pub struct Host {
    pub engine: Rc<dyn Engine>,
    pub force: Force,
    /// Unique to this test; part of every name.
    pub tag: String,
    /// A folder of the host.
    pub folder: tempfile::TempDir,
}

pub type Test = Pin<Box<dyn Future<Output = ()>>>;

/// Runs a test, removes what it made, and then tells how it went.
pub fn run(force: Force, test: impl FnOnce(Rc<Host>) -> Test) -> Result<(), Failed> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let tag = format!("vantage-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let engine = runtime.block_on(connect());
    import(&runtime, &*engine);
    let host = Rc::new(Host { engine, force, tag, folder: tempfile::tempdir()? });
    let tested = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), test(host.clone())).await })
    }));
    runtime.block_on(async {
        for container in host.engine.containers(&[format!("{LABEL}={}", host.tag)]).await.unwrap() {
            host.engine.remove(&container.id).await.unwrap();
        }
    });
    docker(&["volume", "rm", "--force", &host.volume()]);
    match tested {
        Ok(in_time) => in_time.map_err(|_| Failed::from("it took longer than two minutes")),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

pub async fn connect() -> Rc<dyn Engine> {
    bgd::docker::connect(std::env::var("DOCKER_HOST").ok().as_deref()).await.unwrap()
}

const REPOSITORY: &str = "bgd-test-vantage";

/// The name of the image that every test of this executable uses.
pub fn image() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| own_image(REPOSITORY, |_| true, |_| ())).clone()
}

/// The image with this executable in it, imported once.
fn import(runtime: &tokio::runtime::Runtime, engine: &dyn Engine) {
    let is_there = |name: &str| runtime.block_on(engine.image(name)).is_ok_and(|image| image.is_some());
    own_image(REPOSITORY, is_there, |name| make(runtime, engine, name));
}

fn make(runtime: &tokio::runtime::Runtime, engine: &dyn Engine, name: &str) {
    let mut archive = tar::Builder::new(Vec::new());
    // A linker leaves holes in the file, and Docker reads no sparse entries.
    archive.sparse(false);
    archive.append_path_with_name(std::env::current_exe().unwrap(), "child").unwrap();
    let mut folder = tar::Header::new_gnu();
    folder.set_entry_type(tar::EntryType::Directory);
    folder.set_mode(0o755);
    folder.set_size(0);
    archive.append_data(&mut folder, "conf.d", std::io::empty()).unwrap();
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    archive.append_link(&mut link, "sites", "/conf.d").unwrap();
    archive.append_link(&mut link, "linked.conf", "sites/own.conf").unwrap();
    let changes = [r#"ENTRYPOINT ["/child", "--bgd-child"]"#.to_owned()];
    runtime.block_on(engine.import(archive.into_inner().unwrap(), name, &changes)).unwrap();
}

/// Removes what the run as a whole made.
pub fn clean_up() {
    if is_of_a_suite() {
        return;
    }
    docker(&["image", "rm", "--force", &image()]);
    let program = std::fs::read(env!("CARGO_BIN_EXE_bgd")).unwrap();
    docker(&["image", "rm", &bgd::probe::helper::image_name(&program)]);
}

/// Runs Docker's own command, for what bgd itself never does.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until something holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap_or_else(|_| panic!("never {what}"));
}

/// An address inside the container.
pub fn port(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A request to the child.
pub fn get(path: &str) -> Request {
    Request::get(port(super::child::PORT), "child", path, Duration::from_secs(10))
}

impl Host {
    /// A name of this test's own.
    pub fn name(&self, part: &str) -> String {
        format!("bgd-{}-{part}", self.tag)
    }

    /// The name of this test's volume.
    pub fn volume(&self) -> String {
        self.name("volume")
    }

    /// A folder of the host with this name, made when it is not there.
    pub fn host_folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Mounts a folder of the host.
    pub fn bind(&self, name: &str, read_only: bool) -> Mount {
        let source = self.host_folder(name).to_str().unwrap().to_owned();
        Mount { kind: MountKind::Bind, source, target: format!("/{name}"), read_only, options: None }
    }

    /// A specification that runs the child.
    pub fn spec(&self) -> ContainerSpec {
        ContainerSpec {
            image: image(),
            command: Some(vec!["serve".to_owned()]),
            network_mode: Some("none".to_owned()),
            labels: [(LABEL.to_owned(), self.tag.clone())].into(),
            restart: Restart::No,
            ..Default::default()
        }
    }

    /// Creates and starts a container, and waits until it serves.
    pub async fn start(&self, part: &str, spec: &ContainerSpec) -> Container {
        let id = self.engine.create(&self.name(part), spec).await.unwrap();
        self.engine.start(&id).await.unwrap();
        let container = self.look(&id).await;
        let vantage = self.open(&container).await;
        eventually("served", async || vantage.request(&get("/ok")).await.is_ok()).await;
        container
    }

    pub async fn look(&self, container: &str) -> Container {
        self.engine.container(container).await.unwrap().unwrap()
    }

    /// How this test opens its vantage points.
    pub fn options(&self) -> Options {
        Options { force: Some(self.force), binary: env!("CARGO_BIN_EXE_bgd").into() }
    }

    pub async fn open(&self, container: &Container) -> Rc<dyn Vantage> {
        bgd::probe::open_with(self.engine.clone(), container, &self.options()).await.unwrap()
    }

    /// A container that serves, and a vantage point inside.
    pub async fn inside(&self, spec: &ContainerSpec) -> (Container, Rc<dyn Vantage>) {
        let container = self.start("child", spec).await;
        let vantage = self.open(&container).await;
        (container, vantage)
    }
}
