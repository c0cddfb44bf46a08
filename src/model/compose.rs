use serde::{Deserialize, Serialize};

use super::AppName;

/// Where in a compose project an app comes from, and what of the project it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeService {
    /// How people call the compose that is there: `docker compose` or `docker-compose`.
    pub command: String,
    /// The project's name.
    pub project: String,
    /// The service's name.
    pub service: String,
    /// What has to be up before a deploy.
    pub depends_on: Vec<Dependency>,
    /// Networks and volumes that compose does not create either: `external: true`. Their real names.
    pub external: Vec<String>,
    /// Whether `docker compose up -d` would start the service too: it has neither a profile nor a scale of 0.
    pub started_by_up: bool,
}

impl ComposeService {
    /// The command line that does something to the project: `docker compose -p shop up -d db`.
    pub fn command_line(&self, what: &str) -> String {
        format!("{} -p {} {what}", self.command, self.project)
    }
}

/// A service that another one depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Its name.
    pub service: String,
    /// How it has to be.
    pub condition: Condition,
    /// Whether the deploy is refused while it is not so.
    pub required: bool,
    /// The app that it is, when it is bgd's too.
    pub app: Option<AppName>,
}

/// How a service has to be that another one depends on, in compose's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// It runs.
    #[serde(rename = "service_started")]
    Started,
    /// It runs, and its health check says that it is well.
    #[serde(rename = "service_healthy")]
    Healthy,
    /// It has ended with exit code 0.
    #[serde(rename = "service_completed_successfully")]
    Completed,
}
