use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::queue::Queue;
use super::run::{Bench, confirm};
use super::summary::Summary;
use super::which::Which;
use super::{Session, lost_labels, moves, preflight, today, volumes};
use crate::compose;
use crate::config::parse_duration;
use crate::docker::{Engine, Image, PullProgress};
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Report};
use crate::model::{App, ImageRef, PullPolicy};
use crate::plan::{self, Plan, Wish};
use crate::record::AppStore;
use crate::saga::Direction;
use crate::step::Step;

/// Deploy an image as a new release.
///
/// The app is the one of ./bgd.yaml when its repository is the image's; or a service of this folder's compose project
/// that has an x-bgd, by its name or its repository. Without either it is the app whose records name that repository,
/// or the one of --app. What compose runs for the service today becomes release 0 first, without being restarted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bgd deploy myorg/api:1.1                 the app of ./bgd.yaml
  bgd deploy api                           a service of ./compose.yaml, with its own image
  bgd deploy api myorg/api:1.1             the same with this image
  bgd deploy myorg/api:1.1 --app api       an app that was deployed before, from any folder
  bgd deploy -f deploy/bgd.yaml            the image and tag of the configuration
  bgd deploy myorg/api:1.1 --window 10m    watch it for ten minutes")]
pub struct Args {
    /// Which image goes to which app
    #[command(flatten)]
    pub which: Which,

    /// Print what would be done, and do nothing
    #[arg(long)]
    pub plan: bool,

    /// Ask the registry for the image, also when the host has one of that name
    #[arg(long)]
    pub pull: bool,

    /// Recover an interrupted deploy first, without asking
    #[arg(short, long)]
    pub yes: bool,

    /// Do not watch the release after the switch
    #[arg(long, conflicts_with = "window")]
    pub no_watch: bool,

    /// How long the release is watched after the switch, such as 30s or 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub window: Option<Duration>,

    /// Whether it waits for its turn
    #[command(flatten)]
    pub queue: Queue,

    /// Where it is told how it went
    #[command(flatten)]
    pub summary: Summary,
}

impl Args {
    fn app(&self, session: &Session) -> Result<(App, ImageRef)> {
        let (mut app, image) = self.which.find(session)?;
        app.watch_window = self.window.unwrap_or(app.watch_window);
        if self.pull {
            app.pull = PullPolicy::Always;
        }
        Ok((app, image))
    }
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let (mut app, image) = args.app(session)?;
    if args.plan {
        return super::plan::print(session, &app, &image, args.which.same_app).await;
    }
    let bench = Bench::set_up(session, &app.name, args.queue.limit(Duration::ZERO)).await?;
    if args.queue.wait.is_some() {
        // Whoever was waited for may have left another configuration in the records.
        app = args.app(session)?.0;
    }
    insist_same(&bench.records, &app, args.which.same_app)?;
    recover_first(&bench, &app, args.yes).await?;
    let asked = image.to_string();
    let (engine, proxies) = (bench.engine.as_ref(), &bench.proxies);
    let proxy = proxies.of(&app)?;
    if let Some(service) = &app.compose {
        compose::check_dependencies(engine, service).await?;
    }
    // All of these only look, and none needs another's answer. What preflight finds is told first.
    let (checked, observed, present) = tokio::join!(
        preflight::check(engine, proxy.as_ref(), &app, session.report.as_ref()),
        plan::observe(engine, proxies, &bench.records, &app),
        engine.image(&asked),
    );
    checked?;
    let (image, mut observation) = match present? {
        Some(image) if app.pull != PullPolicy::Always => (image, observed?),
        present => {
            let image = obtain(engine, &image, present, app.pull, session.report.as_ref()).await?;
            // A pull can take minutes.
            (image, plan::observe(engine, proxies, &bench.records, &app).await?)
        }
    };
    let serving = today::serving(engine, &app, &observation).await?;
    volumes::check(engine, &app, &image, &serving, session.report.as_ref()).await?;
    if today::adopt_first(&bench, &app, &observation).await? {
        observation = plan::observe(engine, proxies, &bench.records, &app).await?;
    }
    let wish = Wish::Deploy { app: &app, asked: &asked, image: &image, watch: !args.no_watch };
    let plan = plan::build(&observation, &wish, Timestamp::now())?;
    lost_labels::check(engine, proxy.as_ref(), &plan).await?;
    for line in same_image(&plan).into_iter().chain(moves::lines(&observation, &plan)) {
        session.report.note(line);
    }
    bench.execute(&plan).await
}

/// Says that the image is the one that is live already: a tag may have moved in the registry, of which the host knows nothing.
fn same_image(plan: &Plan) -> Option<String> {
    let former = plan.former.as_ref().filter(|former| former.image_id == plan.target.image_id)?;
    let id: String = plan.target.image_id.trim_start_matches("sha256:").chars().take(12).collect();
    let asked = match plan.target.app.pull {
        PullPolicy::Always => "",
        _ => "; the registry was not asked for another: --pull does",
    };
    Some(format!("{} is the image of release {} already ({id}){asked}", plan.target.image, former.number))
}

/// Refuses a configuration of another project than the one that has the app's name.
pub(super) fn insist_same(records: &AppStore, app: &App, agreed: bool) -> Result<()> {
    // A record that cannot be read is told by what needs it.
    let recorded = super::session::recorded(records).ok().flatten().filter(|_| !agreed);
    recorded.and_then(|recorded| plan::another_project(&recorded, app)).map_or(Ok(()), Err)
}

/// Brings an interrupted deploy to its end, when that was agreed to.
async fn recover_first(bench: &Bench<'_>, app: &App, yes: bool) -> Result<()> {
    let Some(replay) = bench.unfinished()? else { return Ok(()) };
    let decision = bench.decide(&replay).await?;
    let what = match decision.direction {
        Direction::Forward => "finish it",
        Direction::Back => "undo it",
    };
    for reason in &decision.reasons {
        bench.session.report.note(reason.clone());
    }
    if !yes && !confirm(&format!("An earlier deploy of {} did not end. First {what}?", app.name)) {
        return Err(Error::new(
            Kind::NeedsRecovery,
            format!("an earlier deploy of {} did not end", app.name),
        )
        .hint(format!("{what}: bgd recover {}", app.name))
        .hint("or let this deploy do it first: add --yes"));
    }
    bench.resume(&replay, decision.direction, "interrupted").await
}

/// Makes sure that the host has the image, of which `present` is what it has now.
pub(super) async fn obtain(
    engine: &dyn Engine,
    image: &ImageRef,
    present: Option<Image>,
    policy: PullPolicy,
    report: &dyn Report,
) -> Result<Image> {
    let name = image.to_string();
    match (policy, present) {
        (PullPolicy::Missing | PullPolicy::Never, Some(present)) => return Ok(present),
        (PullPolicy::Never, None) => {
            return Err(Error::new(
                Kind::Docker,
                format!("the host has no image {name}, and `pull: never` forbids to get it"),
            )
            .hint(format!(
                "load it with `docker load`, or build it; or pull it by hand: docker pull {name}"
            )));
        }
        (PullPolicy::Always, _) | (PullPolicy::Missing, None) => {}
    }
    let began = Instant::now();
    report.event(Event::StepStarted { step: Step::Pull, message: format!("pull {name}") });
    let mut tell = |progress: PullProgress| {
        let total = (progress.bytes_total > 0).then_some(progress.bytes_total);
        let message = format!("{} of {} layers", progress.layers_done, progress.layers);
        report.event(Event::Progress { step: Step::Pull, done: progress.bytes, total, message });
    };
    engine.pull(image, &mut tell).await?;
    report.event(Event::StepDone { step: Step::Pull, took: began.elapsed(), message: name.clone() });
    engine.image(&name).await?.ok_or_else(|| {
        Error::new(
            Kind::Docker,
            format!("{name} was pulled, and the host has no image of that name all the same"),
        )
    })
}
