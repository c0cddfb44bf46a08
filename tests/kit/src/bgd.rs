use crate::docker::Docker;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The bgd under test, with a state folder and a working folder of its own.
pub struct Bgd {
    binary: PathBuf,
    state: Arc<TempDir>,
    project: TempDir,
    env: Vec<(String, String)>,
    docker: Docker,
    /// The user and group that run it; those of the tests by default.
    user: Option<(u32, u32)>,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Nothing when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Bgd {
    /// A binary on the machine's own daemon. Tests of the bgd package give `env!("CARGO_BIN_EXE_bgd")`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self::on(&Docker::machine(), binary)
    }

    /// A binary on another daemon.
    pub fn on(docker: &Docker, binary: impl Into<PathBuf>) -> Self {
        let [state, project] = [(), ()].map(|()| tempfile::tempdir().unwrap());
        Self {
            binary: binary.into(),
            state: Arc::new(state),
            project,
            env: Vec::new(),
            docker: docker.clone(),
            user: None,
        }
    }

    /// The same for another user, who is in the group of the engine's socket. Its folders and its binary are that user's.
    #[must_use]
    pub fn as_user(mut self, uid: u32) -> Self {
        let gid = std::fs::metadata(self.docker.socket()).unwrap().gid();
        let binary = self.project().join("bgd");
        std::fs::copy(&self.binary, &binary).unwrap();
        for path in [&self.state_dir(), &self.project(), &binary] {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
        self.binary = binary;
        self.user = Some((uid, gid));
        self
    }

    /// The same with a working folder of its own: another project on the same host.
    pub fn beside(&self) -> Self {
        let (binary, docker) = (self.binary.clone(), self.docker.clone());
        let (state, project) = (self.state.clone(), tempfile::tempdir().unwrap());
        Self { binary, state, project, env: self.env.clone(), docker, user: self.user }
    }

    /// Sets a variable for every command from now on.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_string(), value.to_string()));
        self
    }

    /// The same for one that is in use.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.push((name.to_string(), value.to_string()));
    }

    /// The folder of `BGD_STATE_DIR`.
    pub fn state_dir(&self) -> PathBuf {
        self.state.path().to_path_buf()
    }

    /// The folder in which the commands run.
    pub fn project(&self) -> PathBuf {
        self.project.path().to_path_buf()
    }

    /// Writes a file of the project, such as `bgd.yaml`.
    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.project().join(file), text).unwrap();
    }

    /// Runs `bgd ARGS…` to its end, at most two minutes.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Outcome {
        self.spawn(args).wait(Duration::from_secs(120))
    }

    /// Runs it in another folder.
    #[track_caller]
    pub fn run_in(&self, folder: &Path, args: &[&str]) -> Outcome {
        self.spawn_in(folder, args).wait(Duration::from_secs(120))
    }

    /// Starts `bgd ARGS…` and does not wait.
    pub fn spawn(&self, args: &[&str]) -> Spawned {
        self.spawn_in(&self.project(), args)
    }

    fn spawn_in(&self, folder: &Path, args: &[&str]) -> Spawned {
        Spawned::start(self.command(folder, args))
    }

    /// `bgd ARGS…` in a folder, for a test that has its own plans for the output.
    pub fn command(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).current_dir(folder).env("BGD_STATE_DIR", self.state_dir());
        // Whoever runs the tests is not who runs bgd.
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        if let Some(host) = self.docker.host() {
            command.env("DOCKER_HOST", host);
        }
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid).env("HOME", self.project());
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Outcome {
    /// Panics with all that was printed unless the code is 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Panics with all that was printed unless the code is this one.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        let Self { code, stdout, stderr, .. } = &self;
        assert!(
            *code == Some(expected),
            "ended with {code:?}, not {expected}\nstdout:\n{stdout}\nstderr:\n{stderr}"
        );
        self
    }
}

/// A command under way. Killed when it goes out of scope.
pub struct Spawned {
    child: Child,
    started: Instant,
    stdout: Captured,
    stderr: Captured,
}

impl Spawned {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{command:?}: {why}"));
        let stdout = Captured::of(child.stdout.take().unwrap());
        let stderr = Captured::of(child.stderr.take().unwrap());
        Self { child, started: Instant::now(), stdout, stderr }
    }

    /// What it has printed to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until stdout or stderr has this text; panics when the command ends without it.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str, timeout: Duration) {
        self.wait_until(text, |said| said.contains(text), timeout);
    }

    /// Waits until the watch of a deploy has told of so many requests or more: it does not tell of every one.
    #[track_caller]
    pub fn wait_for_requests(&mut self, least: u64, timeout: Duration) {
        let counts = |said: &str| -> Vec<u64> {
            let before =
                said.split(" requests: ").map(|text| text.rsplit(['"', ' ']).next().unwrap_or_default());
            before.filter_map(|count| count.parse().ok()).collect()
        };
        let what = format!("{least} requests");
        self.wait_until(&what, |said| counts(said).iter().any(|count| *count >= least), timeout);
    }

    /// Waits until `is` of stdout or of stderr; panics when the command ends before.
    #[track_caller]
    fn wait_until(&mut self, what: &str, is: impl Fn(&str) -> bool, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        loop {
            let ended = self.child.try_wait().unwrap().is_some();
            if ended {
                self.join();
            }
            if is(&self.stdout()) || is(&self.stderr()) {
                return;
            }
            let (stdout, stderr) = (self.stdout(), self.stderr());
            assert!(!ended, "ended without {what:?}\nstdout:\n{stdout}\nstderr:\n{stderr}");
            assert!(
                Instant::now() < deadline,
                "no {what:?} within {timeout:?}\nstdout:\n{stdout}\nstderr:\n{stderr}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal, such as `SIGINT` or `SIGKILL`.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a process id fits"));
        kill(pid, signal).expect("the process is not reaped yet");
    }

    /// Whether it has ended, so that [`Spawned::wait`] returns at once.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// `kill -9`, and the outcome.
    pub fn kill(mut self) -> Outcome {
        self.child.kill().unwrap();
        self.wait(Duration::from_secs(10))
    }

    /// Waits for the end; kills it and panics when it does not come in time.
    #[track_caller]
    pub fn wait(mut self, timeout: Duration) -> Outcome {
        let deadline = Instant::now() + timeout;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                panic!(
                    "still running after {timeout:?}\nstdout:\n{}\nstderr:\n{}",
                    self.stdout(),
                    self.stderr()
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = self.started.elapsed();
        self.join();
        Outcome { code: status.code(), stdout: self.stdout(), stderr: self.stderr(), took }
    }

    fn join(&mut self) {
        self.stdout.join();
        self.stderr.join();
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes from a pipe, read as it comes so that the writer never blocks.
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Captured {
    fn of(mut pipe: impl std::io::Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = bytes.clone();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self { bytes, thread: Some(thread) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Waits for the rest, but not for a grandchild that has outlived the command and holds the pipe.
    fn join(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.thread = None;
    }
}
