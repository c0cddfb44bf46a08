use super::beside::of_service;
use crate::docker::{Container, Engine, HealthStatus, Summary};
use crate::error::{Error, Kind, Result};
use crate::model::{ComposeService, Condition, Dependency, label};

/// Refuses when a service is not as the app's service needs it. Nothing is started or restarted.
///
/// # Errors
/// Of kind `Config`, with the remedy: all of them at once. Of kind `Docker` when the engine cannot be asked.
pub async fn check(engine: &dyn Engine, service: &ComposeService) -> Result<()> {
    let mut missing = Vec::new();
    for dependency in &service.depends_on {
        let containers = containers(engine, service, dependency).await?;
        if !dependency.required && containers.is_empty() {
            continue;
        }
        if let Some(why) = lacks(dependency.condition, &containers) {
            missing.push((dependency, why));
        }
    }
    let Some((first, why)) = missing.first() else { return Ok(()) };
    let message = format!("{} depends on {}, which {why}", service.service, first.service);
    let mut error = Error::new(Kind::Config, message).hint(remedy(service, first));
    for (more, why) in &missing[1..] {
        error = error.detail("also", format!("{}, which {why}\n{}", more.service, remedy(service, more)));
    }
    Err(error)
}

async fn containers(
    engine: &dyn Engine,
    service: &ComposeService,
    dependency: &Dependency,
) -> Result<Vec<Container>> {
    let mut listed: Vec<Summary> = of_service(engine, &service.project, &dependency.service).await?;
    if let Some(app) = &dependency.app {
        let of_bgd = engine.containers(&[format!("{}={app}", label::APP)]).await?;
        // A release that was retired says nothing of the one that is live.
        listed.extend(of_bgd.into_iter().filter(|summary| summary.status == "running"));
    }
    let looked_up = listed.iter().map(|summary| engine.container(&summary.id));
    Ok(futures_util::future::try_join_all(looked_up).await?.into_iter().flatten().collect())
}

/// What is not as it has to be; `None` when all is well.
fn lacks(condition: Condition, containers: &[Container]) -> Option<String> {
    let running: Vec<&Container> = containers.iter().filter(|one| one.state.running).collect();
    let named = |one: &Container, how: &str| Some(format!("{how} ({})", one.name));
    match condition {
        _ if containers.is_empty() => Some("has no container".to_owned()),
        Condition::Completed => {
            let unfinished = containers.iter().find(|one| one.state.status != "exited");
            let failed = containers.iter().find(|one| one.state.exit_code != 0);
            match (unfinished, failed) {
                (Some(one), _) => named(one, "has not ended yet"),
                (None, Some(one)) => named(one, &format!("ended with exit code {}", one.state.exit_code)),
                (None, None) => None,
            }
        }
        _ if running.is_empty() => Some("does not run".to_owned()),
        Condition::Started => None,
        Condition::Healthy => running.iter().find_map(|one| match &one.state.health {
            None => named(one, "has no health check"),
            Some(health) if health.status == HealthStatus::Healthy => None,
            Some(health) if health.status == HealthStatus::Starting => named(one, "is not healthy yet"),
            Some(_) => named(one, "is unhealthy"),
        }),
    }
}

fn remedy(service: &ComposeService, dependency: &Dependency) -> String {
    match &dependency.app {
        Some(_) => format!("deploy it first: bgd deploy {}", dependency.service),
        None => {
            format!("start it: {}", service.command_line(&format!("up -d {}", dependency.service)))
        }
    }
}
