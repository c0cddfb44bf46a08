use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::moves::{self, Move};
use super::names;
use super::observe::{Observation, Present};
use crate::docker::{Image, Summary};
use crate::error::{Error, Kind, Result};
use crate::model::{
    App, AppName, ContainerSpec, Health, HealthCheck, Hook, NetworkAttachment, Outcome, Release,
    ReleaseNumber, Retire, Slot, former_release_host, former_slot_host, label, release_host, slot_host,
};
use crate::proxy::{Live, Routes};
use crate::record::Cause;
use crate::step::Step;

/// What is wanted.
#[derive(Debug, Clone)]
pub enum Wish<'a> {
    /// A new release of this configuration and image.
    Deploy {
        /// The configuration.
        app: &'a App,
        /// The image as asked for.
        asked: &'a str,
        /// The image as it is on the host.
        image: &'a Image,
        /// Whether real traffic is watched after the switch.
        watch: bool,
    },
    /// A release that was live before.
    Return {
        /// Its record.
        release: &'a Release,
        /// What is left of it.
        present: &'a Present,
        /// What is known of its image: `None` when the host has it no more.
        image: Option<&'a Image>,
    },
}

/// What will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Why the release becomes live.
    pub cause: Cause,
    /// The release that is to become live.
    pub target: Release,
    /// The release that is live.
    pub former: Option<Release>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// How the app's route moves.
    pub fn moves(&self) -> Move {
        self.former.as_ref().map_or(Move::None, |former| Move::between(&former.app, &self.target.app))
    }

    /// Whether the proxy that is left goes on serving the old release when this has ended.
    pub fn keeps_old_route(&self) -> bool {
        let keep = |former: &Release| moves::keep_old(self.cause, &former.app, &self.target.app);
        let may_go = self.former.as_ref().is_none_or(|former| keep(former) == Some(Duration::ZERO));
        self.moves() == Move::Elsewhere && !may_go
    }
}

/// Decides what to do. Pure: the same observation and wish give the same plan but for `now`.
///
/// # Errors
/// When it cannot be done: a name that is taken, an image that is gone, no health check.
pub fn build(observation: &Observation, wish: &Wish<'_>, now: Timestamp) -> Result<Plan> {
    let former = observation.former.clone();
    if let Some(live) = observation.live.filter(|_| former.is_none()) {
        let app = match wish {
            Wish::Deploy { app, .. } => &app.name,
            Wish::Return { release, .. } => &release.app.name,
        };
        return Err(record_is_lost(app, live));
    }
    let slot = observation
        .live
        .map(|live| live.slot)
        .or(former.as_ref().map(|former| former.slot))
        .map_or(Slot::Blue, Slot::other);
    match wish {
        Wish::Deploy { app, asked, image, watch } => {
            check_health(app, image, asked)?;
            moves::check(app, former.as_ref(), &observation.routes)?;
            let stays: Vec<&Release> = former.iter().collect();
            moves::check_left(app, &moves::left(&observation.routes, &stays), &observation.state, now)?;
            if let Some(error) = unknown(app, &observation.of_app.unknown, &observation.aside) {
                return Err(error);
            }
            let names = free_names(app, slot, observation.next, former.as_ref(), &observation.reserved);
            let target = Release {
                number: observation.next,
                slot,
                image: (*asked).to_owned(),
                image_id: image.id.clone(),
                repo_digest: image.repo_digests.first().cloned(),
                containers: names
                    .into_iter()
                    .enumerate()
                    .map(|(at, name)| {
                        let mut spec = spec(app, image, observation.next, slot, at + 1);
                        if keeps_former_hosts(observation) {
                            add_alias(&mut spec, app, former_slot_host(&app.name, slot));
                        }
                        spec.labels.insert(label::IMAGE.to_owned(), (*asked).to_owned());
                        spec.labels.insert(label::CREATED.to_owned(), now.to_string());
                        (name, spec)
                    })
                    .collect(),
                app: (*app).clone(),
                proxy: None,
                ids: BTreeMap::new(),
                created: now,
                outcome: Outcome::Unfinished,
            };
            let hooks = &app.hooks;
            let hook = |hook: &Option<Hook>, step| hook.as_ref().map(|_| step);
            let mut steps = Vec::new();
            steps.extend(hook(&hooks.before_deploy, Step::BeforeDeploy));
            steps.push(Step::Create);
            steps.extend(hook(&hooks.before_start, Step::BeforeStart));
            steps.extend([Step::Start, Step::Ready]);
            if !app.smoke.is_empty() {
                steps.push(Step::Smoke);
            }
            steps.extend(hook(&hooks.before_switch, Step::BeforeSwitch));
            steps.extend([Step::Stage, Step::Switch, Step::Verify]);
            steps.extend(hook(&hooks.after_switch, Step::AfterSwitch));
            if *watch && !app.watch_window.is_zero() {
                steps.push(Step::Watch);
            }
            steps.push(Step::Record);
            steps.extend(afterwards(Cause::Deploy, app, former.as_ref(), &observation.routes));
            if hooks.before_retire.is_some()
                && let Some(at) = steps.iter().position(|step| *step == Step::Retire)
            {
                steps.insert(at, Step::BeforeRetire);
            }
            steps.extend(hook(&hooks.after_deploy, Step::AfterDeploy));
            Ok(Plan { cause: Cause::Deploy, target, former, steps })
        }
        Wish::Return { release, present, image } => {
            moves::check_return(&release.app, former.as_ref(), &observation.routes)?;
            let mut target = (*release).clone();
            for (entry, container) in target.containers.iter_mut().zip(&present.containers) {
                // People rename containers, and so does `rename: true`.
                if let Some(container) = container {
                    entry.0.clone_from(&container.name);
                }
            }
            let mut steps = Vec::new();
            if !present.is_whole() {
                if image.is_none() {
                    return Err(image_is_gone(release));
                }
                steps.push(Step::Create);
                let there =
                    |replica: &usize| present.containers.get(*replica - 1).is_some_and(Option::is_some);
                target.ids.retain(|replica, _| there(replica));
                put_into_slot(&mut target, slot, former.as_ref(), observation);
            } else if names::is_foreign(release) {
                target.slot = slot;
            }
            if !present.all_running() {
                steps.extend([Step::Start, Step::Ready]);
                if !release.app.smoke.is_empty() {
                    steps.push(Step::Smoke);
                }
            }
            steps.extend([Step::Stage, Step::Switch, Step::Verify, Step::Record]);
            steps.extend(afterwards(Cause::Rollback, &release.app, former.as_ref(), &observation.routes));
            if former.as_ref().is_some_and(|former| former.app.hooks.on_rollback.is_some()) {
                steps.push(Step::OnRollback);
            }
            Ok(Plan { cause: Cause::Rollback, target, former, steps })
        }
    }
}

fn afterwards(cause: Cause, app: &App, former: Option<&Release>, routes: &Routes) -> Vec<Step> {
    let Some(former) = former else { return Vec::new() };
    let is_elsewhere = Move::between(&former.app, app) == Move::Elsewhere;
    if is_elsewhere
        && routes.to(former).is_some()
        && moves::keep_old(cause, &former.app, app) != Some(Duration::ZERO)
    {
        // The proxy that is left goes on serving the old release, so that this is neither stopped nor renamed.
        return vec![Step::Drain];
    }
    let mut steps =
        if app.retire == Retire::Keep { vec![Step::Drain] } else { vec![Step::Drain, Step::Retire] };
    if app.rename {
        steps.push(Step::Rename);
    }
    steps
}

/// The names for green: those of its slot, but for each that a rename gave to what is live, or that an adopted container
/// has, which is never removed.
fn free_names(
    app: &App,
    slot: Slot,
    number: ReleaseNumber,
    former: Option<&Release>,
    reserved: &[String],
) -> Vec<String> {
    let taken = |name: &String| {
        reserved.contains(name)
            || former.is_some_and(|former| former.containers.iter().any(|(n, _)| n == name))
    };
    let own = names::container_names(&app.name, slot, app.replicas);
    let others = names::container_names(&app.name, slot.other(), app.replicas);
    let free = |(own, other): (String, String)| match (taken(&own), taken(&other)) {
        (false, _) => own,
        (true, false) => other,
        (true, true) => format!("{own}-r{number}"),
    };
    own.into_iter().zip(others).map(free).collect()
}

/// A release whose containers are gone comes back in the slot that is free now.
fn put_into_slot(target: &mut Release, slot: Slot, former: Option<&Release>, observation: &Observation) {
    let app = target.app.clone();
    let adopted = names::is_foreign(target);
    target.slot = slot;
    let names = free_names(&app, slot, target.number, former, &observation.reserved);
    for (at, (name, (old_name, spec))) in names.into_iter().zip(&mut target.containers).enumerate() {
        *old_name = name;
        if adopted {
            spec.labels.retain(|key, _| !is_of_another_tool(key));
        }
        spec.labels.extend(labels(&app, target.number, slot, at + 1));
        spec.labels.insert(label::CREATED.to_owned(), target.created.to_string());
        name_for_slot(spec, &app, target.number, slot);
        if keeps_former_hosts(observation) {
            add_alias(spec, &app, former_slot_host(&app.name, slot));
        }
    }
}

/// Gives a container the names by which the proxy finds its release and its slot, in place of those that it had.
fn name_for_slot(spec: &mut ContainerSpec, app: &App, number: ReleaseNumber, slot: Slot) {
    let name = &app.name;
    let mut old = vec![release_host(name, number), former_release_host(name, number)];
    old.extend(
        [Slot::Blue, Slot::Green].iter().flat_map(|s| [slot_host(name, *s), former_slot_host(name, *s)]),
    );
    for network in spec.networks.iter_mut().filter(|network| network.name == app.network.as_str()) {
        network.aliases.retain(|alias| !old.contains(alias));
        network.aliases.splice(0..0, [release_host(name, number), slot_host(name, slot)]);
    }
}

fn add_alias(spec: &mut ContainerSpec, app: &App, alias: String) {
    let mut networks = spec.networks.iter_mut().filter(|network| network.name == app.network.as_str());
    if let Some(network) = networks.next() {
        network.aliases.push(alias);
    }
}

/// Whether the slots keep names of before the present ones: what is live has one, so that an older nginx knows it and takes
/// another only with a reload, and no container is called so.
fn keeps_former_hosts(observation: &Observation) -> bool {
    let Some(former) = &observation.former else { return false };
    let names = [Slot::Blue, Slot::Green].map(|slot| former_slot_host(&former.app.name, slot));
    names::keeps_former_slot_host(former) && !names.iter().any(|name| observation.reserved.contains(name))
}

fn labels(app: &App, number: ReleaseNumber, slot: Slot, replica: usize) -> BTreeMap<String, String> {
    BTreeMap::from([
        (label::APP.to_owned(), app.name.to_string()),
        (label::RELEASE.to_owned(), number.to_string()),
        (label::SLOT.to_owned(), slot.to_string()),
        (label::REPLICA.to_owned(), replica.to_string()),
        (label::PROXY.to_owned(), serde_json::to_string(&app.proxy).unwrap_or_default()),
    ])
}

fn spec(app: &App, image: &Image, number: ReleaseNumber, slot: Slot, replica: usize) -> ContainerSpec {
    let mut spec = app.container.clone();
    spec.image.clone_from(&image.id);
    spec.labels.extend(labels(app, number, slot, replica));
    let mut own = NetworkAttachment {
        name: app.network.to_string(),
        aliases: vec![release_host(&app.name, number), slot_host(&app.name, slot)],
        ipv4: None,
    };
    spec.networks.retain(|network| {
        let same = network.name == own.name;
        if same {
            own.aliases.extend(network.aliases.iter().cloned());
        }
        !same
    });
    spec.networks.insert(0, own);
    if !app.health.is_dockers() && spec.health.is_none() && has_check(image) {
        // The configuration says how to tell that it is ready: a check of the image's that cannot pass counts for nothing.
        spec.health = Some(HealthCheck { test: vec!["NONE".to_owned()], ..HealthCheck::default() });
    }
    if let Health::Command { test, timing } = &app.health {
        spec.health = Some(HealthCheck {
            test: test.clone(),
            interval: Some(timing.interval),
            timeout: Some(timing.timeout),
            retries: Some(timing.retries.into()),
            start_period: Some(timing.start_period),
        });
    }
    spec
}

fn has_check(image: &Image) -> bool {
    image.health_test.as_deref().is_some_and(|test| test.first().is_some_and(|kind| kind != "NONE"))
}

fn check_health(app: &App, image: &Image, asked: &str) -> Result<()> {
    if matches!(app.health, Health::Image { .. }) && !has_check(image) {
        return Err(Error::new(
            Kind::Config,
            format!("nothing tells when {asked} is ready: the image has no HEALTHCHECK"),
        )
        .hint("add  health: { http: /health }  to bgd.yaml: bgd asks for it itself, the image needs nothing")
        .hint("or a HEALTHCHECK to the image, or  health: { cmd: [...] }")
        .hint("health: none  takes a container that listens on its port for a ready one"));
    }
    Ok(())
}

/// Whether a label tells another tool that a container is its: one that bgd creates is not.
fn is_of_another_tool(label: &str) -> bool {
    const TOOLS: [&str; 5] = [
        "com.docker.compose.",
        "com.docker.stack.",
        "com.docker.swarm.",
        "io.podman.compose.",
        "desktop.docker.io/",
    ];
    TOOLS.iter().any(|tool| label.starts_with(tool))
}

/// Containers of this app run that no record here knows: whoever deployed them knows another truth.
pub(crate) fn unknown(app: &App, unknown: &[Summary], aside: &BTreeMap<String, String>) -> Option<Error> {
    let running: Vec<&Summary> = unknown.iter().filter(|one| !super::prune::is_stopped(one)).collect();
    let first = running.first()?;
    let names: Vec<&str> = running.iter().map(|one| one.name.as_str()).collect();
    let names = names.join(", ");
    let number = first.labels.get(label::RELEASE).map_or("?", String::as_str);
    Some(
        Error::new(
            Kind::NeedsRecovery,
            format!("{names} runs as release {number} of {}, and no record here knows of it", app.name),
        )
        .hint("if another user or another state folder deploys it, deploy from there: BGD_STATE_DIR=FOLDER bgd deploy")
        .hint("if another project has the same app name, give this one another: app: NAME")
        .hint(format!("if the records were lost, make them again where the bgd.yaml is: bgd recover {}", app.name))
        .hint(format!(
            "if nobody needs it: {}",
            running
                .iter()
                .map(|one| {
                    let name = &one.name;
                    let free = aside.get(name).unwrap_or(name);
                    format!("docker stop {name}; docker rename {name} {free}")
                })
                .collect::<Vec<_>>()
                .join("; ")
        )),
    )
}

/// Without the record of what serves, a route could be written that does not lead there.
pub(crate) fn record_is_lost(app: &AppName, live: Live) -> Error {
    let what =
        live.release.map_or_else(|| format!("the slot {}", live.slot), |number| format!("release {number}"));
    Error::new(
        Kind::NeedsRecovery,
        format!("the proxy routes to {what} of {app}, of which there is no record"),
    )
    .hint("was it deployed by another user, or with another BGD_STATE_DIR?")
    .hint(format!("if the record is lost, make it anew, where its bgd.yaml is: bgd recover {app}"))
}

/// A release needs its image, and the host has it no more.
pub fn image_is_gone(release: &Release) -> Error {
    let error = Error::new(
        Kind::NothingToRollBack,
        format!("release {} cannot be created again: its image is gone from this host", release.number),
    )
    .hint(format!("it ran {} ({})", release.image, release.image_id));
    match &release.repo_digest {
        Some(digest) => error.hint(format!("get it back with: docker pull {digest}")),
        None => error.hint(
            "no registry knows it: build it again, or load it with `docker load`, so that it has the same id",
        ),
    }
}
