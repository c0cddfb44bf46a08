use crate::docker::Docker;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// One test's share of a daemon: unique names, a label, and the removal of everything that carries it.
///
/// Removed at the end, also when the test fails: containers, networks and volumes with the label
/// `bgd.test.run=<tag>`, the containers, route carriers and hooks that bgd made for the apps named by
/// [`TestRun::app_name`], and what compose made for the projects named by [`TestRun::project_name`].
/// With `BGD_TEST_KEEP=1` everything stays for a look.
pub struct TestRun {
    docker: Docker,
    tag: String,
    apps: RefCell<Vec<String>>,
    projects: RefCell<Vec<String>>,
}

impl TestRun {
    /// A run on the machine's own daemon.
    pub fn new() -> Self {
        Self::on(&Docker::machine())
    }

    /// A run on another daemon.
    pub fn on(docker: &Docker) -> Self {
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let tag = format!("t{}n{number}", std::process::id());
        Self { docker: docker.clone(), tag, apps: RefCell::default(), projects: RefCell::default() }
    }

    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// A name that no other run has, such as `edge-t4711n0`.
    pub fn name(&self, base: &str) -> String {
        format!("{base}-{}", self.tag)
    }

    /// A name for an app, whose containers are recognised at the end by bgd's label `bgd.app`.
    pub fn app_name(&self, base: &str) -> String {
        let name = self.name(base);
        self.has_app(&name);
        name
    }

    /// Has the containers of an app recognised at the end whose name is not made by [`TestRun::app_name`].
    pub fn has_app(&self, name: &str) {
        self.apps.borrow_mut().push(name.to_owned());
    }

    /// A name for a compose project, whose containers, networks and volumes are recognised at the end by compose's label.
    pub fn project_name(&self, base: &str) -> String {
        let name = self.name(base);
        self.projects.borrow_mut().push(name.clone());
        name
    }

    /// The label that everything of this run has to carry, as `name=value`.
    pub fn label(&self) -> String {
        format!("bgd.test.run={}", self.tag)
    }

    /// Makes a bridge network of this run and returns its name.
    pub fn network(&self, base: &str) -> String {
        let name = self.name(base);
        self.docker.ok(["network", "create", "--label", &self.label(), &name]);
        name
    }

    /// Makes a volume of this run and returns its name.
    pub fn volume(&self, base: &str) -> String {
        let name = self.name(base);
        self.docker.ok(["volume", "create", "--label", &self.label(), &name])
    }

    fn remove(&self, what: &str, flags: &[&str], label: &str) {
        let ids = self.docker.labelled(what, label);
        if ids.is_empty() {
            return;
        }
        let args =
            [what, "rm"].into_iter().chain(flags.iter().copied()).chain(ids.iter().map(String::as_str));
        if let Err(why) = self.docker.run(args) {
            eprintln!("cleaning up: {why}");
        }
    }
}

impl Default for TestRun {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestRun {
    fn drop(&mut self) {
        if std::env::var_os("BGD_TEST_KEEP").is_some_and(|keep| keep == "1") {
            eprintln!("kept: everything labelled {}", self.label());
            return;
        }
        for app in self.apps.take() {
            for label in ["bgd.app", "bgd.carrier", "bgd.hook", "bgd.lock", "bgd.claim.app"] {
                self.remove("container", &["--force", "--volumes"], &format!("{label}={app}"));
            }
        }
        for project in self.projects.take() {
            let label = format!("com.docker.compose.project={project}");
            self.remove("container", &["--force", "--volumes"], &label);
            self.remove("network", &[], &label);
            self.remove("volume", &["--force"], &label);
        }
        self.remove("container", &["--force", "--volumes"], &self.label());
        self.remove("network", &[], &self.label());
        self.remove("volume", &["--force"], &self.label());
    }
}
