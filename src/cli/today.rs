//! What compose runs for a service that bgd deploys.

use super::adopt;
use super::run::Bench;
use crate::compose;
use crate::docker::{Container, Engine};
use crate::error::Result;
use crate::event::Report;
use crate::model::{App, ComposeService, ReleaseNumber};
use crate::plan::Observation;
use crate::record::AppStore;

/// Before the first release, makes the container that compose runs for the service release 0. `true` when it did.
pub(super) async fn adopt_first(bench: &Bench<'_>, app: &App, observation: &Observation) -> Result<bool> {
    let report = bench.session.report.as_ref();
    let found = tell(bench.engine.as_ref(), &bench.records, app, observation, report).await?;
    let Some(container) = found else { return Ok(false) };
    adopt::execute(bench, app, &container).await?;
    Ok(true)
}

/// Tells what compose runs for the service, and what it would start. Returns what is to be adopted first.
pub(super) async fn tell(
    engine: &dyn Engine,
    records: &AppStore,
    app: &App,
    observation: &Observation,
    report: &dyn Report,
) -> Result<Option<Container>> {
    let Some(service) = &app.compose else { return Ok(None) };
    if service.started_by_up {
        report.warn(
            format!("\"docker compose up\" starts {} too, beside what bgd runs", service.service),
            Some(format!("keep it from that: write  profiles: [bgd]  into the service {}", service.service)),
        );
    }
    let mut running = compose::beside(engine, service).await?.running;
    if observation.live.is_some() || observation.former.is_some() {
        let own = adopted(records)?;
        let extra: Vec<&str> = running
            .iter()
            .map(|one| one.name.as_str())
            .filter(|name| !own.contains(&(*name).to_owned()))
            .collect();
        if !extra.is_empty() {
            report.warn(
                format!("compose runs {} beside what bgd runs of {}", extra.join(", "), service.service),
                Some(stop(service)),
            );
        }
        return Ok(None);
    }
    match running.as_slice() {
        [] => Ok(None),
        [one] => match adopt::check(one, app) {
            Ok(()) => {
                report.note(format!("{} serves today: it becomes release 0 first", one.name));
                Ok(running.pop())
            }
            Err(why) => {
                report.warn(
                    format!(
                        "{} cannot become release 0, to which one could go back: {}",
                        one.name,
                        why.one_line()
                    ),
                    Some(format!("it goes on running; once nobody asks it any more: {}", stop(service))),
                );
                Ok(None)
            }
        },
        several => {
            report.warn(
                format!(
                    "compose runs {} containers of {}, and release 0 would be one",
                    several.len(),
                    service.service
                ),
                Some(format!("they go on running; once nobody asks them any more: {}", stop(service))),
            );
            Ok(None)
        }
    }
}

/// The names of the containers that were adopted.
fn adopted(records: &AppStore) -> Result<Vec<String>> {
    let release = records.release(ReleaseNumber(0))?;
    Ok(release
        .map(|release| release.containers.into_iter().map(|(name, _)| name).collect())
        .unwrap_or_default())
}

/// The command that ends what compose runs of a service.
pub(super) fn stop(service: &ComposeService) -> String {
    format!("docker compose -p {} stop {}", service.project, service.service)
}
