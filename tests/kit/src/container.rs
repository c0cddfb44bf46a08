use crate::docker::Docker;
use crate::http::{self, Answer};
use crate::poll::poll_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// A container by its name, whoever made it.
#[derive(Debug, Clone)]
pub struct Container {
    docker: Docker,
    name: String,
}

impl Container {
    pub fn new(docker: &Docker, name: impl Into<String>) -> Self {
        Self { docker: docker.clone(), name: name.into() }
    }

    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `docker inspect --format` says, or nothing when there is no such container.
    pub fn inspect(&self, format: &str) -> Option<String> {
        self.docker.run(["container", "inspect", "--format", format, &self.name]).ok()
    }

    /// Its id and its last start: another text once it was created anew or restarted.
    #[track_caller]
    pub fn incarnation(&self) -> String {
        self.inspect("{{.Id}} {{.State.StartedAt}}").unwrap_or_else(|| panic!("{} is gone", self.name))
    }

    pub fn exists(&self) -> bool {
        self.inspect("{{.Id}}").is_some()
    }

    /// `running`, `exited`, `created` …
    pub fn state(&self) -> Option<String> {
        self.inspect("{{.State.Status}}")
    }

    pub fn is_running(&self) -> bool {
        self.state().as_deref() == Some("running")
    }

    /// Waits until Docker calls it healthy, at most ten seconds.
    #[track_caller]
    pub fn wait_healthy(&self) {
        poll_until(Duration::from_secs(10), || {
            self.inspect("{{.State.Health.Status}}").as_deref() == Some("healthy")
        });
    }

    /// Waits until the sample app in it answers, at most ten seconds.
    #[track_caller]
    pub fn wait_answers(&self) {
        poll_until(Duration::from_secs(10), || {
            self.ask(3000, "GET", "/health").is_ok_and(|answer| answer.status == 200)
        });
    }

    /// The process id of its first process; 0 when it does not run.
    pub fn pid(&self) -> u32 {
        self.inspect("{{.State.Pid}}").and_then(|pid| pid.parse().ok()).unwrap_or_default()
    }

    /// Its network namespace, from which its ports are open on 127.0.0.1 even when they are not published.
    pub fn netns(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.pid()))
    }

    /// Asks a port of the container, from inside its own network namespace.
    pub fn ask(&self, port: u16, method: &str, path: &str) -> io::Result<Answer> {
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        http::request(Some(&self.netns()), target, "localhost", method, path)
    }

    /// Switches faults of a sample app that listens on port 3000, such as `status=500&spare_health=1`.
    #[track_caller]
    pub fn fault(&self, query: &str) {
        let answer = self.ask(3000, "POST", &format!("/fault?{query}")).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub fn restart(&self) {
        self.docker.ok(["restart", &self.name]);
    }

    /// The same, with a second to end in.
    pub fn restart_fast(&self) {
        self.docker.ok(["restart", "--time", "1", &self.name]);
    }

    pub fn stop(&self) {
        self.docker.ok(["stop", &self.name]);
    }

    pub fn start(&self) {
        self.docker.ok(["start", &self.name]);
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.docker.ok(["kill", &self.name]);
    }

    /// SIGKILL to its first process, of which Docker knows nothing: with a restart policy it comes back.
    #[track_caller]
    pub fn crash(&self) {
        let pid = Pid::from_raw(self.pid().try_into().expect("a process id fits"));
        assert!(pid.as_raw() > 0, "{} does not run", self.name);
        kill(pid, Signal::SIGKILL).expect("ending another's process needs root");
    }

    /// What it has written to stdout and stderr.
    pub fn logs(&self) -> String {
        let output = self.docker.command().args(["logs", &self.name]).output().expect("docker is installed");
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned()).concat()
    }
}
