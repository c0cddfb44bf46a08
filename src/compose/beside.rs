use futures_util::future::try_join_all;

use crate::docker::{Container, Engine, Summary};
use crate::error::Result;
use crate::model::ComposeService;

/// The label by which compose knows the project of a container.
const PROJECT: &str = "com.docker.compose.project";
/// The label by which compose knows the service of a container.
const SERVICE: &str = "com.docker.compose.service";
/// `True` on a container of `compose run`.
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// What compose runs for a service.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Its running containers, in the order of their names.
    pub running: Vec<Container>,
}

/// Looks up the containers that compose runs for an app's service.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn beside(engine: &dyn Engine, service: &ComposeService) -> Result<Beside> {
    let found = of_service(engine, &service.project, &service.service).await?;
    let running = found.iter().filter(|summary| summary.status == "running");
    let looked_up = try_join_all(running.map(|summary| engine.container(&summary.id))).await?;
    let mut running: Vec<Container> = looked_up.into_iter().flatten().collect();
    running.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Beside { running })
}

/// The containers, stopped ones too, that compose made for a service; those of `compose run` are none.
pub(super) async fn of_service(engine: &dyn Engine, project: &str, service: &str) -> Result<Vec<Summary>> {
    let labels = [format!("{PROJECT}={project}"), format!("{SERVICE}={service}")];
    let mut found = engine.containers(&labels).await?;
    found.retain(|summary| summary.labels.get(ONE_OFF).is_none_or(|value| value != "True"));
    Ok(found)
}
