use crate::container::Container;
use crate::run::TestRun;

/// A sample app to be run by hand, as a person would before bgd came.
pub struct App<'a> {
    run: &'a TestRun,
    image: String,
    args: Vec<String>,
}

impl<'a> App<'a> {
    pub fn new(run: &'a TestRun, image: impl Into<String>) -> Self {
        Self { run, image: image.into(), args: Vec::new() }
    }

    /// Sets a variable, such as a fault.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> Self {
        self.arg("--env").arg(&format!("{name}={value}"))
    }

    #[must_use]
    pub fn network(self, network: &str) -> Self {
        self.arg("--network").arg(network)
    }

    /// Another name on its network.
    #[must_use]
    pub fn alias(self, alias: &str) -> Self {
        self.arg("--network-alias").arg(alias)
    }

    /// Any other argument of `docker run`.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_string());
        self
    }

    /// Runs it under exactly this name, which should come from [`TestRun::name`].
    #[track_caller]
    pub fn start(self, name: &str) -> Container {
        let label = self.run.label();
        let args = ["run", "--detach", "--name", name, "--label", &label].into_iter();
        let args = args.chain(self.args.iter().map(String::as_str)).chain([self.image.as_str()]);
        self.run.docker().ok(args);
        Container::new(self.run.docker(), name)
    }
}
