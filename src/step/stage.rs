use super::Context;
use crate::error::{Error, Kind, Result};
use crate::own;
use crate::plan::Move;
use crate::proxy::{Former, Live, Route};

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    // Taken up again after an interruption, the files may be bgd's new ones already.
    if context.records.former()?.is_none() {
        let mut former = context.green_proxy().snapshot().await?;
        if context.plan.moves() == Move::Within {
            former.left = Some(Box::new(context.blue_proxy().snapshot().await?));
        }
        if let Some(seen) = super::client::before(context).await {
            (former.client, former.arrival) = (Some(seen.got), seen.arrival);
        }
        context.records.put_former(&former)?;
    }
    context.green_proxy().stage(&context.staged_route().await?).await?;
    Ok(context.green_proxy().describe())
}

/// Puts the proxy's files back as they were. What was never kept was never changed.
pub(super) async fn undo(context: &Context<'_>) -> Result<()> {
    let Some(former) = context.records.former()? else { return Ok(()) };
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    if let Some(live) = taken_over(context).await? {
        let app = &context.app().name;
        let release =
            live.release.map_or_else(|| "another release".to_owned(), |number| format!("release {number}"));
        context.report.warn(
            format!(
                "{} routes to {release} of {app}, which another state folder has deployed since: its route is left as it is",
                context.green_proxy().describe()
            ),
            Some(format!("see what is live: bgd status {app}")),
        );
        return Ok(());
    }
    let is_useless = former.is_nothing() || !leads_to_blue(&former, context).await?;
    if is_useless && context.plan.moves() == Move::None && Box::pin(lead_to_blue(context)).await? {
        return Ok(());
    }
    if let Some(left) = &former.left {
        // The route of before first: as long as there are two, either leads to a release that runs.
        context.blue_proxy().restore(left).await.map_err(|error| stuck(context, error))?;
    }
    let restored = context.green_proxy().restore(&former).await.map_err(|error| stuck(context, error))?;
    if restored == crate::proxy::Restored::WhenItRuns {
        context.report.warn(
            format!(
                "{} does not run: its former configuration is back and will be used when it does",
                context.green_proxy().describe()
            ),
            Some(format!("docker start {}", context.proxy_container())),
        );
    }
    Ok(())
}

/// A release to which green's proxy routes by now, and which neither the plan nor a record here knows. What was there before
/// this deploy is out of date then.
async fn taken_over(context: &Context<'_>) -> Result<Option<Live>> {
    // A proxy that cannot be asked routes to what it did.
    let Ok(Some(live)) = context.green_proxy().live().await else { return Ok(None) };
    let Some(number) = live.release else { return Ok(None) };
    let known = match context.records.release(number) {
        Ok(Some(recorded)) => Some(recorded),
        // A record that cannot be read tells nothing against it.
        Err(_) => return Ok(None),
        Ok(None) => context.plan.former.iter().find(|former| former.number == number).cloned(),
    };
    let labelled = own::labelled(context.engine.as_ref(), &own::app_label(&context.app().name)).await?;
    let is_known = known.is_some_and(|release| own::is_of_record(&labelled, &release));
    Ok((!is_known).then_some(live))
}

/// Whether the proxy's former files name blue as it is called today. Somebody may have renamed it, or taken it off its
/// network and put it back.
async fn leads_to_blue(former: &Former, context: &Context<'_>) -> Result<bool> {
    let Some(release) = &context.plan.former else { return Ok(true) };
    let network = release.app.network.as_str();
    let is_named = |container: &own::Owned| {
        let attached = container.spec.networks.iter().filter(|one| one.name == network);
        let names = attached.flat_map(|one| &one.aliases).chain([&container.name]).cloned();
        let address = container.addresses.get(network).map(ToString::to_string);
        names.chain(address).any(|name| former.names(&name))
    };
    Ok(context.blue().await?.iter().all(is_named))
}

/// Somebody had removed the file by which blue was served, which the proxy goes on to know until it reads its files again,
/// or blue is called otherwise now. What was there would lead nowhere: the route is made for blue, which runs. `false` when
/// it does not.
async fn lead_to_blue(context: &Context<'_>) -> Result<bool> {
    let Some(blue) = context.blue_target().await?.filter(|blue| !blue.addresses.is_empty()) else {
        return Ok(false);
    };
    let route = Route { live: Some(blue), idle: None };
    let made = async {
        context.green_proxy().stage(&route).await?;
        context.green_proxy().switch(&route).await?;
        context.green_proxy().verify(&route).await
    };
    // Where it does not run, its files can be put back as they were all the same.
    Ok(made.await.is_ok())
}

fn stuck(context: &Context<'_>, error: Error) -> Error {
    error.with_kind(Kind::Stuck).context(format!(
        "the former configuration of {} could not be put back",
        context.green_proxy().describe()
    ))
}
