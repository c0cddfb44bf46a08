use crate::folder::ConfigDir;
use crate::front::{Front, FrontBuilder};
use crate::poll::poll_until;
use crate::run::TestRun;
use std::ops::Deref;
use std::time::Duration;

const CONFIG_DIR: &str = "/etc/nginx/conf.d";

/// An nginx that a user has running already.
pub struct Edge(Front);

/// An [`Edge`] to be started.
pub struct EdgeBuilder<'a>(FrontBuilder<'a>);

impl Edge {
    pub fn builder<'a>(run: &'a TestRun, image: &str) -> EdgeBuilder<'a> {
        EdgeBuilder(FrontBuilder::new(run, image))
    }

    /// Runs `nginx ARGS…` inside, such as `-t` or `-s reload`.
    pub fn nginx(&self, args: &[&str]) -> Result<String, String> {
        self.docker().run(["exec", self.name(), "nginx"].iter().chain(args))
    }
}

impl Deref for Edge {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.0
    }
}

impl EdgeBuilder<'_> {
    /// Where `/etc/nginx/conf.d` lives.
    #[must_use]
    pub fn config_dir(mut self, config_dir: ConfigDir) -> Self {
        self.0.place = config_dir;
        self
    }

    /// Joins a network that is there, in place of one of its own.
    #[must_use]
    pub fn network(mut self, network: &str) -> Self {
        self.0.network = Some(network.to_string());
        self
    }

    /// Puts a file into the configuration folder before the start.
    #[must_use]
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.0.files.push((name.to_string(), text.into()));
        self
    }

    /// Any other argument of `docker create`.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.0.args.push(arg.to_string());
        self
    }

    /// Starts it, and waits until nginx has its workers.
    #[track_caller]
    pub fn start(self) -> Edge {
        let name = self.0.run.name("edge");
        let edge = Edge(self.0.start(name, CONFIG_DIR, &[]));
        // An nginx without any server block serves nothing, but it has its workers.
        poll_until(Duration::from_secs(10), || {
            edge.docker()
                .run(["top", edge.name()])
                .is_ok_and(|processes| processes.contains("worker process"))
        });
        edge
    }
}
