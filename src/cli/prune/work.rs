use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::Args;
use super::table::{Row, Told};
use crate::cli::run::take_turn;
use crate::cli::{Session, tidy};
use crate::docker::{Engine, Summary};
use crate::error::{Error, Kind, Result};
use crate::event::Thing;
use crate::model::{App, AppName, Release, ReleaseNumber, Retention, label};
use crate::own::{self, Owned};
use crate::plan::prune::{self, Fate};
use crate::plan::{self, record_is_lost};
use crate::proxy::{Proxies, Routes};
use crate::record::retention::{self, Recorded, Surplus};
use crate::record::{AppState, AppStore, JournalState, LockedApp, Store, Survey};

/// What a prune does to one app.
pub(super) struct Work {
    pub(super) name: AppName,
    /// The app's records under its lock; none when it is only asked what would be done.
    records: Option<LockedApp>,
    state_folder: PathBuf,
    proxies: Proxies,
    /// The configuration of what is live.
    app: App,
    /// What the proxies of all records routed to when this was decided.
    routes: Routes,
    state: AppState,
    survey: Survey,
    surplus: BTreeMap<ReleaseNumber, Surplus>,
    journals: BTreeMap<Timestamp, Surplus>,
    containers: Vec<(Summary, Fate)>,
}

impl Work {
    /// Takes the app's lock and decides; `None` when nothing of it is recorded.
    pub(super) async fn look(
        session: &Session,
        store: &Store,
        engine: &Rc<dyn Engine>,
        name: &AppName,
        args: &Args,
    ) -> Result<Option<Self>> {
        let state_folder = store.root().to_owned();
        let store = store.app(name);
        let records = if args.plan {
            None
        } else {
            Some(take_turn(session, store.clone(), args.queue.limit(Duration::ZERO)).await?)
        };
        if records.is_some() {
            session.take_turn(engine, name, args.queue.limit(Duration::ZERO)).await?;
        }
        check_journal(&store, records.as_ref())?;
        let (survey, state) = (store.survey()?, store.state()?);
        let Some(app) = app(&survey, &state) else { return nothing_read(name, &survey) };
        let proxies = session.proxies(engine);
        let observed = plan::observe(engine.as_ref(), &proxies, &store, &app).await?;
        if let Some(live) = observed.live.filter(|_| observed.former.is_none()) {
            return Err(record_is_lost(name, live));
        }
        let live = observed.former.as_ref().map(|former| former.number);
        let (now, numbers) = (Timestamp::now(), survey.numbers());
        let bounds = bounds(args, &survey);
        let recorded: Vec<Recorded> = survey.releases.iter().map(Recorded::from).collect();
        let mut needed = retention::needed(&state, live, &numbers);
        needed.extend(prune::running(&observed.labelled));
        // What a move has left is served still.
        needed.extend(observed.routes.numbers());
        let surplus = retention::surplus(&recorded, &state, &needed, &bounds, now);
        let kept: BTreeSet<ReleaseNumber> =
            numbers.into_iter().filter(|number| !surplus.contains_key(number)).collect();
        let containers = prune::leftovers(&observed.labelled, &observed.of_app, &kept, live).into_iter();
        let routed = |one: &Summary| {
            let slot = one.labels.get(label::SLOT).map(String::as_str);
            observed.routes.to_container(prune::release_of(one)?, slot, one.status == "running")
        };
        let containers = containers.map(|(container, fate)| match routed(container) {
            Some(routed) => (container, Fate::Stays(format!("{} routes to it", routed.describe()))),
            None => (container, fate),
        });
        Ok(Some(Self {
            name: name.clone(),
            records,
            state_folder,
            proxies,
            app,
            routes: observed.routes.clone(),
            journals: retention::surplus_journals(&survey.journals, &bounds, now),
            containers: containers.map(|(container, fate)| (container.clone(), fate)).collect(),
            state,
            survey,
            surplus,
        }))
    }

    /// The releases whose records go.
    pub(super) fn going(&self) -> BTreeSet<ReleaseNumber> {
        self.surplus.keys().copied().collect()
    }

    /// Everything that looks like surplus, for people.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |thing, name: String, fate| Row { app: self.name.clone(), thing, name, fate };
        let containers =
            self.containers.iter().map(|(one, fate)| row(Thing::Container, one.name.clone(), fate.clone()));
        let releases = self.survey.releases.iter().filter_map(|release| {
            let why = self.surplus.get(&release.number)?;
            Some(row(
                Thing::Record,
                release.number.to_string(),
                Fate::Goes(format!("{}: {why}", release.image)),
            ))
        });
        let journals = self
            .journals
            .iter()
            .map(|(at, why)| row(Thing::Journal, ended(*at), Fate::Goes(why.to_string())));
        let odd = self
            .survey
            .odd
            .iter()
            .map(|(path, why)| row(Thing::Record, path.display().to_string(), Fate::Stays(why.clone())));
        containers.chain(releases).chain(journals).chain(odd).collect()
    }

    /// Removes what goes. The state is written first, so that whatever ends this in the middle, the images are known
    /// and no number is given again; a container goes before the record that tells of it.
    pub(super) async fn apply(&self, told: &Told<'_>, engine: &dyn Engine) -> Result<()> {
        let Some(records) = &self.records else { return Ok(()) };
        let removed = |thing, name| told.removed(&self.name, thing, name);
        let going: Vec<&Release> =
            self.survey.releases.iter().filter(|one| self.surplus.contains_key(&one.number)).collect();
        if !going.is_empty() {
            let (gone, images) = (self.going(), tidy::images(&going));
            let left = &self.survey.numbers() - &gone;
            records.put_state(&retention::without(&self.state, &gone, &left, images))?;
        }
        for (container, _) in self.containers.iter().filter(|(_, fate)| matches!(fate, Fate::Goes(_))) {
            match self.why_not(engine, container).await? {
                None => {
                    let Some(owned) = self.owned(engine, container).await? else { continue };
                    for left in owned.remove(engine).await? {
                        let name = left.mount.source.clone();
                        told.left(&self.name, Thing::Volume, name, left.told());
                    }
                    removed(Thing::Container, container.name.clone());
                }
                Some(why) => told.left(&self.name, Thing::Container, container.name.clone(), why),
            }
        }
        tidy::give_up_claims(engine, &going, &self.state_folder).await?;
        for release in going {
            records.remove(&[release.number], &[])?;
            removed(Thing::Record, release.number.to_string());
        }
        records.remove(&[], &self.journals.keys().copied().collect::<Vec<_>>())?;
        self.journals.keys().for_each(|at| removed(Thing::Journal, ended(*at)));
        Ok(())
    }

    /// Looks once more, right before a container is removed: why it must stay after all.
    async fn why_not(&self, engine: &dyn Engine, container: &Summary) -> Result<Option<String>> {
        let listed = engine.containers(&[format!("{}={}", label::APP, self.name)]).await?;
        let now = listed.iter().find(|listed| listed.id == container.id);
        if now.is_some_and(|now| !prune::is_stopped(now)) {
            return Ok(Some("it was started meanwhile".to_owned()));
        }
        let Some(records) = &self.records else { return Ok(None) };
        let routes = plan::routes(&self.proxies, records, &self.app).await?;
        if routes != self.routes {
            return Err(Error::new(
                Kind::Proxy,
                format!(
                    "{} routes elsewhere than a moment ago: nothing more was removed",
                    self.app.proxy.describe()
                ),
            )
            .hint(format!("see: bgd status {}", self.name)));
        }
        Ok(None)
    }

    /// The container, proved once more to be a release's that is recorded; nothing when it is gone.
    async fn owned(&self, engine: &dyn Engine, container: &Summary) -> Result<Option<Owned>> {
        let Some(records) = &self.records else { return Ok(None) };
        let listed = own::labelled(engine, &own::app_label(&self.name)).await?;
        let of_app = own::of_app(&listed, |number| records.release(number))?;
        let found = of_app.look_up(engine, |_| true).await?;
        Ok(found.into_iter().map(|(_, owned)| owned).find(|owned| owned.id == container.id))
    }

    /// Forgets the images that are gone from the host.
    pub(super) fn forget_images(&self, there: &[String]) -> Result<()> {
        let Some(records) = &self.records else { return Ok(()) };
        let mut state = records.state()?;
        let before = state.images.len();
        state.images.retain(|image| there.contains(&image.id));
        if state.images.len() == before { Ok(()) } else { records.put_state(&state) }
    }
}

fn ended(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Refuses while anything is under way or unfinished: it may need everything.
fn check_journal(store: &AppStore, locked: Option<&LockedApp>) -> Result<()> {
    let name = store.name();
    if locked.is_none()
        && let Some(holder) = store.holder()
    {
        return Err(Error::new(Kind::Locked, format!("{name} is being changed {holder}")).hint("try again"));
    }
    match (store.journal()?, locked) {
        (JournalState::Open(replay), _) => Err(Error::new(
            Kind::NeedsRecovery,
            format!("the deploy of release {} of {name} did not end", replay.release),
        )
        .hint(format!("bgd recover {name}"))),
        (JournalState::Ended(_), Some(locked)) => locked.archive(),
        _ => Ok(()),
    }
}

/// The configuration of what is live by the records, else the newest one: it tells the proxy.
fn app(survey: &Survey, state: &AppState) -> Option<App> {
    let live = survey.read().find(|release| Some(release.number) == state.live());
    live.or(survey.read().max_by_key(|release| release.number)).map(|release| release.app.clone())
}

fn nothing_read(name: &AppName, survey: &Survey) -> Result<Option<Work>> {
    match survey.odd.iter().next() {
        None => Ok(None),
        Some((path, why)) => Err(Error::new(
            Kind::Other,
            format!("no record of {name} can be read; the first one is {}", path.display()),
        )
        .caused_by(why.clone())),
    }
}

/// What was asked for; the bounds of the newest release when nothing was.
fn bounds(args: &Args, survey: &Survey) -> Retention {
    match (args.keep, args.older_than) {
        (None, None) => tidy::bounds(survey),
        (releases, max_age) => Retention { releases, max_age },
    }
}
