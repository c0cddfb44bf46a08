use crate::container::Container;
use crate::folder::{ConfigDir, Folder};
use crate::http::{self, Answer};
use crate::poll::poll_until;
use crate::port::free_port;
use crate::run::TestRun;
use bgd_load::Load;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A proxy's container that a user has running already, published on a port of 127.0.0.1 that outlives restarts.
///
/// What an [`Edge`](crate::Edge) and a [`Gate`](crate::Gate) have in common.
pub struct Front {
    container: Container,
    address: SocketAddr,
    network: String,
    folder: Folder,
    netns: Option<PathBuf>,
    /// The arguments of `docker` that made it.
    made_by: Vec<String>,
    image: String,
}

/// A [`Front`] to be started.
pub(crate) struct FrontBuilder<'a> {
    pub run: &'a TestRun,
    pub image: String,
    pub place: ConfigDir,
    pub network: Option<String>,
    pub files: Vec<(String, String)>,
    /// Arguments of `docker create`.
    pub args: Vec<String>,
}

impl Front {
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
        self.folder.host()
    }

    /// Removes it by force, as `docker rm -f` does. A configuration folder of the host or a volume stays.
    pub fn remove(&self) {
        self.container.docker().ok(["rm", "--force", self.container.name()]);
    }

    /// Makes and starts it again as it was made, as compose does with a container that is gone.
    #[track_caller]
    pub fn make_again(&self) {
        self.container.docker().ok(&self.made_by);
        self.container.start();
    }

    /// The same of another image, as compose does when a tag was changed. The configuration folder, of the host or a volume,
    /// stays.
    #[track_caller]
    pub fn make_again_of(&self, image: &str) {
        let made = self.made_by.iter().map(|arg| if *arg == self.image { image } else { arg.as_str() });
        self.container.docker().ok(made);
        self.container.docker().run(["start", self.container.name()]).unwrap();
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

    /// A load through the published port, without clients yet, at a pace that leaves the machine to other tests.
    pub fn load(&self, host: &str) -> Load {
        self.closed_loop(host).pace(Duration::from_millis(50))
    }

    /// The same at full speed: each client sends its next request when the last was answered.
    pub fn closed_loop(&self, host: &str) -> Load {
        let load = Load::new(self.address, host);
        match &self.netns {
            Some(netns) => load.netns(netns),
            None => load,
        }
    }

    /// Puts a file into the configuration folder: for nginx until the next reload, for Traefik at once.
    #[track_caller]
    pub fn put(&self, file: &str, text: &str) {
        self.folder.put(self, file, text);
    }

    /// The text of a file in the configuration folder, wherever that is.
    pub fn read(&self, file: &str) -> Option<String> {
        self.folder.read(self, file)
    }

    /// The names of the files in the configuration folder, in order.
    #[track_caller]
    pub fn files(&self) -> Vec<String> {
        self.folder.files(self)
    }
}

impl Deref for Front {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl<'a> FrontBuilder<'a> {
    pub fn new(run: &'a TestRun, image: &str) -> Self {
        Self {
            run,
            image: image.to_string(),
            place: ConfigDir::HostFolder,
            network: None,
            files: Vec::new(),
            args: Vec::new(),
        }
    }

    /// Starts it under a name, with port 80 published and `folder` for its configuration.
    #[track_caller]
    pub fn start(self, name: String, folder: &'static str, command: &[String]) -> Front {
        let Self { run, image, place, network, files, args } = self;
        let network = network.unwrap_or_else(|| run.network("proxy"));
        let folder = Folder::new(run, place, folder);
        let (label, mount) = (run.label(), folder.mount());
        let mut create: Vec<&str> = vec!["create", "--name", &name, "--label", &label, "--network", &network];
        create.extend(mount.iter().flat_map(|mount| ["--volume", mount.as_str()]));
        create.extend(args.iter().map(String::as_str));
        let made = || folder.fill(run.docker(), &name, &files);
        let (address, made_by) = create_and_start(run, &create, &image, command, &name, made);
        let container = Container::new(run.docker(), name);
        let netns = run.docker().netns().map(Path::to_path_buf);
        Front { container, address, network, folder, netns, made_by, image }
    }
}

/// Takes another port when the one that was free a moment ago is taken. `made` is called before each start. Returns the
/// arguments that created it, too.
#[track_caller]
fn create_and_start(
    run: &TestRun,
    create: &[&str],
    image: &str,
    command: &[String],
    name: &str,
    made: impl Fn(),
) -> (SocketAddr, Vec<String>) {
    for _ in 0..5 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(run.docker().netns())));
        let publish = format!("{address}:80");
        let args = create.iter().copied().chain(["--publish", &publish, image]);
        let args: Vec<String> = args.map(str::to_string).chain(command.iter().cloned()).collect();
        run.docker().ok(&args);
        made();
        match run.docker().run(["start", name]) {
            Ok(_) => return (address, args),
            Err(why) if why.contains("already allocated") || why.contains("in use") => {
                run.docker().ok(["rm", "--force", name]);
            }
            Err(why) => panic!("{why}"),
        }
    }
    panic!("five ports in a row were taken");
}
