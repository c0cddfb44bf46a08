//! Blue serves again before requests go back to it.

use super::{Context, ready, smoke, start};
use crate::error::{Error, Kind, Result};
use crate::model::Release;
use crate::plan::{self, Plan, Present};

/// Starts blue where it was stopped since the traffic left it, and proves it as a release that is deployed is. A proxy has
/// to find it by its names, too, which a container loses when somebody takes it off its network and puts it back. Where
/// green serves nothing either, going back makes nothing worse, whatever blue is like.
///
/// # Errors
/// When green serves and blue cannot: the traffic stays where it is, and nothing was changed.
pub(super) async fn run(context: &Context<'_>) -> Result<()> {
    let Some(former) = &context.blue_as_called().await? else { return Ok(()) };
    let blue = context.blue().await?;
    let target = &context.plan.target;
    if is_found(&blue, former) || context.routes().await?.to(target).is_none() {
        return Ok(());
    }
    let green = context.green().await?;
    let woken = if !blue.is_whole() {
        Err(gone(context))
    } else if blue.all_running() {
        Err(not_found(&blue, former))
    } else {
        wake(context).await
    };
    match woken {
        Err(error) if green.all_running() => {
            let (app, number) = (&target.app.name, target.number);
            let error = error.with_kind(Kind::NeedsRecovery).context(format!(
                "release {number} of {app} stays live: release {} cannot take its place",
                former.number
            ));
            let error = if is_found(&green, target) {
                error
            } else {
                let why = not_found(&green, target);
                why.hints().iter().fold(error, |error, hint| error.hint(hint)).context(why.to_string())
            };
            Err(error
                .hint(format!("have the deploy of release {number} finished: bgd recover {app}"))
                .hint("after that a rollback makes what is missing again"))
        }
        Err(error) => {
            context.report.warn(error.one_line(), None);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Starts blue and proves it.
///
/// # Errors
/// When it does not start, is not ready, or is not found by its names.
pub(super) async fn wake(context: &Context<'_>) -> Result<()> {
    let Some(former) = &context.blue_as_called().await? else { return Ok(()) };
    let mut target = former.clone();
    for (entry, container) in target.containers.iter_mut().zip(context.blue().await?.iter()) {
        // People rename containers.
        entry.0.clone_from(&container.name);
    }
    context
        .report
        .note(format!("release {} does not run: it is started before it is gone back to", target.number));
    let plan = Plan { cause: context.plan.cause, target, former: None, steps: Vec::new() };
    let blue = context.with(&plan)?;
    start::run(&blue).await?;
    ready::run(&blue).await?;
    if !plan.target.app.smoke.is_empty() {
        smoke::run(&blue).await?;
    }
    let blue = context.blue().await?;
    if is_found(&blue, former) { Ok(()) } else { Err(not_found(&blue, former)) }
}

/// Whether the proxy finds a release where its own record says that it is.
fn is_found(present: &Present, release: &Release) -> bool {
    let network = release.app.network.as_str();
    let target = plan::target_of(release, present.addresses(network));
    present.is_found_as(&[&target.release_host, &target.slot_host], network)
}

fn not_found(present: &Present, release: &Release) -> Error {
    let target = plan::target_of(release, Vec::new());
    let network = release.app.network.as_str();
    let mut names = vec![target.release_host, target.slot_host];
    names.dedup();
    let what = format!(
        "release {} runs, but nothing on the network {network} has the name {}",
        release.number,
        names.join(" or ")
    );
    present.iter().fold(Error::new(Kind::NeedsRecovery, what), |error, container| {
        let name = &container.name;
        let aliases = names.iter().filter(|alias| *alias != name).map(|alias| format!("--alias {alias} "));
        let connect = format!("docker network connect {}{network} {name}", aliases.collect::<String>());
        error.hint(if container.addresses.contains_key(network) {
            format!("connect it again: docker network disconnect {network} {name}; {connect}")
        } else {
            format!("connect it: {connect}")
        })
    })
}

fn gone(context: &Context<'_>) -> Error {
    let number = context.plan.former.as_ref().map(|former| former.number.to_string()).unwrap_or_default();
    Error::new(Kind::NeedsRecovery, format!("release {number} has no container any more"))
}
