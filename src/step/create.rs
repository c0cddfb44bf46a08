use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::Context;
use crate::error::{Error, Kind, Result};
use crate::model::{App, ContainerSpec, Release, ReleaseNumber, label};
use crate::own::{self, Owned, name_is_taken};
use crate::plan;
use crate::record::Cause;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    free_slot(context).await?;
    let target = &context.plan.target;
    let present = context.green().await?;
    let missing = target.containers.iter().enumerate().filter(|(at, _)| {
        let found = present.containers.get(*at);
        found.is_none_or(Option::is_none)
    });
    let found: BTreeMap<usize, String> = present
        .containers
        .iter()
        .enumerate()
        .filter_map(|(at, one)| Some((at + 1, one.as_ref()?.id.clone())))
        .collect();
    // An id of a container that is gone must not hide the new one from a bgd that takes over.
    context.records.amend(target.number, |release| release.ids.clone_from(&found))?;
    let made = try_join_all(missing.map(|(at, (name, spec))| async move {
        let id = make(context, name, spec).await;
        Ok::<_, Error>((at + 1, id.map_err(|error| error.context(format!("{name} could not be created")))?))
    }))
    .await?;
    let ids: BTreeMap<usize, String> = found.into_iter().chain(made).collect();
    context.records.amend(target.number, |release| release.ids = ids)?;
    let names: Vec<_> = target.containers.iter().map(|(name, _)| name.as_str()).collect();
    Ok(names.join(", "))
}

/// Makes a container. It gets the name under which the image was asked for, as long as that means this image: people and
/// programs go by what `docker ps` shows. The name can mean another one at any time, so what was made is looked at.
async fn make(context: &Context<'_>, name: &str, spec: &ContainerSpec) -> Result<String> {
    let (engine, target) = (context.engine.as_ref(), &context.plan.target);
    if engine.image(&target.image).await?.is_none_or(|image| image.id != spec.image) {
        return engine.create(name, spec).await;
    }
    let named = ContainerSpec { image: target.image.clone(), ..spec.clone() };
    let id = engine.create(name, &named).await?;
    if engine.container(&id).await?.is_none_or(|made| made.image_id == spec.image) {
        return Ok(id);
    }
    let made = own::named(engine, name, &context.green_labels()).await?;
    if let Some(made) = made.filter(|made| made.id == id) {
        made.discard(engine).await?;
    }
    engine.create(name, spec).await
}

/// Removes what an earlier release left in green's place. The proxy is asked first, whatever the records say. Only what a
/// record knows is removed: whatever else has a name that green needs stays, and the deploy is refused.
async fn free_slot(context: &Context<'_>) -> Result<()> {
    let (target, engine) = (&context.plan.target, context.engine.as_ref());
    let listed = own::labelled(engine, &own::app_label(&target.app.name)).await?;
    let of_app = own::of_app(&listed, |number| context.records.release(number))?;
    let surplus = of_app.look_up(engine, |number| is_surplus(context, number)).await?;
    let mut left_by: Vec<App> = Vec::new();
    end_left_routes(context, &mut left_by).await?;
    if !surplus.is_empty() {
        let routes = context.routes().await?;
        for (number, container) in &surplus {
            let slot = container.spec.labels.get(label::SLOT).map(String::as_str);
            if let Some(routed) = routes.to_container(*number, slot, container.state.running) {
                return Err(Error::new(
                    Kind::NeedsRecovery,
                    format!(
                        "{} is in the place of the new release, and {} routes to it",
                        container.name,
                        routed.describe()
                    ),
                )
                .hint(format!("see what is live with: bgd status {}", target.app.name)));
            }
        }
    }
    let running: Vec<&Owned> =
        surplus.iter().map(|(_, container)| container).filter(|one| one.state.status == "running").collect();
    if !running.is_empty() {
        // It was left running on purpose, kept warm or held: it may still answer requests of long ago.
        let network = target.app.network.as_str();
        let addresses: Vec<_> =
            running.iter().filter_map(|one| one.addresses.get(network).copied()).collect();
        if left_by.is_empty() {
            super::drain::wait(context, context.blue_proxy(), &addresses).await?;
        }
        for app in &left_by {
            super::drain::wait(context, &*context.proxy_of(app)?, &addresses).await?;
        }
        let grace = super::retire::grace(target);
        try_join_all(running.iter().map(|container| container.stop(engine, grace))).await?;
    }
    for (number, container) in &surplus {
        remove(context, *number, container).await?;
    }
    let ours = context.green().await?;
    for (name, _) in &target.containers {
        match engine.container(name).await? {
            Some(other) if !ours.iter().any(|container| container.id == other.id) => {
                return Err(name_is_taken(engine, name).await.hint(format!(
                    "if it is what serves today, and {} has no release yet: bgd adopt {name}",
                    target.app.name
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Ends the routes that an earlier move has left to releases of which nothing is to stay. Only a deploy does, whose
/// configuration says so and whose plan has found that their time is over.
async fn end_left_routes(context: &Context<'_>, left_by: &mut Vec<App>) -> Result<()> {
    let plan = context.plan;
    if plan.cause != Cause::Deploy || plan.target.app.keep_old.is_none() {
        return Ok(());
    }
    let stay: Vec<&Release> = plan.former.iter().chain([&plan.target]).collect();
    for routed in plan::left(&context.routes().await?, &stay) {
        super::drain::withdraw(context, &routed.app).await?;
        context.report.note(format!(
            "{} has no route for {} any more",
            routed.describe(),
            plan.target.app.name
        ));
        left_by.push(routed.app.clone());
    }
    Ok(())
}

/// Removes a container of a release. Its record is told first which volumes stay, so that it gets them back with a rollback.
pub(super) async fn remove(context: &Context<'_>, number: ReleaseNumber, container: &Owned) -> Result<()> {
    let engine = context.engine.as_ref();
    if !container.files_of_its_own(engine).await?.is_empty() {
        context.records.amend(number, |release| own::remember_volumes(release, container))?;
    }
    for left in container.remove(engine).await? {
        context.report.note(left.told());
    }
    Ok(())
}

/// Whether a release is neither live nor to become live.
fn is_surplus(context: &Context<'_>, number: ReleaseNumber) -> bool {
    number != context.plan.target.number
        && context.plan.former.as_ref().is_none_or(|former| former.number != number)
}

pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    // One that Docker still creates, for a bgd that was killed meanwhile, is in no list yet.
    let asked = context.plan.target.containers.iter();
    try_join_all(asked.map(|(name, spec)| context.await_creation(name, spec))).await?;
    let target = &context.plan.target;
    let green = context.green().await?;
    // Before they go: a bgd that takes over asks Docker for their names once more, and has to know what that makes.
    context.records.amend(target.number, |release| release.ids.clear())?;
    for container in green.iter() {
        remove(context, target.number, container).await?;
    }
    Ok(())
}
