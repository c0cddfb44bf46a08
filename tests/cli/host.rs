use std::path::Path;
use std::process::{Command, Output, Stdio};

use bgd::docker::Image;
use bgd::model::{Outcome, ReleaseNumber};
use bgd::plan::{self, Observation, Wish};
use bgd::record::{AppState, Cause, Store};
use jiff::Timestamp;

/// A configuration that is right, with a secret in it.
pub const CONFIG: &str = "\
app: api
image: myorg/api
port: 3000
network: proxy
env: { TOKEN: hunter2 }
health: { http: /health }
smoke:
  - get: /health
    headers: { Authorization: hunter2 }
proxy:
  nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api_backend }
";

/// A folder of its own with records of its own, and no Docker.
pub struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with a `bgd.yaml`.
    pub fn with_config(text: &str) -> Self {
        let host = Self::new();
        std::fs::write(host.path().join("bgd.yaml"), text).unwrap();
        host
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn store(&self) -> Store {
        Store::at(self.path().join("state"))
    }

    /// Records releases of an app: what became of each, and whether it was live.
    pub async fn record(&self, name: &str, outcomes: &[(Outcome, bool)]) {
        let path = self.path().join("recorded.yaml");
        let text =
            CONFIG.replace("app: api", &format!("app: {name}")).replace("org/api", &format!("org/{name}"));
        std::fs::write(&path, text).unwrap();
        let app = bgd::config::load(&path, &|_: &str| None).unwrap();
        let records = self.store().app(&app.name).lock(std::time::Duration::ZERO).await.unwrap();
        let mut state = AppState::default();
        for (at, (outcome, was_live)) in outcomes.iter().enumerate() {
            let number = u32::try_from(at).unwrap() + 1;
            let now: Timestamp = format!("2026-01-0{number}T10:00:00Z").parse().unwrap();
            let observation = Observation {
                routes: bgd::proxy::Routes::default(),
                live: None,
                former: None,
                labelled: Vec::new(),
                of_app: Default::default(),
                aside: Default::default(),
                reserved: Vec::new(),
                state: state.clone(),
                next: ReleaseNumber(number),
            };
            let image = Image {
                id: format!("sha256:{number:064}"),
                repo_digests: Vec::new(),
                platform: "linux/amd64".to_owned(),
                exposed_ports: Vec::new(),
                health_test: None,
                health_takes: bgd::model::Health::DEADLINE,
                labels: Default::default(),
                volumes: Vec::new(),
            };
            let asked = format!("myorg/{name}:1.{number}");
            let wish = Wish::Deploy { app: &app, asked: &asked, image: &image, watch: false };
            let mut release = plan::build(&observation, &wish, now).unwrap().target;
            release.outcome = outcome.clone();
            records.put_release(&release).unwrap();
            if *was_live {
                state.activate(ReleaseNumber(number), Cause::Deploy, now);
            }
        }
        records.put_state(&state).unwrap();
    }

    /// The command, in this folder, with these records and without Docker.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bgd"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("TZ", "UTC")
            // Which compose a machine has must not matter here.
            .env("BGD_COMPOSE", "none")
            .env("BGD_STATE_DIR", self.path().join("state"))
            .env("DOCKER_HOST", format!("unix://{}/docker.sock", self.path().display()))
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Everything that a run shows, with what differs from run to run taken out.
    pub fn show(&self, args: &[&str]) -> String {
        self.shown(args, &self.run(args))
    }

    pub fn shown(&self, args: &[&str], output: &Output) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            assert!(!text.contains("panicked"), "{text}");
            assert!(!text.contains("hunter2"), "a secret was shown: {text}");
            text.replace(&self.path().display().to_string(), "[folder]").trim_end().to_owned()
        };
        let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        format!("$ bgd {}\nexit code: {code}\n--- stdout\n{out}\n--- stderr\n{err}\n", args.join(" "))
    }
}

pub fn failed() -> Outcome {
    Outcome::Failed { reason: "smoke: GET /health answered 500".to_owned() }
}

pub fn taken_back() -> Outcome {
    Outcome::RolledBack { reason: "3 requests in a row failed, the last one: answered 502".to_owned() }
}
