use crate::folder::ConfigDir;
use crate::front::{Front, FrontBuilder};
use crate::http::Answer;
use crate::poll::poll_until;
use crate::run::TestRun;
use std::io;
use std::ops::Deref;
use std::time::Duration;

const DYNAMIC_DIR: &str = "/etc/traefik/dynamic";
/// Carriers of other gates on the same daemon carry another value of it.
const LABEL: &str = "gate.test";
/// What every gate is started with.
const OPTIONS: [&str; 7] = [
    "--entrypoints.web.address=:80",
    "--api.insecure=true",
    "--accesslog=true",
    "--accesslog.format=json",
    "--metrics.prometheus=true",
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
];

/// A Traefik that a user has running already: entry point `web` on the published port, the API and the metrics on port
/// 8080 of the container only.
pub struct Gate {
    front: Front,
    reads_files: bool,
}

/// A [`Gate`] to be started. Without [`files`](GateBuilder::files) and [`labels`](GateBuilder::labels) it has no
/// provider.
pub struct GateBuilder<'a> {
    front: FrontBuilder<'a>,
    name: String,
    files: bool,
    environment: bool,
    options: Vec<String>,
}

impl Gate {
    pub fn builder<'a>(run: &'a TestRun, image: &str) -> GateBuilder<'a> {
        GateBuilder {
            front: FrontBuilder::new(run, image),
            name: run.name("gate"),
            files: false,
            environment: false,
            options: OPTIONS.map(str::to_string).to_vec(),
        }
    }

    /// The folder inside the container that the file provider reads.
    pub fn dynamic_dir(&self) -> &'static str {
        DYNAMIC_DIR
    }

    /// The label, as `name=value`, without which this gate's Docker provider does not see a container.
    pub fn label(&self) -> String {
        format!("{LABEL}={}", self.name())
    }

    /// The part of a `bgd.yaml` that puts an app behind this gate: `labels` and `proxy`, with further lines of
    /// `proxy.traefik` below. By files where it reads both files and labels.
    pub fn configuration(&self, rule: &str, more: &[&str]) -> String {
        let mode = match self.reads_files {
            true => format!("file\n    dynamic_dir: {DYNAMIC_DIR}"),
            false => "labels".to_string(),
        };
        let mut text = format!(
            "labels: {{ {LABEL}: {name} }}\nproxy:\n  traefik:\n    container: {name}\n    mode: {mode}\n    rule: {rule}\n",
            name = self.name()
        );
        more.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
        text
    }

    /// Asks the API, such as `/api/http/services/api@file`, from inside the container's network namespace.
    pub fn api(&self, path: &str) -> io::Result<Answer> {
        self.ask(8080, "GET", path)
    }

    /// What the API says, as JSON; nothing when it does not say it with 200.
    pub fn api_json(&self, path: &str) -> Option<serde_json::Value> {
        let answer = self.api(path).ok().filter(|answer| answer.status == 200)?;
        serde_json::from_str(&answer.body).ok()
    }

    /// The metrics in Prometheus' form.
    pub fn metrics(&self) -> String {
        self.api("/metrics").map(|answer| answer.body).unwrap_or_default()
    }

    /// The requests that have ended since the container was made, as the access log has them.
    pub fn access_log(&self) -> Vec<serde_json::Value> {
        let logs = self.logs();
        let lines = logs.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.filter(|entry| entry.get("DownstreamStatus").is_some()).collect()
    }

    /// Waits until Traefik answers, be it with 404; at most ten seconds.
    #[track_caller]
    pub fn wait_answering(&self) {
        poll_until(Duration::from_secs(10), || self.get("nobody.invalid", "/").is_ok());
    }
}

impl Deref for Gate {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.front
    }
}

impl GateBuilder<'_> {
    /// Enables the file provider, which watches the folder `/etc/traefik/dynamic`.
    #[must_use]
    pub fn files(mut self) -> Self {
        self.files = true;
        self.option(&format!("--providers.file.directory={DYNAMIC_DIR}"))
    }

    /// Enables the Docker provider, which sees containers with [`Gate::label`] and `traefik.enable=true` only.
    #[must_use]
    pub fn labels(mut self) -> Self {
        let socket = self.front.run.docker().socket();
        let constraint = format!("--providers.docker.constraints=Label(`{LABEL}`,`{}`)", self.name);
        self.front.args.extend(["--volume".to_string(), format!("{socket}:/var/run/docker.sock:ro")]);
        self.option("--providers.docker=true")
            .option("--providers.docker.exposedbydefault=false")
            .option(&constraint)
    }

    /// Any other option of Traefik's, such as `--providers.providersthrottleduration=100ms`. The last one of a name
    /// counts.
    #[must_use]
    pub fn option(mut self, option: &str) -> Self {
        let key = |option: &str| option.split('=').next().map(str::to_ascii_lowercase);
        self.options.retain(|other| key(other) != key(option));
        self.options.push(option.to_string());
        self
    }

    /// Leaves the API out, and with it [`Gate::api`].
    #[must_use]
    pub fn without_api(mut self) -> Self {
        self.options.retain(|option| !option.starts_with("--api."));
        self
    }

    /// Gives Traefik its options by variables such as `TRAEFIK_PROVIDERS_DOCKER`, and none on its command line.
    #[must_use]
    pub fn by_environment(mut self) -> Self {
        self.environment = true;
        self
    }

    /// Where `/etc/traefik/dynamic` lives.
    #[must_use]
    pub fn config_dir(mut self, config_dir: ConfigDir) -> Self {
        self.front.place = config_dir;
        self
    }

    /// Joins a network that is there, in place of one of its own.
    #[must_use]
    pub fn network(mut self, network: &str) -> Self {
        self.front.network = Some(network.to_string());
        self
    }

    /// Puts a file into `/etc/traefik/dynamic` before the start.
    #[must_use]
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.front.files.push((name.to_string(), text.into()));
        self
    }

    /// Any other argument of `docker create`.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.front.args.push(arg.to_string());
        self
    }

    /// Starts it, and waits until Traefik answers, be it with 404.
    #[track_caller]
    pub fn start(self) -> Gate {
        let Self { mut front, name, files, environment, mut options } = self;
        if environment {
            let variables = options.drain(..).map(|option| variable(&option));
            front.args.extend(variables.flat_map(|variable| ["--env".to_string(), variable]));
        }
        let gate = Gate { front: front.start(name, DYNAMIC_DIR, &options), reads_files: files };
        gate.wait_answering();
        gate
    }
}

/// `--providers.docker=true` as `TRAEFIK_PROVIDERS_DOCKER=true`.
fn variable(option: &str) -> String {
    let (name, value) = option.trim_start_matches('-').split_once('=').unwrap_or((option, "true"));
    format!("TRAEFIK_{}={value}", name.replace('.', "_").to_ascii_uppercase())
}
