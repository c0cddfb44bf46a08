use crate::container::Container;
use crate::http::{self, Answer};
use crate::poll::poll_until;
use crate::port::free_port;
use crate::run::TestRun;
use bgd_load::Load;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const CONFIG_DIR: &str = "/etc/nginx/conf.d";

/// Where `/etc/nginx/conf.d` of an [`Edge`] lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigDir {
    /// A folder of the host, bind-mounted. What the image has there is hidden.
    HostFolder,
    /// A named volume, which Docker fills with what the image has there.
    Volume,
    /// The container's own layer, lost when it is made anew.
    OwnLayer,
}

impl ConfigDir {
    pub const ALL: [Self; 3] = [Self::HostFolder, Self::Volume, Self::OwnLayer];
}

/// An nginx container that a user has running already, published on a port of 127.0.0.1 that outlives restarts.
pub struct Edge {
    container: Container,
    address: SocketAddr,
    network: String,
    host_folder: Option<TempDir>,
    netns: Option<PathBuf>,
}

/// An [`Edge`] to be started.
pub struct EdgeBuilder<'a> {
    run: &'a TestRun,
    image: String,
    config_dir: ConfigDir,
    network: Option<String>,
    files: Vec<(String, String)>,
    args: Vec<String>,
}

impl Edge {
    pub fn builder<'a>(run: &'a TestRun, image: &str) -> EdgeBuilder<'a> {
        EdgeBuilder {
            run,
            image: image.to_string(),
            config_dir: ConfigDir::HostFolder,
            network: None,
            files: Vec::new(),
            args: Vec::new(),
        }
    }

    /// Where it is published.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The network that it and the apps are on.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The folder of the host that is its configuration folder, if it is one.
    pub fn host_folder(&self) -> Option<&Path> {
        self.host_folder.as_ref().map(TempDir::path)
    }

    /// Asks for a path through the published port.
    pub fn get(&self, host: &str, path: &str) -> io::Result<Answer> {
        http::request(self.netns.as_deref(), self.address, host, "GET", path)
    }

    /// Waits until a host is answered 2xx, at most ten seconds.
    #[track_caller]
    pub fn wait_serving(&self, host: &str, path: &str) {
        poll_until(Duration::from_secs(10), || {
            self.get(host, path).is_ok_and(|answer| (200..300).contains(&answer.status))
        });
    }

    /// A load through the published port, without clients yet.
    pub fn load(&self, host: &str) -> Load {
        let load = Load::new(self.address, host);
        match &self.netns {
            Some(netns) => load.netns(netns),
            None => load,
        }
    }

    /// Puts a file into the configuration folder. Takes effect at the next reload.
    pub fn put(&self, file: &str, text: &str) {
        match &self.host_folder {
            Some(folder) => std::fs::write(folder.path().join(file), text).unwrap(),
            None => copy_into(self.docker(), self.name(), &[(file.to_string(), text.to_string())]),
        }
    }

    /// The text of a file in the configuration folder, wherever that is.
    pub fn read(&self, file: &str) -> Option<String> {
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("file");
        let from = format!("{}:{CONFIG_DIR}/{file}", self.name());
        self.docker().run(["cp", "--follow-link", &from, to.to_str().unwrap()]).ok()?;
        std::fs::read_to_string(to).ok()
    }

    /// The names of the files in the configuration folder, in order.
    pub fn files(&self) -> Vec<String> {
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("conf.d");
        self.docker().ok(["cp", &format!("{}:{CONFIG_DIR}", self.name()), to.to_str().unwrap()]);
        let entries = std::fs::read_dir(to).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs `nginx ARGS…` inside, such as `-t` or `-s reload`.
    pub fn nginx(&self, args: &[&str]) -> Result<String, String> {
        self.docker().run(["exec", self.name(), "nginx"].iter().chain(args))
    }
}

impl Deref for Edge {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl EdgeBuilder<'_> {
    #[must_use]
    pub fn config_dir(mut self, config_dir: ConfigDir) -> Self {
        self.config_dir = config_dir;
        self
    }

    /// Joins a network that is there, in place of one of its own.
    #[must_use]
    pub fn network(mut self, network: &str) -> Self {
        self.network = Some(network.to_string());
        self
    }

    /// Puts a file into the configuration folder before the start.
    #[must_use]
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.files.push((name.to_string(), text.into()));
        self
    }

    /// Any other argument of `docker create`.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_string());
        self
    }

    /// Starts it, and waits until nginx has its workers.
    #[track_caller]
    pub fn start(self) -> Edge {
        let Self { run, image, config_dir, network, files, args } = self;
        let network = network.unwrap_or_else(|| run.network("proxy"));
        let host_folder = (config_dir == ConfigDir::HostFolder).then(folder_for_all);
        let mount = match (config_dir, &host_folder) {
            (ConfigDir::Volume, _) => Some(format!("{}:{CONFIG_DIR}", run.volume("conf"))),
            (_, Some(folder)) => Some(format!("{}:{CONFIG_DIR}", folder.path().display())),
            _ => None,
        };
        let (name, label) = (run.name("edge"), run.label());
        let mut create: Vec<&str> = vec!["create", "--name", &name, "--label", &label, "--network", &network];
        create.extend(mount.iter().flat_map(|mount| ["--volume", mount.as_str()]));
        create.extend(args.iter().map(String::as_str));
        let address = create_and_start(run, create, &image, &name, &files);
        let container = Container::new(run.docker(), name);
        let netns = run.docker().netns().map(Path::to_path_buf);
        let edge = Edge { container, address, network, host_folder, netns };
        // An nginx without any server block serves nothing, but it has its workers.
        poll_until(Duration::from_secs(10), || {
            edge.docker()
                .run(["top", edge.name()])
                .is_ok_and(|processes| processes.contains("worker process"))
        });
        edge
    }
}

/// A folder that everybody may read: nginx's workers have a user of their own.
fn folder_for_all() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Set afterwards, because what is given to mkdir is narrowed by the umask.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Takes another port when the one that was free a moment ago is taken.
#[track_caller]
fn create_and_start(
    run: &TestRun,
    create: Vec<&str>,
    image: &str,
    name: &str,
    files: &[(String, String)],
) -> SocketAddr {
    for _ in 0..5 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(run.docker().netns())));
        let publish = format!("{address}:80");
        run.docker().ok(create.iter().copied().chain(["--publish", &publish, image]));
        copy_into(run.docker(), name, files);
        match run.docker().run(["start", name]) {
            Ok(_) => return address,
            Err(why) if why.contains("already allocated") || why.contains("in use") => {
                run.docker().ok(["rm", "--force", name]);
            }
            Err(why) => panic!("{why}"),
        }
    }
    panic!("five ports in a row were taken");
}

fn copy_into(docker: &crate::docker::Docker, name: &str, files: &[(String, String)]) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    // With "/." at the end the files are copied and the folder's own mode is not.
    let from = format!("{}/.", folder.path().display());
    docker.ok(["cp", &from, &format!("{name}:{CONFIG_DIR}/")]);
}
