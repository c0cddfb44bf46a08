use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A Docker daemon, spoken to by the `docker` command.
#[derive(Debug, Clone, Default)]
pub struct Docker {
    host: Option<String>,
    netns: Option<PathBuf>,
}

impl Docker {
    /// The daemon that the environment names: the machine's own, or the private one of `scripts/test`.
    pub fn machine() -> Self {
        Self::default()
    }

    /// A daemon at an address, whose published ports are open inside a network namespace.
    pub fn at(host: impl Into<String>, netns: impl Into<PathBuf>) -> Self {
        Self { host: Some(host.into()), netns: Some(netns.into()) }
    }

    /// What `DOCKER_HOST` has to be to reach it; nothing for the machine's own.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// What `DOCKER_HOST` is for its commands, from here or from the environment.
    pub fn address(&self) -> Option<String> {
        self.host.clone().or_else(|| std::env::var("DOCKER_HOST").ok()).filter(|host| !host.is_empty())
    }

    /// The path of its socket.
    #[track_caller]
    pub fn socket(&self) -> String {
        let address = self.address().unwrap_or_else(|| "unix:///var/run/docker.sock".to_string());
        address.strip_prefix("unix://").expect("the daemon has a unix socket").to_string()
    }

    /// The network namespace in which published ports are reached; nothing for this process's own.
    pub fn netns(&self) -> Option<&Path> {
        self.netns.as_deref()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    /// Runs `docker ARGS…`, and returns what it prints or, when it fails, what it complains of.
    pub fn run<S: AsRef<str>>(&self, args: impl IntoIterator<Item = S>) -> Result<String, String> {
        let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_string()).collect();
        let Output { status, stdout, stderr } =
            self.command().args(&args).output().expect("docker is installed");
        match status.success() {
            true => Ok(String::from_utf8_lossy(&stdout).trim_end().to_string()),
            false => {
                Err(format!("docker {}: {}", args.join(" "), String::from_utf8_lossy(&stderr).trim_end()))
            }
        }
    }

    /// Runs `docker ARGS…`, which has to work, and returns what it prints.
    #[track_caller]
    pub fn ok<S: AsRef<str>>(&self, args: impl IntoIterator<Item = S>) -> String {
        self.run(args).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The ids of the containers, volumes or networks that carry a label.
    pub fn labelled(&self, what: &str, label: &str) -> Vec<String> {
        let filter = format!("label={label}");
        let mut args = vec![what, "ls", "--quiet", "--filter", filter.as_str()];
        if what == "container" {
            args.push("--all");
        }
        self.run(args).unwrap_or_default().lines().map(str::to_string).collect()
    }
}
