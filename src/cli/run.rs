//! What deploy, rollback, adopt and recover share: running a plan and saying how it ended.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Session;
use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::{AppName, Release, ReleaseNumber, Retire};
use crate::plan::{self, Plan};
use crate::probe::Asked;
use crate::proxy::{Live, Proxies, Proxy, Through};
use crate::record::{AppStore, JournalState, LockedApp, Replay, Store};
use crate::saga::{self, Decision, Direction};
use crate::step::{Context, Step};

/// Whoever waits no longer than this need not be told.
const QUIET: Duration = Duration::from_secs(1);

/// Everything that a command needs to change an app.
pub(super) struct Bench<'a> {
    pub session: &'a Session,
    pub engine: Rc<dyn Engine>,
    pub proxies: Proxies,
    pub store: Store,
    pub records: LockedApp,
}

/// Takes the lock of an app, and says for whom it waits.
pub(super) async fn take_turn(session: &Session, records: AppStore, wait: Duration) -> Result<LockedApp> {
    if wait > QUIET
        && let Some(holder) = records.holder()
    {
        let app = records.name();
        session.report.note(format!("{app} is being changed {holder}: waiting for it, {wait:?} at most"));
    }
    records.lock(wait).await
}

impl<'a> Bench<'a> {
    /// Takes the lock of the app. Its proxies are asked for by the releases that they route to.
    pub(super) async fn set_up(session: &'a Session, app: &AppName, wait: Duration) -> Result<Self> {
        let store = session.store()?;
        // The lock comes before everything else, so that of twenty deploys nineteen end here.
        let records = take_turn(session, store.app(app), wait).await?;
        // A journal that cannot be followed is told before anything is asked or done.
        records.journal()?;
        let engine = session.engine().await?;
        session.take_turn(&engine, app, wait).await?;
        let proxies = session.proxies(&engine);
        Ok(Self { session, engine, proxies, store, records })
    }

    /// Runs a plan, telling how it goes.
    pub(super) async fn execute(&self, plan: &Plan) -> Result<()> {
        let cancel = self.session.cancel()?;
        let began = Instant::now();
        self.session.report.event(Event::Begin {
            app: plan.target.app.name.clone(),
            cause: plan.cause,
            release: plan.target.number,
            image: plan.target.image.clone(),
            slot: plan.target.slot,
            former: plan.former.as_ref().map(|former| former.number),
            steps: plan.steps.clone(),
        });
        let context = self.context(plan)?;
        let ended = saga::execute(&context, &cancel).await;
        super::tidy::after(self, plan).await;
        self.conclude(&context, ended?, began).await
    }

    /// Tells that a release is live. One that fails is no success, although it is not taken back.
    async fn conclude(&self, context: &Context<'_>, done: saga::Done, began: Instant) -> Result<()> {
        let plan = context.plan;
        if let Some(needed) = context.needed.take() {
            return Err(needed);
        }
        if !(done.held && self.still_fails(plan).await) {
            self.tell_done(plan, began).await;
            return Ok(());
        }
        let (app, number) = (&plan.target.app.name, plan.target.number);
        let error = match &plan.former {
            Some(former) => Error::new(
                Kind::Failing,
                format!(
                    "release {number} of {app} is live and fails; release {} was left as it is",
                    former.number
                ),
            )
            .hint(format!("if the former release does better: bgd rollback {app}")),
            None => Error::new(
                Kind::Failing,
                format!("release {number} of {app} is live and fails; there is no release before it"),
            ),
        };
        let name = plan.target.containers.first().map(|(name, _)| name.clone()).unwrap_or_default();
        Err(error.hint(format!("see why with: docker logs --tail 50 {name}")))
    }

    /// Whether a release that was held fails even now: it may have come back by itself.
    async fn still_fails(&self, plan: &Plan) -> bool {
        const TRIES: u32 = 3;
        let app = &plan.target.app;
        let Asked { path, host, headers, .. } = Asked::of_watch(app);
        for again in 0..TRIES {
            if again > 0 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            let through =
                Through { method: "GET", path, host, headers: &headers, limit: Duration::from_secs(2) };
            if let Ok(proxy) = self.proxies.of(app)
                && proxy.through(through).await.is_ok_and(|answer| answer.status < 500)
            {
                return false;
            }
        }
        true
    }

    /// Brings an interrupted deploy to its end.
    pub(super) async fn resume(&self, replay: &Replay, direction: Direction, reason: &str) -> Result<()> {
        let plan = self.plan_of(replay).await?;
        let cancel = self.session.cancel()?;
        let began = Instant::now();
        let context = self.context(&plan)?;
        let ended = saga::resume(&context, &cancel, replay, direction, reason).await;
        super::tidy::after(self, &plan).await;
        match ended? {
            Some(done) => return self.conclude(&context, done, began).await,
            None => {
                self.insist_former_is_live(&plan).await?;
                let app = &plan.target.app.name;
                let live = match &plan.former {
                    Some(former) => format!("release {} of {app} is live", former.number),
                    None => format!("nothing of {app} is live"),
                };
                self.session.report.note(format!("release {} was undone; {live}", plan.target.number));
            }
        }
        Ok(())
    }

    /// Decides how an interrupted deploy would be brought to its end.
    pub(super) async fn decide(&self, replay: &Replay) -> Result<Decision> {
        let plan = self.plan_of(replay).await?;
        let proxy = self.proxies.of(&plan.target.app)?;
        if replay.may_have_effect(Step::Stage) {
            let releases: Vec<_> = plan.former.iter().chain([&plan.target]).map(|one| one.number).collect();
            proxy.outlast(&releases).await?;
        }
        let live = settled(&*proxy, replay, &plan.target).await?;
        let green = crate::plan::present(self.engine.as_ref(), &plan.target).await?;
        saga::decide(replay, live, &plan.target, green.all_running())
    }

    /// After an undo: that what was live is served again is not taken for granted.
    async fn insist_former_is_live(&self, plan: &Plan) -> Result<()> {
        let Some(former) = &plan.former else { return Ok(()) };
        let routes = plan::routes(&self.proxies, &self.records, &former.app).await?;
        if routes.to(former).is_some() {
            return Ok(());
        }
        let (app, proxy) = (&former.app.name, former.app.proxy.describe());
        Err(Error::new(
            Kind::NeedsRecovery,
            format!(
                "release {} was undone, and {proxy} does not route to release {}",
                plan.target.number, former.number
            ),
        )
        .hint(format!("have the route of release {} made again: bgd recover {app}", former.number)))
    }

    /// The plan that a journal tells of, rebuilt from the records. What it did, it did by the proxies of these: the
    /// configuration of today has no say.
    async fn plan_of(&self, replay: &Replay) -> Result<Plan> {
        let target = self.proxies.locate(&told_of(&self.records, replay.release)?, &[]).await?;
        let former = replay.former.map(|number| told_of(&self.records, number)).transpose()?;
        Ok(Plan {
            cause: replay.cause,
            target,
            former: match former {
                Some(former) => Some(self.proxies.locate(&former, &[]).await?),
                None => None,
            },
            steps: replay.steps.clone(),
        })
    }

    fn context<'c>(&'c self, plan: &'c Plan) -> Result<Context<'c>> {
        let report = self.session.report.as_ref();
        Context::new(self.engine.clone(), &self.proxies, &self.store, &self.records, plan, report)
    }

    /// What an earlier bgd left unfinished; a journal that only was not moved away is.
    pub(super) fn unfinished(&self) -> Result<Option<Replay>> {
        match self.records.journal()? {
            JournalState::Open(replay) => Ok(Some(replay)),
            JournalState::None => self.records.settle().map(|_| None),
            JournalState::Ended(_) => self.records.archive().map(|()| None),
        }
    }

    async fn tell_done(&self, plan: &Plan, began: Instant) {
        let app = &plan.target.app;
        let mut next = Vec::new();
        if let Some(former) = plan.former.as_ref().filter(|_| plan.keeps_old_route()) {
            next.push(format!(
                "release {} goes on running: {} sends its requests to it until a deploy ends that (move.keep_old); go back with: bgd rollback {}",
                former.number,
                former.app.proxy.describe(),
                app.name
            ));
        } else if let Some(former) = &plan.former {
            let back = format!("go back with: bgd rollback {}", app.name);
            next.push(match (what_is_left(self.engine.as_ref(), former).await, app.retire) {
                (Left::Nothing, _) => {
                    format!("release {} and its image are gone: it cannot be gone back to", former.number)
                }
                (Left::Image, Retire::Remove) => {
                    format!("release {} was removed and can be created again; {back}", former.number)
                }
                (Left::Image, _) => {
                    format!(
                        "release {} has no container any more and can be created again; {back}",
                        former.number
                    )
                }
                (Left::Running, _) => format!("release {} is kept warm; {back}", former.number),
                (Left::Stopped, _) => {
                    format!("release {} is stopped and can be started again; {back}", former.number)
                }
            });
        }
        if plan.steps.contains(&Step::Verify) {
            self.session.report.event(Event::Done {
                app: app.name.clone(),
                release: plan.target.number,
                slot: plan.target.slot,
                took: began.elapsed(),
                next,
            });
        }
    }
}

/// What the proxy says is live. Right after a switch it may still be in the middle of it, and both releases answer.
async fn settled(proxy: &dyn Proxy, replay: &Replay, target: &Release) -> Result<Option<Live>> {
    const SWITCHING: Duration = Duration::from_secs(1);
    let deadline = tokio::time::Instant::now() + SWITCHING;
    loop {
        let live = proxy.live().await?;
        let is_target = live.is_some_and(|live| live.slot == target.slot);
        if is_target || !replay.may_have_effect(Step::Switch) || tokio::time::Instant::now() >= deadline {
            return Ok(live);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What there is of a release.
enum Left {
    Running,
    Stopped,
    Image,
    Nothing,
}

/// What there is of the release that was left. What cannot be asked is taken to be there: the next command will tell.
async fn what_is_left(engine: &dyn Engine, release: &Release) -> Left {
    match crate::plan::present(engine, release).await {
        Ok(present) if present.all_running() => Left::Running,
        Ok(present) if !present.is_whole() => match engine.image(&release.image_id).await {
            Ok(None) => Left::Nothing,
            _ => Left::Image,
        },
        _ => Left::Stopped,
    }
}

/// The record of a release that an unfinished journal tells of.
pub(super) fn told_of(records: &AppStore, number: ReleaseNumber) -> Result<Release> {
    let app = records.name();
    let first = match records.release(number) {
        Ok(Some(release)) => return Ok(release),
        Ok(None) => {
            let message =
                format!("the journal of an unfinished deploy tells of release {number}, which has no record");
            Error::new(Kind::Stuck, message)
                .hint(format!("put {} back from a backup", records.release_path(number).display()))
        }
        // Without its own remedy: nothing is made anew while a deploy is open.
        Err(error) => Error::new(
            Kind::Stuck,
            format!(
                "an unfinished deploy cannot be brought to its end without the record of release {number}"
            ),
        )
        .caused_by(error)
        .hint(format!("put {} back from a backup", records.release_path(number).display())),
    };
    Err(first.hint(format!("nothing was touched. See with `bgd status {app}` what is live")).hint(format!(
        "when that is right, move {} away; then `bgd recover {app}` makes the records fit it",
        records.journal_path().display()
    )))
}

/// Whether to go on: with `--yes`, where nobody can be asked, or when the answer is yes.
pub(super) fn agreed(yes: bool, ask: impl Fn() -> bool) -> bool {
    use std::io::IsTerminal;
    yes || !std::io::stdin().is_terminal() || ask()
}

/// Asks on the terminal; `false` where there is nobody to ask.
pub(super) fn confirm(question: &str) -> bool {
    use std::io::{BufRead, IsTerminal, Write};
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return false;
    }
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
