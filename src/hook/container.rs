//! A hook in a container of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep, sleep_until};

use super::{End, Facts, GRACE, Log};
use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::{
    ContainerSpec, HealthCheck, LogDriver, NetworkAttachment, Release, Restart, Secret, label,
};
use crate::own::{self, Owned};
use crate::step::Step;

const PAUSE: Duration = Duration::from_millis(50);

/// What the container of a hook is called.
pub fn name(release: &Release, step: Step) -> String {
    format!("{}-hook-{}-{step}", release.app.name, release.number)
}

/// The container of a hook: the release's own, with another command, and nothing by which requests could reach it.
///
/// # Errors
/// Of kind `Hook` when the release has no container whose settings could be taken.
pub fn spec(release: &Release, command: &[String], facts: &Facts<'_>) -> Result<ContainerSpec> {
    let (_, own) = release.containers.first().ok_or_else(|| {
        Error::new(Kind::Hook, format!("release {} has no container to take the settings of", release.number))
    })?;
    let mut spec = own.clone();
    spec.image.clone_from(&release.image_id);
    spec.command = Some(command.to_vec());
    spec.env.extend(facts.variables().into_iter().map(|(name, value)| (name, Secret::new(value))));
    spec.labels = identity(release);
    // A Traefik that takes every container would route to it.
    spec.labels.insert("traefik.enable".to_owned(), "false".to_owned());
    let network = |network: &NetworkAttachment| NetworkAttachment {
        name: network.name.clone(),
        aliases: Vec::new(),
        ipv4: None,
    };
    spec.networks = own.networks.iter().map(network).collect();
    (spec.hostname, spec.ports, spec.expose) = (None, Vec::new(), Vec::new());
    spec.restart = Restart::No;
    // What it says is read from its output, and a terminal would mix that with what it is told.
    (spec.tty, spec.stdin_open) = (false, false);
    spec.health = Some(HealthCheck { test: vec!["NONE".to_owned()], ..HealthCheck::default() });
    // Some drivers cannot be read back.
    spec.log = Some(LogDriver { driver: "json-file".to_owned(), options: [].into() });
    Ok(spec)
}

/// The labels that tell whose hook a container is.
fn identity(release: &Release) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        (label::HOOK.to_owned(), release.app.name.to_string()),
        (label::RELEASE.to_owned(), release.number.to_string()),
    ]);
    let own = release.containers.first().and_then(|(_, spec)| spec.labels.get(label::CREATED));
    labels.extend(own.map(|created| (label::CREATED.to_owned(), created.clone())));
    labels
}

/// The container of a hook, when there is one.
///
/// # Errors
/// When something else has its name, or Docker cannot be asked.
pub async fn find(engine: &dyn Engine, release: &Release, step: Step) -> Result<Option<Owned>> {
    let labels: Vec<String> = identity(release).iter().map(|(key, value)| format!("{key}={value}")).collect();
    own::named(engine, &name(release, step), &labels).await
}

/// Waits until a container ends, at most until then, telling what it writes. One that takes longer is stopped.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn attend(
    engine: &dyn Engine,
    container: &str,
    until: Instant,
    log: &mut Log,
    tell: &mut dyn FnMut(String),
) -> Result<End> {
    let mut seen = 0;
    loop {
        let in_time = read(engine, container, until, &mut seen, log, tell).await?;
        let Some(found) = engine.container(container).await? else { return Ok(End::Unknown) };
        if !found.state.running {
            log.finish(tell);
            return Ok(match found.state.error.as_str() {
                "" => End::of_code(found.state.exit_code),
                why => End::Badly(format!("it could not be started: {why}")),
            });
        }
        if !in_time {
            // It is the one that was launched, or found by its labels.
            #[expect(clippy::disallowed_methods, reason = "its id is that of a hook")]
            engine.stop(&found.id, GRACE).await?;
            // What it wrote while it was stopped may tell what it was at.
            read(engine, container, Instant::now() + GRACE, &mut seen, log, tell).await?;
            log.finish(tell);
            return Ok(End::TimedOut);
        }
        // The output ends a moment before the engine has taken note, and when the engine itself ends.
        sleep(PAUSE).await;
    }
}

/// Reads the output to its end; `false` when the time was over before. `seen` are the bytes that were read already.
async fn read(
    engine: &dyn Engine,
    container: &str,
    until: Instant,
    seen: &mut usize,
    log: &mut Log,
    tell: &mut dyn FnMut(String),
) -> Result<bool> {
    let mut output = engine.output(container).await?;
    let mut skipped = *seen;
    loop {
        tokio::select! {
            biased;
            piece = output.next() => match piece {
                Some(Ok(piece)) => {
                    let known = skipped.min(piece.len());
                    skipped -= known;
                    *seen += piece.len() - known;
                    log.take(&piece[known..], tell);
                }
                // A daemon that is restarted breaks it off; how the container is tells what comes next.
                Some(Err(_)) | None => return Ok(Instant::now() < until),
            },
            () = sleep_until(until) => return Ok(false),
        }
    }
}
