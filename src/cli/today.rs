//! What compose runs for a service that bgd deploys.

use super::adopt;
use super::run::Bench;
use crate::compose;
use crate::docker::{Container, Engine, Summary};
use crate::error::{Error, Kind, Result};
use crate::event::Report;
use crate::model::{App, ComposeService, ReleaseNumber, label};
use crate::plan::{self, Observation};
use crate::record::{AppStore, Store};

/// Before the first release, makes the container that compose runs for the service release 0. `true` when it did.
pub(super) async fn adopt_first(bench: &Bench<'_>, app: &App, observation: &Observation) -> Result<bool> {
    let report = bench.session.report.as_ref();
    let found = tell(bench.engine.as_ref(), (&bench.store, &bench.records), app, observation, report).await?;
    let Some(container) = found else { return Ok(false) };
    if let Some(error) = plan::unknown(app, &observation.of_app.unknown, &observation.aside) {
        return Err(error);
    }
    adopt::execute(bench, app, &container).await?;
    Ok(true)
}

/// What serves today: the live release, or what compose runs for the service before the first one.
pub(super) async fn serving(
    engine: &dyn Engine,
    app: &App,
    observation: &Observation,
) -> Result<Vec<Container>> {
    match (&observation.former, &app.compose) {
        (Some(former), _) => {
            Ok(plan::present(engine, former).await?.iter().map(|one| Container::clone(one)).collect())
        }
        (None, Some(service)) if observation.live.is_none() => {
            Ok(compose::beside(engine, service).await?.running)
        }
        _ => Ok(Vec::new()),
    }
}

/// What is told of a container of an app that no record knows.
pub(super) fn unknown(one: &Summary) -> String {
    let number = one.labels.get(label::RELEASE).map_or("?", String::as_str);
    format!(
        "{} ({}) says that it is of release {number}, and no record here knows it: it is left as it is",
        one.name, one.status_text
    )
}

/// Tells what compose runs for the service, and what it would start. Returns what is to be adopted first.
pub(super) async fn tell(
    engine: &dyn Engine,
    (store, records): (&Store, &AppStore),
    app: &App,
    observation: &Observation,
    report: &dyn Report,
) -> Result<Option<Container>> {
    let Some(service) = &app.compose else { return Ok(None) };
    if service.started_by_up {
        report.warn(
            format!("\"{} up\" starts {} too, beside what bgd runs", service.command, service.service),
            Some(format!("keep it from that: write  profiles: [bgd]  into the service {}", service.service)),
        );
    }
    if observation.live.is_some() || observation.former.is_some() {
        if let Some(problem) = beside(engine, records, service).await? {
            report.warn(problem.one_line(), problem.hints().first().cloned());
        }
        return Ok(None);
    }
    let mut running = compose::beside(engine, service).await?.running;
    match running.as_slice() {
        [] => Ok(None),
        [one] => match adopt::check(one, app, store) {
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

/// Tells what compose runs of a service beside its releases, one of which may have been compose's. Where the record of that
/// one cannot be read, this is told in its place: which of them it is then is not known.
pub(super) async fn beside(
    engine: &dyn Engine,
    records: &AppStore,
    service: &ComposeService,
) -> Result<Option<Error>> {
    let running = compose::beside(engine, service).await?.running;
    if running.is_empty() {
        return Ok(None);
    }
    let adopted = match records.release(ReleaseNumber(0)) {
        Ok(Some(release)) => {
            plan::present(engine, &release).await?.iter().map(|one| one.id.clone()).collect()
        }
        Ok(None) => Vec::new(),
        Err(error) => return Ok(Some(error)),
    };
    let extra = running.iter().filter(|one| !adopted.contains(&one.id));
    let extra: Vec<&str> = extra.map(|one| one.name.as_str()).collect();
    let problem = format!("compose runs {} beside what bgd runs of {}", extra.join(", "), service.service);
    Ok((!extra.is_empty())
        .then(|| Error::new(Kind::Other, problem).hint(format!("stop it: {}", stop(service)))))
}

/// The command that ends what compose runs of a service.
fn stop(service: &ComposeService) -> String {
    service.command_line(&format!("stop {}", service.service))
}
