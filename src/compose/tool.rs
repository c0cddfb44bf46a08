use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::config::node::Node;
use crate::config::problems::Problems;
use crate::config::{Env, yaml};
use crate::error::{Context as _, Error, Kind, Result};

/// The variable that says which compose resolves a project.
const VARIABLE: &str = "BGD_COMPOSE";

/// Who resolves the files of a project: anchors, `extends`, several files, profiles, variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `docker compose`, Compose 2 or newer as a plugin.
    Plugin,
    /// A `docker-compose` of version 2 or newer.
    Standalone,
    /// A `docker-compose` of version 1.
    One,
    /// bgd itself, a single file.
    Own,
}

impl Tool {
    /// The compose that is there, or the one that `BGD_COMPOSE` names.
    ///
    /// # Errors
    /// Of kind `Config` when the one that is named is not there.
    pub(super) fn present(env: Env<'_>) -> Result<Self> {
        let wanted = env(VARIABLE).unwrap_or_default();
        let plugin = || version("docker", &["compose"]).map(|_| Self::Plugin);
        let standalone = || {
            version("docker-compose", &[])
                .map(|version| if version.starts_with("1.") { Self::One } else { Self::Standalone })
        };
        let found = match wanted.as_str() {
            "" => Some(plugin().or_else(standalone).unwrap_or(Self::Own)),
            "docker compose" => plugin(),
            "docker-compose" => standalone(),
            "none" => Some(Self::Own),
            _ => {
                return Err(Error::new(Kind::Config, format!("{VARIABLE} is {wanted:?}"))
                    .hint("it can be: docker compose, docker-compose or none"));
            }
        };
        found.ok_or_else(|| {
            Error::new(Kind::Config, format!("{VARIABLE} asks for {wanted:?}, which does not answer here"))
        })
    }

    /// The words of the command line with which people call it.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Plugin | Self::Own => &["docker", "compose"],
            Self::Standalone | Self::One => &["docker-compose"],
        }
    }

    /// Lets it resolve the files. The tree has no places yet, and `$$` is `$` in it again. With it comes what compose says
    /// of variables that are not set.
    ///
    /// # Errors
    /// Of kind `Config`, with what compose says of the files.
    pub(super) fn resolve(
        self,
        files: &[PathBuf],
        project: Option<&str>,
        profiles: &[String],
    ) -> Result<(Node, Vec<String>)> {
        let words = self.words();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        for file in files {
            command.arg("-f").arg(file);
        }
        if let Some(name) = project {
            command.args(["-p", name]);
        }
        for profile in profiles {
            command.args(["--profile", profile]);
        }
        // Not as JSON, in which Compose 2 leaves out what begins with "x-".
        command.arg("config");
        let name = words.join(" ");
        let output = command.output().or_error(Kind::Config, || format!("cannot run {name}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(Error::new(Kind::Config, format!("{name} does not take the project's files"))
                .detail(format!("what {name} says"), said));
        }
        let text = String::from_utf8(output.stdout)
            .or_error(Kind::Config, || format!("{name} printed what is no text"))?;
        let mut problems = Problems::default();
        let tree = yaml::parse(&text, &mut problems).filter(|_| problems.is_empty());
        let mut tree = tree.ok_or_else(|| {
            Error::new(Kind::Config, format!("what \"{name} config\" printed cannot be read"))
                .hint("to let bgd read a single file itself: BGD_COMPOSE=none")
        })?;
        // Both print what could be read in again.
        tree.each_scalar(&mut |_, scalar| scalar.text = scalar.text.replace("$$", "$"));
        Ok((tree, unset(&said)))
    }
}

/// What `PROGRAM WORDS version --short` prints, without a `v`; `None` when there is no such program.
fn version(program: &str, words: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.args(words).args(["version", "--short"]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    (output.status.success() && text.starts_with(|c: char| c.is_ascii_digit())).then_some(text)
}

/// The variables that compose warns of, each once, by their names: version 1 writes `The X variable is not set.`, version 2
/// `The \"X\" variable is not set.`
fn unset(said: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (before, _) in said.lines().filter_map(|line| line.split_once(" variable is not set")) {
        let name = before.rsplit("The ").next().unwrap_or_default().replace(['"', '\\'], "");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_versions_tell_of_variables_that_are_not_set() {
        let said = "time=\"2026\" level=warning msg=\"The \\\"A\\\" variable is not set. Defaulting to a blank string.\"\nWARNING: The B_1 variable is not set. Defaulting to a blank string.\nThe B_1 variable is not set.\nall else\n";
        assert_eq!(super::unset(said), ["A", "B_1"]);
    }
}
