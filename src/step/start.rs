use futures_util::future::try_join_all;

use super::Context;
use crate::error::{Error, Kind, Result};
use crate::model::{ContainerSpec, label};
use crate::own;
use crate::record::Cause;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    follow(context).await?;
    let containers = context.plan.target.containers.iter();
    try_join_all(containers.map(|(name, spec)| async move {
        one(context, name, spec).await.map_err(|error| {
            let kind = if error.is_unreachable() { error.kind() } else { Kind::NotReady };
            error.with_kind(kind).context(format!("{name} could not be started"))
        })
    }))
    .await?;
    Ok(match context.plan.target.containers.len() {
        1 => String::new(),
        n => format!("{n} containers"),
    })
}

/// Follows what happens to green from before the start, so that not even a death in the first millisecond is missed.
async fn follow(context: &Context<'_>) -> Result<()> {
    let events = context.engine.events(&context.green_labels()).await?;
    *context.events.borrow_mut() = Some(events);
    Ok(())
}

/// Starts a container. One of an earlier release knows its networks by their ids: where somebody has removed one and made
/// it anew, as `down` and `up` of compose do, or has taken the container off the proxy's network, it is created again from its
/// record.
async fn one(context: &Context<'_>, name: &str, spec: &ContainerSpec) -> Result<()> {
    let engine = context.engine.as_ref();
    let error = if is_off_its_network(context, name, spec).await? {
        Error::new(Kind::NotReady, format!("{name} is not on the network {} any more", context.app().network))
    } else {
        match engine.start(name).await {
            Ok(()) => return Ok(()),
            Err(error) if has_lost_a_network(&error) => error,
            Err(error) => return Err(error),
        }
    };
    // An adopted container is not bgd's to remove.
    if !spec.labels.contains_key(label::APP) {
        return Err(error.hint(format!(
            "a network of {name} was removed and made anew, and {name} is not bgd's: remove it, and its release is created again from its record: docker rm {name}"
        )));
    }
    for network in &spec.networks {
        if engine.network(&network.name).await?.is_none() {
            return Err(error.hint(format!("there is no network {} any more", network.name)));
        }
    }
    let green = context.green().await?;
    let at = green.containers.iter().position(|one| one.as_ref().is_some_and(|one| one.name == name));
    let Some((at, found)) = at.and_then(|at| Some((at, green.containers[at].as_ref()?))) else {
        return Err(error);
    };
    if found.state.running {
        return Err(error);
    }
    // The same volumes, also those that have no name in the record.
    let number = context.plan.target.number;
    context.records.amend(number, |release| {
        own::remember_volumes(release, found);
        // An id of a container that is gone must not hide the new one from a bgd that takes over.
        release.ids.remove(&(at + 1));
    })?;
    let recorded = context.records.release(number)?;
    let spec =
        recorded.as_ref().and_then(|release| release.containers.get(at)).map_or(spec, |(_, spec)| spec);
    found.remove(engine).await?;
    let id = engine.create(name, spec).await?;
    context.records.amend(number, |release| {
        release.ids.insert(at + 1, id);
    })?;
    // Anew, for the removal was no news.
    follow(context).await?;
    engine.start(name).await
}

/// Whether somebody has taken a stopped container of an earlier release off the proxy's network: Docker starts it all the
/// same, and nobody reaches it.
async fn is_off_its_network(context: &Context<'_>, name: &str, spec: &ContainerSpec) -> Result<bool> {
    if context.plan.cause != Cause::Rollback || !spec.labels.contains_key(label::APP) {
        return Ok(false);
    }
    let network = context.app().network.as_str();
    let green = context.green().await?;
    let found = green.iter().find(|one| one.name == name && !one.state.running);
    Ok(found.is_some_and(|one| one.spec.networks.iter().all(|known| known.name != network)))
}

/// Whether a start has failed because of a network that is gone (moby, `daemon/libnetwork`: `network ID not found`).
fn has_lost_a_network(error: &Error) -> bool {
    let text = error.one_line();
    text.split_once("network ").is_some_and(|(_, rest)| rest.contains("not found"))
}

/// Stops what was started; `create`'s undo removes it if it was created as well.
pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    let present = context.green().await?;
    let grace = super::retire::grace(&context.plan.target);
    let running = present.iter().filter(|container| container.state.running);
    let engine = context.engine.as_ref();
    try_join_all(running.map(|container| container.stop(engine, grace))).await?;
    Ok(())
}
