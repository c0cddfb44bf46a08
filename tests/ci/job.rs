//! A job of a CI, without one: a clean folder, the runner's variables, no terminal.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use bgd_testkit::{Bgd, Edge, TestRun, conf, http, images, poll_until};

use crate::commands::Ci;

const HOST: &str = "api.test";

/// A Docker host with nginx, a project in a folder of its own, and a runner.
///
/// Fields are dropped in order: the run, which removes everything, goes last.
pub struct Runner {
    ci: Ci,
    bgd: Bgd,
    bin: tempfile::TempDir,
    edge: Edge,
    pub app: String,
    run: TestRun,
}

impl Runner {
    pub fn new(ci: Ci) -> Self {
        let run = TestRun::new();
        let app = run.app_name("api");
        let edge = Edge::builder(&run, &images().nginx_new)
            .file("alive.conf", conf::fixed("alive.test", "alive"))
            .start();
        let bgd = Bgd::on(run.docker(), env!("CARGO_BIN_EXE_bgd"));
        let bin = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bgd"), bin.path().join("bgd")).unwrap();
        let runner = Self { ci, bgd, bin, edge, app, run };
        runner.configure("");
        runner
    }

    /// Writes bgd.yaml, with more lines at its end.
    pub fn configure(&self, more: &str) {
        let text = format!(
            "app: {}\nimage: bgd-test/app\nport: 3000\nnetwork: {}\nhealth: {{ http: /health, deadline: 20s }}\nsmoke: [{{ get: /api/v1/test }}]\nwatch: {{ window: 1s }}\ndrain: {{ timeout: 2s }}\nproxy:\n  nginx:\n    container: {}\n    config_dir: /etc/nginx/conf.d\n    server: {{ host: {HOST}, listen: 80 }}\n{more}",
            self.app,
            self.edge.network(),
            self.edge.name()
        );
        self.bgd.write("bgd.yaml", &text);
    }

    /// Puts a program of this name before all others of the job.
    pub fn program(&self, name: &str, text: &str) {
        let path = self.bin.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn folder(&self) -> PathBuf {
        self.bgd.project()
    }

    /// The file that the runner names for the summary of a step.
    pub fn step_summary(&self) -> PathBuf {
        self.bin.path().join("summary.md")
    }

    /// Runs a script as the runner does, for a tag.
    pub fn script(&self, script: &str, tag: &str) -> Output {
        // The names of the examples, as somebody who copies them writes their own.
        let script = script.replace("myorg/api", "bgd-test/app");
        let mut command = Command::new("bash");
        match self.ci {
            // Its default shell: https://docs.github.com/actions, `bash -e {0}`.
            Ci::GitHub => command.args(["-e", "-c", &script]),
            Ci::GitLab => command.args(["-eo", "pipefail", "-c", &script]),
            Ci::Woodpecker => command.args(["-e", "-c", &script]),
        };
        self.environment(&mut command, tag);
        command.output().unwrap()
    }

    fn environment(&self, command: &mut Command, tag: &str) {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin.path().display());
        command
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.bin.path())
            .env("BGD_STATE_DIR", self.bgd.state_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(host) = self.run.docker().address() {
            command.env("DOCKER_HOST", host);
        }
        match self.ci {
            Ci::GitHub => command
                .env("CI", "true")
                .env("GITHUB_ACTIONS", "true")
                .env("GITHUB_REF_NAME", tag)
                .env("GITHUB_WORKSPACE", self.folder())
                .env("GITHUB_OUTPUT", self.bin.path().join("output"))
                .env("GITHUB_STEP_SUMMARY", self.step_summary())
                .env("TO", ""),
            Ci::GitLab => command
                .env("CI", "true")
                .env("GITLAB_CI", "true")
                .env("CI_COMMIT_TAG", tag)
                .env("CI_PROJECT_DIR", self.folder())
                .env("FORCE_COLOR", "1")
                .env("TERM", "xterm-256color"),
            Ci::Woodpecker => command.env("CI", "woodpecker").env("CI_COMMIT_TAG", tag),
        };
    }

    /// What the last step gave to those after it.
    pub fn step_output(&self) -> String {
        std::fs::read_to_string(self.bin.path().join("output")).unwrap_or_default()
    }

    /// Reads a file of the job's folder.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_for(&self, version: &str) {
        let address: SocketAddr = self.edge.address();
        poll_until(Duration::from_secs(20), || {
            let answer = http::request(None, address, HOST, "GET", "/version");
            answer.is_ok_and(|answer| answer.status == 200 && answer.body.trim() == version)
        });
    }
}
