//! A connection, names of a test's own, and the removal of all that it made.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bgd::docker::Engine;
use bgd::model::{ContainerSpec, LogDriver, Restart};
use bgd_testkit::{is_of_a_suite, own_image};
use bollard::Docker;
use bollard::models::NetworkCreateRequest;
use libtest_mimic::Failed;
use tokio::runtime::Runtime;

fn told(error: bgd::error::Error) -> Failed {
    Failed::from(error.one_line())
}

/// The label by which everything that a test made is found again.
pub const LABEL: &str = "bgd.test";

/// What a test works with.
pub struct Host {
    pub engine: Rc<dyn Engine>,
    /// For what bgd itself never does: making networks, reading raw answers.
    pub raw: Docker,
    /// Unique to this test; part of every name.
    pub tag: String,
}

pub type Test = Pin<Box<dyn Future<Output = ()>>>;

/// Runs a test, removes what it made, and then tells how it went.
pub fn run(test: impl FnOnce(Rc<Host>) -> Test) -> Result<(), Failed> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let tag = format!("engine-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let docker_host = std::env::var("DOCKER_HOST").ok();
    let engine = runtime.block_on(bgd::docker::connect(docker_host.as_deref())).map_err(told)?;
    let raw = Docker::connect_with_defaults()?;
    let host = Rc::new(Host { engine, raw, tag });
    import(&runtime, &host)?;
    let tested = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), test(host.clone())).await })
    }));
    runtime.block_on(clean(&host))?;
    match tested {
        Ok(in_time) => in_time.map_err(|_| Failed::from("it took longer than two minutes")),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

const REPOSITORY: &str = "bgd-test-engine";

/// The image with this executable in it, imported once.
fn import(runtime: &Runtime, host: &Host) -> Result<(), Failed> {
    let is_there = |name: &str| runtime.block_on(host.engine.image(name)).is_ok_and(|image| image.is_some());
    let mut made = Ok(());
    own_image(REPOSITORY, is_there, |name| made = make(runtime, host, name));
    made
}

fn make(runtime: &Runtime, host: &Host, name: &str) -> Result<(), Failed> {
    let mut archive = tar::Builder::new(Vec::new());
    // A linker leaves holes in the file, and Docker reads no sparse entries.
    archive.sparse(false);
    archive.append_path_with_name(std::env::current_exe()?, "child")?;
    let changes = [
        r#"ENTRYPOINT ["/child", "--bgd-child"]"#,
        r#"CMD ["stubborn"]"#,
        "ENV FROM_IMAGE=1",
        "EXPOSE 8080",
        "LABEL from=image",
        r#"HEALTHCHECK --interval=1s CMD ["/child", "--bgd-child", "exit", "0"]"#,
    ];
    let changes = changes.map(str::to_owned);
    runtime.block_on(host.engine.import(archive.into_inner()?, name, &changes)).map_err(told)?;
    Ok(())
}

/// The name of the image that every test of this executable uses.
pub fn image() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| own_image(REPOSITORY, |_| true, |_| ())).clone()
}

/// A folder of this run's own in the place of `~/.docker`.
pub fn docker_config_folder() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("bgd-test-engine-{}", std::process::id()))
}

/// Replaces Docker's configuration for this run.
pub fn write_docker_config(text: &str) {
    std::fs::create_dir_all(docker_config_folder()).unwrap();
    std::fs::write(docker_config_folder().join("config.json"), text).unwrap();
}

/// Removes what the run as a whole made.
pub fn clean_up() {
    let _nothing_written = std::fs::remove_dir_all(docker_config_folder());
    if is_of_a_suite() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Ok(docker) = Docker::connect_with_defaults() else { return };
        let force = bollard::query_parameters::RemoveImageOptions { force: true, ..Default::default() };
        let _none_imported = docker.remove_image(&image(), Some(force), None).await;
    });
}

/// Removes what a test made.
async fn clean(host: &Host) -> Result<(), Failed> {
    for container in host.engine.containers(&[format!("{LABEL}={}", host.tag)]).await.map_err(told)? {
        host.engine.remove(&container.id).await.map_err(told)?;
    }
    // Volumes come into being with the containers, without labels: their names tell whose they are.
    let volumes = host.raw.list_volumes(None::<bollard::query_parameters::ListVolumesOptions>).await?;
    for volume in volumes.volumes.unwrap_or_default() {
        if volume.name.starts_with(&host.name("")) {
            let none = None::<bollard::query_parameters::RemoveVolumeOptions>;
            host.raw.remove_volume(&volume.name, none).await?;
        }
    }
    for network in host.raw.list_networks(None).await? {
        if network.labels.as_ref().and_then(|labels| labels.get(LABEL)) == Some(&host.tag) {
            host.raw.remove_network(network.id.as_deref().unwrap_or_default()).await?;
        }
    }
    Ok(())
}

impl Host {
    /// A name of this test's own.
    pub fn name(&self, part: &str) -> String {
        format!("bgd-{}-{part}", self.tag)
    }

    /// A specification that runs the child with these arguments.
    pub fn spec(&self, command: &[&str]) -> ContainerSpec {
        ContainerSpec {
            image: image(),
            command: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            labels: [(LABEL.to_owned(), self.tag.clone())].into(),
            restart: Restart::No,
            ..Default::default()
        }
    }

    /// Creates and starts a container.
    pub async fn start(&self, part: &str, command: &[&str]) -> String {
        let id = self.engine.create(&self.name(part), &self.spec(command)).await.unwrap();
        self.engine.start(&id).await.unwrap();
        id
    }

    /// Makes a network.
    pub async fn network(&self, part: &str) -> String {
        let name = self.name(part);
        self.raw.create_network(self.network_request(&name)).await.unwrap();
        name
    }

    /// Makes a network with a subnet of its own, and returns that subnet's first three numbers.
    pub async fn network_with_subnet(&self, part: &str) -> (String, String) {
        let name = self.name(part);
        for octet in 1..250 {
            let numbers = format!("10.213.{octet}");
            let mut request = self.network_request(&name);
            request.ipam = Some(bollard::models::Ipam {
                config: Some(vec![bollard::models::IpamConfig {
                    subnet: Some(format!("{numbers}.0/24")),
                    ..Default::default()
                }]),
                ..Default::default()
            });
            // Other tests take subnets at the same time.
            if self.raw.create_network(request).await.is_ok() {
                return (name, numbers);
            }
        }
        panic!("no subnet of 10.213 is free");
    }

    fn network_request(&self, name: &str) -> NetworkCreateRequest {
        NetworkCreateRequest {
            name: name.to_owned(),
            labels: Some([(LABEL.to_owned(), self.tag.clone())].into()),
            ..Default::default()
        }
    }

    /// The log driver that the engine's configuration gives to who asks for none; `None` when it is not configured.
    pub async fn default_log(&self) -> Option<LogDriver> {
        let id = self.engine.create(&self.name("log"), &self.spec(&["wait"])).await.unwrap();
        let log = self.engine.container(&id).await.unwrap().unwrap().spec.log;
        self.engine.remove(&id).await.unwrap();
        log
    }

    /// Waits until a container is as wanted.
    pub async fn until(&self, container: &str, what: &str, wanted: impl Fn(&bgd::docker::State) -> bool) {
        let reached = async {
            loop {
                if self.engine.container(container).await.unwrap().is_some_and(|found| wanted(&found.state)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached)
            .await
            .unwrap_or_else(|_| panic!("never {what}"));
    }
}
