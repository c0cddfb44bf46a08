use std::time::Duration;

use jiff::Timestamp;

use super::queue::Queue;
use super::run::Bench;
use super::source::Source;
use super::summary::Summary;
use super::which::Which;
use super::{Session, preflight};
use crate::docker::Container;
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, ContainerName, Outcome, Release, ReleaseNumber, Slot};
use crate::own;
use crate::plan::{self, Plan};
use crate::record::{Cause, Store, also_live_for};
use crate::step::Step;
use crate::turn::Claim;

/// Make the container that serves today release 0, without restarting it.
///
/// The proxy's route is written anew so that it leads to this container as before; then deploys and rollbacks work as
/// for any other release. bgd stops an adopted container when it is retired, and never removes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bgd adopt api-web-1       the app is the one of ./bgd.yaml")]
pub struct Args {
    /// The container that serves today
    #[arg(value_parser = ContainerName::parse)]
    pub container: ContainerName,

    /// The app, when it is not the one of the configuration
    #[arg(long, value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Where the configuration is
    #[command(flatten)]
    pub source: Source,

    /// Whether it waits for its turn
    #[command(flatten)]
    pub queue: Queue,

    /// Where it is told how it went
    #[command(flatten)]
    pub summary: Summary,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let which = Which {
        first: None,
        image: None,
        app: args.app.clone(),
        same_app: false,
        source: args.source.clone(),
    };
    let (app, _) = which.find(session)?;
    let bench = Bench::set_up(session, &app.name, args.queue.limit(Duration::ZERO)).await?;
    let adopted = bench.records.release(ReleaseNumber(0));
    let unfinished = match bench.unfinished() {
        // What cannot be read is put out of the way below.
        Err(error) if adopted.is_err() && error.kind() == Kind::NeedsRecovery => None,
        unfinished => unfinished?,
    };
    if unfinished.is_some() {
        return Err(Error::new(
            Kind::NeedsRecovery,
            format!("an earlier change of {} did not end", app.name),
        )
        .hint(format!("bgd recover {}", app.name)));
    }
    // One whose record is gone is adopted once more: nothing else could tell which container it is.
    let is_lost = match &adopted {
        Ok(record) => record.is_none(),
        Err(error) => error.kind() == Kind::NeedsRecovery,
    };
    if let Some(live) = bench.records.state()?.live()
        && (live != ReleaseNumber(0) || !is_lost)
    {
        return Err(Error::new(
            Kind::Usage,
            format!("{} has release {live} already: there is nothing to adopt", app.name),
        )
        .hint(format!("see: bgd status {}", app.name)));
    }
    let name = args.container.as_str();
    let container = bench.engine.container(name).await?.ok_or_else(|| {
        Error::new(Kind::Usage, format!("there is no container {name}")).hint("see what runs with: docker ps")
    })?;
    check(&container, &app, &bench.store)?;
    insist_unserved(&bench, &app, &container).await?;
    preflight::check(bench.engine.as_ref(), bench.proxies.of(&app)?.as_ref(), &app, session.report.as_ref())
        .await?;
    if adopted.is_err() {
        let kept = bench.records.set_aside(Some(ReleaseNumber(0)))?;
        session.report.note(format!("the damaged record of release 0 is kept as {}", kept.display()));
    }
    execute(&bench, &app, &container).await
}

/// Refuses to take the route, or the place, of a release that the records here do not know: another user, or another state
/// folder, deploys it.
async fn insist_unserved(bench: &Bench<'_>, app: &App, container: &Container) -> Result<()> {
    let routes = plan::routes(&bench.proxies, &bench.records, app).await?;
    if let Some(live) = routes.iter().next().map(|routed| routed.live) {
        let serving = serving(bench, app).await?;
        // The record of release 0 is gone, and so is its container.
        let is_free = serving.is_empty() && bench.records.state()?.live() == Some(ReleaseNumber(0));
        let may_be_it = live.release.is_none_or(|number| number == ReleaseNumber(0));
        if !(may_be_it && (is_free || serving.contains(&container.name))) {
            let error = match &serving[..] {
                [other] if may_be_it => Error::new(
                    Kind::NeedsRecovery,
                    format!("the proxy routes to {other}, of which there is no record"),
                )
                .hint(format!("make that one release 0: bgd adopt {other}")),
                _ => plan::record_is_lost(&app.name, live),
            };
            return Err(
                error.context(format!("{} does not become release 0 of {}", container.name, app.name))
            );
        }
    }
    let others = plan::run_by_others(bench.engine.as_ref(), &bench.records, app).await?;
    others.map_or(Ok(()), Err)
}

/// The running containers without a label of bgd's that the proxy's files name, by their names or addresses. One of them is
/// the container that was adopted.
pub(super) async fn serving(bench: &Bench<'_>, app: &App) -> Result<Vec<String>> {
    let written = bench.proxies.of(app)?.snapshot().await?;
    let is_named = |container: &Container| {
        let address = container.addresses.get(app.network.as_str()).map(ToString::to_string);
        written.names(&container.name) || address.is_some_and(|address| written.names(&address))
    };
    let mut found = Vec::new();
    for summary in bench.engine.containers(&[]).await?.iter().filter(|one| one.status == "running") {
        if let Some(container) = bench.engine.container(&summary.id).await?
            && container.addresses.contains_key(app.network.as_str())
            && !own::is_marked(&container.spec.labels)
            && is_named(&container)
        {
            found.push(container.name);
        }
    }
    Ok(found)
}

/// Makes a container that passed [`check`] release 0.
pub(super) async fn execute(bench: &Bench<'_>, app: &App, container: &Container) -> Result<()> {
    let (session, name) = (bench.session, container.name.as_str());
    let image = bench.engine.image(&container.image_id).await?;
    if image.is_none() {
        session.report.warn(
            format!("the image of {name} is gone from this host: once removed it cannot be created again"),
            None,
        );
    }
    if !container.spec.ports.is_empty() {
        session.report.warn(
            format!("{name} publishes ports on the host: whoever uses these loses it when it is retired"),
            Some("let everybody come through the proxy".to_owned()),
        );
    }
    let (engine, state) = (bench.engine.as_ref(), bench.store.root());
    Claim::take(engine, container, &app.name, state).await?;
    let plan = Plan {
        cause: Cause::Adopt,
        target: Release {
            repo_digest: image.and_then(|image| image.repo_digests.into_iter().next()),
            ..release_0(app, container)
        },
        former: None,
        steps: vec![Step::Stage, Step::Switch, Step::Verify, Step::Record],
    };
    let adopted = bench.execute(&plan).await;
    let failed = bench
        .records
        .release(ReleaseNumber(0))
        .ok()
        .flatten()
        .is_none_or(|release| release.outcome != Outcome::Adopted);
    if adopted.is_err() && failed {
        Claim::give_up(engine, &container.id, &app.name, state).await?;
    }
    adopted
}

/// The record of a container as release 0.
fn release_0(app: &App, container: &Container) -> Release {
    Release {
        number: ReleaseNumber(0),
        slot: Slot::Blue,
        image: container.spec.image.clone(),
        image_id: container.image_id.clone(),
        repo_digest: None,
        containers: vec![(container.name.clone(), container.spec.clone())],
        proxy: None,
        ids: [(1, container.id.clone())].into(),
        app: app.clone(),
        created: Timestamp::now(),
        outcome: Outcome::Adopted,
    }
}

/// Refuses a container that cannot be release 0.
pub(super) fn check(container: &Container, app: &App, store: &Store) -> Result<()> {
    let name = &container.name;
    let refuse = |message: String| Error::new(Kind::Config, message);
    if !container.state.running {
        return Err(refuse(format!("{name} does not run, so it is not what serves today")));
    }
    if own::is_marked(&container.spec.labels) {
        return Err(refuse(format!("{name} is bgd's already"))
            .hint(format!("if its records were lost, make them anew: bgd recover {}", app.name)));
    }
    if let Some(other) = also_live_for(store, &release_0(app, container))? {
        return Err(refuse(format!("{name} cannot be live for two apps: {other}")).hint(
            "stopping one app's release would stop the other's; give each app a container of its own",
        ));
    }
    if !container.addresses.contains_key(app.network.as_str()) {
        let networks: Vec<_> = container.addresses.keys().map(String::as_str).collect();
        return Err(refuse(format!("{name} is not on the network {}", app.network))
            .hint(format!("it is on: {}", networks.join(", ")))
            .hint(format!(
                "connect it, which drops nothing: docker network connect {} {name}",
                app.network
            )));
    }
    if !container.unknown_settings.is_empty() {
        return Err(refuse(format!(
            "{name} has settings that bgd could not bring back in a rollback: {}",
            container.unknown_settings.join(", ")
        ))
        .hint("start it without them, or deploy it anew with bgd"));
    }
    Ok(())
}
