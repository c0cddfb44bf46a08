use crate::bgd::Bgd;
use crate::engine::programs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A compose to run projects with.
pub struct Compose {
    words: Vec<String>,
    env: Vec<(&'static str, String)>,
    version: String,
    _folder: Option<TempDir>,
}

impl Compose {
    /// Compose 2 as a plugin of `docker`, from Debian's next release.
    pub fn two() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("cli-plugins");
        std::fs::create_dir(&plugins).unwrap();
        let plugin = programs().join("cli-plugins/docker-compose");
        std::os::unix::fs::symlink(plugin, plugins.join("docker-compose")).unwrap();
        let env = vec![
            ("DOCKER_CONFIG", folder.path().display().to_string()),
            ("BGD_COMPOSE", "docker compose".to_string()),
        ];
        let words = ["docker", "compose"].map(str::to_string).to_vec();
        Self::checked(words, env, Some(folder)).expect("scripts/engine-fetch brings Compose 2")
    }

    /// The `docker-compose` of version 1 that this machine has, if it has one.
    pub fn one() -> Option<Self> {
        let env = vec![("BGD_COMPOSE", "docker-compose".to_string())];
        let one = Self::checked(vec!["docker-compose".to_string()], env, None);
        one.filter(|compose| compose.version.starts_with("1."))
    }

    /// Both, as far as they are there; Compose 2 always is.
    pub fn all() -> Vec<Self> {
        let one = Self::one();
        if one.is_none() {
            eprintln!("there is no docker-compose 1 here: only Compose 2 is tested");
        }
        std::iter::once(Self::two()).chain(one).collect()
    }

    fn checked(
        words: Vec<String>,
        env: Vec<(&'static str, String)>,
        folder: Option<TempDir>,
    ) -> Option<Self> {
        let mut compose = Self { words, env, version: String::new(), _folder: folder };
        let output = compose.command(Path::new("/")).args(["version", "--short"]).output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_string();
        compose.version = version;
        output.status.success().then_some(compose)
    }

    /// Its version, `2.40.3`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What bgd and compose have to be given in their environment to find it.
    pub fn env(&self) -> &[(&'static str, String)] {
        &self.env
    }

    /// Lets a bgd use this compose and no other.
    #[must_use]
    pub fn given_to(&self, bgd: Bgd) -> Bgd {
        self.env.iter().fold(bgd, |bgd, (name, value)| bgd.env(name, value))
    }

    /// The command, to be run in a project's folder.
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).current_dir(folder);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it in a project's folder.
    pub fn run(&self, folder: &Path, args: &[&str]) -> Output {
        self.command(folder).args(args).output().expect("compose runs")
    }

    /// Runs it in a project's folder, where it has to succeed.
    #[track_caller]
    pub fn ok(&self, folder: &Path, args: &[&str]) {
        let output = self.run(folder, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "compose {}: {said}", args.join(" "));
    }
}
