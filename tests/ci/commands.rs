//! The scripts of the files to copy, as their runners would start them.

use serde_json::Value;

use crate::files::{GITHUB, GITLAB, WOODPECKER};
use crate::yaml;

/// Which CI a script is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    GitHub,
    GitLab,
    Woodpecker,
}

/// The scripts of a job: those that deploy, or those of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Deploy,
    Rollback,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
        }
    }
}

/// Every script of a job that has a command of bgd's, in order.
pub fn scripts(ci: Ci, job: Job) -> Vec<String> {
    let all = match ci {
        Ci::GitHub => {
            let file = yaml::read(GITHUB);
            texts(&file["jobs"][job.name()]["steps"], |step| step["run"].as_str().map(str::to_owned))
        }
        Ci::GitLab => {
            let file = yaml::read(GITLAB);
            let job = &file[job.name()];
            vec![lines(&job["script"]), lines(&job["after_script"])]
        }
        Ci::Woodpecker => {
            let file = yaml::read(WOODPECKER);
            let event = if job == Job::Deploy { "tag" } else { "deployment" };
            // What it writes in place of $$ before the script is one.
            texts(&file["steps"], |step| {
                (step["when"][0]["event"] == event).then(|| lines(&step["commands"]).replace("$$", "$"))
            })
        }
    };
    all.into_iter().filter(|script| script.contains("bgd ")).collect()
}

fn texts(list: &Value, text: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    list.as_array().unwrap().iter().filter_map(text).collect()
}

fn lines(list: &Value) -> String {
    texts(list, |line| line.as_str().map(str::to_owned)).join("\n")
}

#[test]
fn no_command_of_the_files_is_passed_over() {
    for (ci, text) in [(Ci::GitHub, GITHUB), (Ci::GitLab, GITLAB), (Ci::Woodpecker, WOODPECKER)] {
        let uncommented = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let written: usize = uncommented.map(|line| line.matches("bgd ").count()).sum();
        let taken: usize = [Job::Deploy, Job::Rollback]
            .iter()
            .flat_map(|job| scripts(ci, *job))
            .map(|script| script.matches("bgd ").count())
            .sum();
        assert!(taken >= 3 && taken == written, "{ci:?}: {taken} of {written}");
    }
}
