mod traces;

use crate::docker::Docker;
use crate::poll::{poll_for, poll_until};
use crate::root;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
    daemon: Option<Child>,
}

impl PrivateEngine {
    /// Starts one, with no images and no containers, and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        Self::configured("{}")
    }

    /// One whose containers go on while the daemon is away (`live-restore`).
    #[track_caller]
    pub fn with_live_restore() -> Self {
        Self::configured(r#"{"live-restore": true}"#)
    }

    fn configured(config: &str) -> Self {
        Traces::sweep();
        let name = format!("bgd-{}-{}", std::process::id(), ENGINES.fetch_add(1, Ordering::Relaxed));
        // From here on dropping it removes what follows.
        let mut engine = Self { traces: Traces::new(name), daemon: None };
        fs::create_dir(&engine.traces.folder).unwrap();
        fs::write(engine.path("config.json"), config).unwrap();
        ip(&["netns", "add", &engine.traces.name]);
        ip(&["-netns", &engine.traces.name, "link", "set", "lo", "up"]);
        engine.start_again();
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

    /// Copies images from the machine's own daemon.
    #[track_caller]
    pub fn load_images(&self, images: &[&str]) {
        let mut save =
            Docker::machine().command().arg("save").args(images).stdout(Stdio::piped()).spawn().unwrap();
        let archive = save.stdout.take().unwrap();
        let load = self.docker().command().arg("load").stdin(archive).output().unwrap();
        assert!(save.wait().unwrap().success(), "docker save {images:?}");
        assert!(load.status.success(), "docker load: {}", String::from_utf8_lossy(&load.stderr));
    }

    /// Ends the daemon by SIGKILL. Its containers go on.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
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
            let pid = Pid::from_raw(daemon.id().try_into().expect("a process id fits"));
            let _ = kill(pid, Signal::SIGTERM);
            poll_until(LIMIT, || daemon.try_wait().unwrap().is_some());
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
            let ended = self.daemon.as_mut().expect("just set").try_wait().unwrap();
            assert!(ended.is_none(), "dockerd ended:\n{}", self.log_tail());
            self.docker().run(["version", "--format", "{{.Server.APIVersion}}"]).ok()
        });
    }

    /// A restart in order, as `systemctl restart docker` makes it.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    fn spawn(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.path("dockerd.log")).unwrap();
        let bin = programs().join("bin");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("nsenter");
        // Not `ip netns exec`: it mounts a new /sys, which hides the cgroups.
        command.arg(format!("--net={}", self.netns().display())).arg(bin.join("dockerd"));
        command.args(["--storage-driver", storage_driver(), "--exec-opt", "native.cgroupdriver=cgroupfs"]);
        command.args(["--cgroup-parent", &format!("/{}", self.traces.name)]);
        // Where the machine has a containerd of its own, dockerd uses that one, and must not meet its containers.
        command.args(["--containerd-namespace", &self.traces.name]);
        command.args(["--containerd-plugins-namespace", &format!("{}-plugins", self.traces.name)]);
        for (option, file) in
            [("data-root", "data"), ("exec-root", "exec"), ("pidfile", "pid"), ("config-file", "config.json")]
        {
            command.arg(format!("--{option}={}", self.path(file).display()));
        }
        command.arg(format!("--host=unix://{}", self.path("docker.sock").display()));
        command.env("PATH", path).env_remove("DOCKER_HOST");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        command.spawn().expect("nsenter is installed")
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
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
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

/// What works for the machine's own daemon works for another.
fn storage_driver() -> &'static str {
    static DRIVER: OnceLock<String> = OnceLock::new();
    DRIVER.get_or_init(|| Docker::machine().ok(["info", "--format", "{{.Driver}}"]))
}

#[track_caller]
fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip is installed");
    assert!(output.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}
