mod daemon;
mod lease;
mod place;
mod traces;

use crate::docker::Docker;
use crate::poll::{poll_for, poll_until};
use crate::root;
use crate::stamped::is_of_a_suite;
use daemon::Daemon;
use lease::Lease;
use nix::sys::signal::Signal;
use place::storage_driver;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use traces::Traces;

static ENGINES: AtomicU32 = AtomicU32::new(0);
const LIMIT: Duration = Duration::from_secs(30);

/// A current Docker engine of the test's own, in a network namespace of its own, to be restarted and killed at will.
///
/// Needs root. Everything that it made is removed when it goes out of scope, whatever state it is in by then.
pub struct PrivateEngine {
    traces: Traces,
    daemon: Option<Daemon>,
    /// There for an engine that other tests take after this one.
    lease: Option<Lease>,
}

const PLAIN: &str = "{}";
/// Docker's own process for each published port would take a twentieth of the processor's time; the kernel forwards too.
const SUITE: &str = r#"{"userland-proxy": false}"#;
const LIVE_RESTORE: &str = r#"{"live-restore": true}"#;

impl PrivateEngine {
    /// Starts one, with no images and no containers, and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        Traces::sweep();
        Self::made(own_name(), PLAIN, None)
    }

    /// The one that the tests of a whole run have in common.
    #[track_caller]
    pub fn for_a_suite() -> Self {
        Traces::sweep();
        Self::made(own_name(), SUITE, None)
    }

    /// One that tests take in turns, with nothing but images in it. It stays for the next test.
    ///
    /// The tests of one run of nextest, each a process, have one in common. Without nextest every test has its own.
    #[track_caller]
    pub fn in_turn() -> Self {
        Self::lent(PLAIN)
    }

    /// The same, and its containers go on while the daemon is away (`live-restore`).
    #[track_caller]
    pub fn in_turn_with_live_restore() -> Self {
        Self::lent(LIVE_RESTORE)
    }

    /// Removes the engines of tests that were killed, and of runs that have ended.
    pub fn sweep() {
        Traces::sweep();
    }

    #[track_caller]
    fn lent(config: &str) -> Self {
        Traces::sweep();
        if !is_of_a_suite() {
            return Self::made(own_name(), config, None);
        }
        let name = format!("bgd-{}-lent", nix::unistd::getppid());
        let lease = Lease::take(&name);
        let mut engine = Self { traces: Traces::new(name.clone()), daemon: None, lease: None };
        engine.daemon = Daemon::of_file(&engine.path("pid"));
        if engine.daemon.is_none() {
            // Whatever is left of one that has ended must not be in the way.
            engine.traces.remove();
            std::mem::forget(engine);
            return Self::made(name, config, Some(lease));
        }
        engine.lease = Some(lease);
        if fs::read_to_string(engine.path("config.json")).is_ok_and(|present| present != config) {
            fs::write(engine.path("config.json"), config).unwrap();
            engine.restart();
        }
        engine
    }

    fn made(name: String, config: &str, lease: Option<Lease>) -> Self {
        // From here on dropping it removes what follows.
        let mut engine = Self { traces: Traces::new(name), daemon: None, lease: None };
        fs::create_dir(&engine.traces.folder).unwrap();
        fs::write(engine.path("config.json"), config).unwrap();
        ip(&["netns", "add", &engine.traces.name]);
        ip(&["-netns", &engine.traces.name, "link", "set", "lo", "up"]);
        engine.start_again();
        engine.lease = lease;
        engine
    }

    /// The daemon, with the namespace in which its published ports are open.
    pub fn docker(&self) -> Docker {
        Docker::at(format!("unix://{}", self.path("docker.sock").display()), self.netns())
    }

    /// The network namespace of the daemon and of its published ports.
    pub fn netns(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.traces.name)
    }

    /// Copies images from the daemon that the environment names.
    #[track_caller]
    pub fn load_images(&self, images: &[&str]) {
        let is_missing =
            |image: &&&str| self.docker().run(["image", "inspect", "--format", "-", image]).is_err();
        let missing: Vec<&&str> = images.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return;
        }
        let mut save =
            Docker::machine().command().arg("save").args(missing).stdout(Stdio::piped()).spawn().unwrap();
        let archive = save.stdout.take().unwrap();
        let load = self.docker().command().arg("load").stdin(archive).output().unwrap();
        assert!(save.wait().unwrap().success(), "docker save {images:?}");
        assert!(load.status.success(), "docker load: {}", String::from_utf8_lossy(&load.stderr));
    }

    /// Ends the daemon by SIGKILL. Its containers go on.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.signal(Signal::SIGKILL);
            poll_until(LIMIT, || daemon.has_ended());
            self.bury_containerd();
        }
    }

    /// Removes the pid file of the daemon's containerd, which dies with it.
    ///
    /// Where process 1 is slow to reap its orphans, the next daemon would take the dead one for alive and wait for it
    /// for ten seconds.
    fn bury_containerd(&self) {
        let file = self.path("exec/containerd/containerd.pid");
        let Ok(pid) = fs::read_to_string(&file) else { return };
        let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        poll_until(LIMIT, || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")));
        let _ = fs::remove_file(file);
    }

    /// Ends the daemon in order, and its containers with it.
    pub fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.signal(Signal::SIGTERM);
            poll_until(LIMIT, || daemon.has_ended());
        }
    }

    /// Starts the daemon after [`PrivateEngine::kill`] or [`PrivateEngine::stop`], and waits until it answers.
    ///
    /// Containers with a restart policy come back by themselves, a little later.
    #[track_caller]
    pub fn start_again(&mut self) {
        assert!(self.daemon.is_none(), "it is running");
        self.daemon = Some(self.spawn());
        poll_for(LIMIT, || {
            let ended = self.daemon.as_mut().expect("just set").has_ended();
            assert!(!ended, "dockerd ended:\n{}", self.log_tail());
            self.docker().run(["version", "--format", "{{.Server.APIVersion}}"]).ok()
        });
    }

    /// A restart in order, as `systemctl restart docker` makes it.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    fn spawn(&self) -> Daemon {
        let log = File::options().create(true).append(true).open(self.path("dockerd.log")).unwrap();
        let bin = programs().join("bin");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("nsenter");
        // Not `ip netns exec`: it mounts a new /sys, which hides the cgroups.
        command.arg(format!("--net={}", self.netns().display())).arg(bin.join("dockerd"));
        let driver = storage_driver(&self.traces.data);
        command.args(["--storage-driver", &driver, "--exec-opt", "native.cgroupdriver=cgroupfs"]);
        command.args(["--cgroup-parent", &format!("/{}", self.traces.name)]);
        // Where the machine has a containerd of its own, dockerd uses that one, and must not meet its containers.
        command.args(["--containerd-namespace", &self.traces.name]);
        command.args(["--containerd-plugins-namespace", &format!("{}-plugins", self.traces.name)]);
        command.arg(format!("--data-root={}", self.traces.data.display()));
        for (option, file) in [("exec-root", "exec"), ("pidfile", "pid"), ("config-file", "config.json")] {
            command.arg(format!("--{option}={}", self.path(file).display()));
        }
        command.arg(format!("--host=unix://{}", self.path("docker.sock").display()));
        command.env("PATH", path).env_remove("DOCKER_HOST");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Daemon::Child(command.spawn().expect("nsenter is installed"))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.traces.folder.join(file)
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.path("dockerd.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn remove_containers(&self) {
        let ids = self.docker().run(["ps", "--all", "--quiet"]).unwrap_or_default();
        if !ids.is_empty() {
            let args = ["rm", "--force", "--volumes"].into_iter().chain(ids.lines());
            self.docker().run(args).unwrap_or_else(|why| why);
        }
    }

    /// Leaves the daemon as the next test expects it: running, without containers.
    fn give_back(&mut self) {
        if self.daemon.is_none() {
            self.start_again();
        }
        self.remove_containers();
        for what in ["network", "volume"] {
            let _ = self.docker().run([what, "prune", "--force"]);
        }
        let left = self.docker().ok(["ps", "--all", "--quiet"]);
        assert_eq!(left, "", "containers are left");
    }
}

fn own_name() -> String {
    format!("bgd-{}-{}", std::process::id(), ENGINES.fetch_add(1, Ordering::Relaxed))
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        if self.lease.is_some() {
            let given_back = std::panic::AssertUnwindSafe(|| self.give_back());
            if std::panic::catch_unwind(given_back).is_ok() {
                return;
            }
        }
        // Containers that outlived a killed daemon end most surely by a daemon that knows them.
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if self.daemon.is_none() && self.path("pid").exists() {
                self.start_again();
            }
            self.remove_containers();
            self.stop();
        }));
        if stopped.is_err() {
            self.kill();
        }
        self.traces.remove();
    }
}

/// The folder of the engine's programs, which `scripts/engine-fetch` makes once.
pub(crate) fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let output =
            Command::new(root().join("scripts/engine-fetch")).output().expect("scripts/engine-fetch runs");
        assert!(output.status.success(), "scripts/engine-fetch: {}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
    })
}

#[track_caller]
fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip is installed");
    assert!(output.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}
