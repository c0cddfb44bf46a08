use futures_util::future::try_join_all;

use super::Context;
use crate::docker::Summary;
use crate::error::{Error, Kind, Result};
use crate::model::{App, Release, label};
use crate::plan;
use crate::record::Cause;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    free_slot(context).await?;
    let target = &context.plan.target;
    let present = context.green().await?;
    let missing = target.containers.iter().zip(&present.containers).filter(|(_, found)| found.is_none());
    try_join_all(missing.map(|((name, spec), _)| async move {
        context
            .engine
            .create(name, spec)
            .await
            .map_err(|error| error.context(format!("{name} could not be created")))
    }))
    .await?;
    let names: Vec<_> = target.containers.iter().map(|(name, _)| name.as_str()).collect();
    Ok(names.join(", "))
}

/// Removes what an earlier release left in green's place. The proxy is asked first, whatever the records say.
async fn free_slot(context: &Context<'_>) -> Result<()> {
    let target = &context.plan.target;
    let labelled = context.engine.containers(&[format!("{}={}", label::APP, target.app.name)]).await?;
    let surplus: Vec<&Summary> = labelled.iter().filter(|summary| is_surplus(context, summary)).collect();
    let mut left_by: Vec<App> = Vec::new();
    end_left_routes(context, &mut left_by).await?;
    if !surplus.is_empty() {
        let routes = context.routes().await?;
        for summary in &surplus {
            if let Some(routed) = routes.to_container(summary) {
                return Err(Error::new(
                    Kind::NeedsRecovery,
                    format!(
                        "{} is in the place of the new release, and {} routes to it",
                        summary.name,
                        routed.describe()
                    ),
                )
                .hint(format!("see what is live with: bgd status {}", target.app.name)));
            }
        }
    }
    let running: Vec<&&Summary> = surplus.iter().filter(|summary| summary.status == "running").collect();
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
        try_join_all(running.iter().map(|summary| context.engine.stop(&summary.id, grace))).await?;
    }
    try_join_all(surplus.iter().map(|summary| context.engine.remove(&summary.id))).await?;
    for (name, _) in &target.containers {
        match context.engine.container(name).await? {
            Some(other) if !other.spec.labels.contains_key(label::APP) => return Err(name_is_taken(name)),
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

/// Whether a container of this app belongs neither to what is live nor to what is to become live.
fn is_surplus(context: &Context<'_>, summary: &Summary) -> bool {
    let number = summary.labels.get(label::RELEASE).map(String::as_str);
    let is = |release: &crate::model::Release| number == Some(release.number.to_string().as_str());
    !is(&context.plan.target) && !context.plan.former.as_ref().is_some_and(is)
}

fn name_is_taken(name: &str) -> Error {
    Error::new(Kind::Config, format!("there is a container {name} already, and it is not bgd's"))
        .hint(format!("if it is what serves today: bgd adopt {name}"))
        .hint(format!("else rename it or remove it: docker rename {name} {name}-old"))
}

pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    // One that Docker still creates, for a bgd that was killed meanwhile, is in no list yet.
    let asked = context.plan.target.containers.iter();
    try_join_all(asked.map(|(name, spec)| context.await_creation(name, spec))).await?;
    let labelled = context.engine.containers(&context.green_labels()).await?;
    try_join_all(labelled.iter().map(|summary| context.engine.remove(&summary.id))).await?;
    Ok(())
}
