mod images;
mod table;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use super::Session;
use super::queue::Queue;
use super::run::{agreed, confirm};
use crate::config::parse_age;
use crate::error::{Error, Kind, Result};
use crate::model::AppName;
use work::Work;

/// Remove records, logs, containers and images that no rollback needs.
///
/// What would be removed, and why, is shown first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bgd prune                            every app of this host, by its own bounds
  bgd prune api --keep 5 --plan        see what would go, and remove nothing
  bgd prune api --older-than 90d       what was in use last more than 90 days ago
  bgd prune --images --yes --wait 1h   from cron: waits for deploys that are under way

What goes and what stays:
  Each bound counts by itself, and takes the place of `retention` in bgd.yaml. What is live stays,
  and the release that a rollback goes to, the newest one, and what has a container that runs.
  With a record its stopped containers go. An image stays when a container of anybody's uses it,
  a record needs it, another was built from it, or it has a name by which bgd did not deploy it.

Exit codes:
  An app that is being changed (4), that needs recovery (11) or whose proxy does not answer (8)
  is left as it is. The others are pruned all the same.")]
pub struct Args {
    /// The app; all of them when left out
    #[arg(value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Keep the last N releases that became live, and as many that did not
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,

    /// Remove releases that were in use last longer ago than this, such as 90d or 36h
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub older_than: Option<Duration>,

    /// Remove images, too
    #[arg(long)]
    pub images: bool,

    /// Print what would be removed, and remove nothing
    #[arg(long, conflicts_with = "yes")]
    pub plan: bool,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Whether it waits for its turn
    #[command(flatten)]
    pub queue: Queue,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let store = session.store()?;
    let names = match &args.app {
        Some(name) => vec![session.known_app(Some(name))?],
        None => store.apps()?,
    };
    if names.is_empty() {
        session.report.note("nothing has been deployed on this host yet".to_owned());
        return Ok(());
    }
    let engine = session.engine().await?;
    let (mut works, mut left) = (Vec::new(), Left::of(names.len()));
    for name in names {
        match Work::look(session, &store, &engine, &name, &args).await {
            Ok(work) => works.extend(work),
            Err(error) if args.app.is_some() => return Err(error),
            Err(error) => left.add(session, &name, &error),
        }
    }
    let going = works.iter().map(|work| (work.name.clone(), work.going())).collect();
    let images = if args.images { images::look(&store, engine.as_ref(), &going).await? } else { Vec::new() };
    let rows: Vec<_> = works.iter().flat_map(Work::rows).chain(images::rows(&images)).collect();
    table::show(session, &rows);
    if rows.iter().all(|row| !row.goes()) {
        session.report.note("there is nothing to remove".to_owned());
        return left.into_result();
    }
    if args.plan {
        return left.into_result();
    }
    if !agreed(args.yes, || confirm("Remove all of this?")) {
        return Err(Error::new(Kind::Other, "nothing was removed"));
    }
    let told = table::Told::new(session.report.as_ref());
    for work in &works {
        match work.apply(&told, engine.as_ref()).await {
            Ok(()) => {}
            Err(error) if args.app.is_some() => return Err(error),
            Err(error) => left.add(session, &work.name, &error),
        }
    }
    if args.images {
        images::remove(&told, &store, engine.as_ref(), &images).await?;
        let there = engine.image_ids().await?;
        works.iter().try_for_each(|work| work.forget_images(&there))?;
    }
    told.sum();
    left.into_result()
}

/// The apps that were left as they are.
struct Left {
    of: usize,
    kinds: BTreeMap<AppName, Kind>,
}

impl Left {
    fn of(of: usize) -> Self {
        Self { of, kinds: BTreeMap::new() }
    }

    fn add(&mut self, session: &Session, name: &AppName, error: &Error) {
        let remedy = error.hints().first().cloned();
        session.report.warn(format!("{name} is left as it is: {}", error.one_line()), remedy);
        self.kinds.insert(name.clone(), error.kind());
    }

    /// Whoever is only being changed gets its turn with the next run: any other reason weighs more.
    fn into_result(self) -> Result<()> {
        let worst = self.kinds.values().find(|kind| **kind != Kind::Locked).or(self.kinds.values().next());
        let Some(kind) = worst else { return Ok(()) };
        let names: Vec<_> = self.kinds.keys().map(AppName::as_str).collect();
        let of = self.of;
        Err(Error::new(*kind, format!("{} of {of} apps left as they are: {}", names.len(), names.join(", "))))
    }
}
