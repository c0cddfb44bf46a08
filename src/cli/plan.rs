use jiff::Timestamp;
use similar::{ChangeTag, TextDiff};

use super::which::Which;
use super::{Session, diagnose, lost_labels, moves, preflight, today, volumes};
use crate::compose;
use crate::docker::Image;
use crate::error::Result;
use crate::model::{App, ImageRef, Place};
use crate::plan::{self, Plan, Wish};
use crate::proxy::{FileChange, Route};
use crate::record::JournalState;

/// Show what a deploy would do and change.
///
/// Nothing is changed, pulled or locked. Lines with + are new, with - gone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which image goes to which app
    #[command(flatten)]
    pub which: Which,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let same_app = args.which.same_app;
    let (app, image) = args.which.find(session)?;
    print(session, &app, &image, same_app).await
}

/// Prints the plan of a deploy.
pub(super) async fn print(session: &Session, app: &App, image: &ImageRef, same_app: bool) -> Result<()> {
    let records = session.store()?.app(&app.name);
    super::deploy::insist_same(&records, app, same_app)?;
    let journal = records.journal()?;
    let engine = session.engine().await?;
    let proxies = session.proxies(&engine);
    let proxy = proxies.of(app)?;
    if let JournalState::Open(replay) = journal {
        session.report.warn(
            format!(
                "the deploy of release {} did not end: this plan is for after its recovery",
                replay.release
            ),
            Some(format!("bgd recover {}", app.name)),
        );
    }
    preflight::check(engine.as_ref(), proxy.as_ref(), app, session.report.as_ref()).await?;
    if let Some(service) = &app.compose {
        compose::check_dependencies(engine.as_ref(), service).await?;
    }
    let asked = image.to_string();
    let found = engine.image(&asked).await?;
    let to_pull = found.is_none();
    // What is not here yet has no id and no health check that could be looked at.
    let stand_in = Image {
        id: asked.clone(),
        repo_digests: Vec::new(),
        platform: String::new(),
        exposed_ports: Vec::new(),
        health_test: Some(vec!["CMD".to_owned(), "unknown".to_owned()]),
        health_takes: crate::model::Health::DEADLINE,
        labels: Default::default(),
        volumes: Vec::new(),
    };
    let observation = plan::observe(engine.as_ref(), &proxies, &records, app).await?;
    let (_, diagnosis) = diagnose::one((&engine, &session.proxies(&engine)), &records, app).await?;
    for trouble in diagnosis.troubles.iter().filter(|trouble| trouble.is_about_what_runs()) {
        session.report.warn(trouble.what(), None);
    }
    today::tell(engine.as_ref(), (&session.store()?, &records), app, &observation, session.report.as_ref())
        .await?;
    for one in &observation.of_app.unknown {
        session.report.warn(today::unknown(one), None);
    }
    let image = found.unwrap_or(stand_in);
    let serving = today::serving(engine.as_ref(), app, &observation).await?;
    volumes::check(engine.as_ref(), app, &image, &serving, session.report.as_ref()).await?;
    let wish = Wish::Deploy { app, asked: &asked, image: &image, watch: true };
    let plan = plan::build(&observation, &wish, Timestamp::now())?;
    lost_labels::check(engine.as_ref(), proxy.as_ref(), &plan).await?;
    let moved = moves::lines(&observation, &plan);
    let changes = proxy.preview(&route(&plan)).await?;
    if session.json {
        let value = serde_json::json!({
            "app": app.name, "release": plan.target.number, "slot": plan.target.slot, "image": asked,
            "image_id": (!to_pull).then_some(&image.id), "pull": to_pull,
            "live": plan.former.as_ref().map(|former| former.number), "steps": plan.steps,
            "moves": moved,
            "files": changes.iter().map(|change| &change.path).collect::<Vec<_>>(),
        });
        session.host.print(&session.style.clean_json(format!("{value}\n")));
        return Ok(());
    }
    session.print(&text(&plan, to_pull, &moved, &changes)?);
    Ok(())
}

fn route(plan: &Plan) -> Route {
    let live = Some(plan::target_of(&plan.target, Vec::new()));
    if plan.moves() != plan::Move::None {
        return Route { live, idle: None };
    }
    Route { live, idle: plan.former.as_ref().map(|former| plan::target_of(former, Vec::new())) }
}

fn text(plan: &Plan, to_pull: bool, moved: &[String], changes: &[FileChange]) -> Result<String> {
    let target = &plan.target;
    let live = plan.former.as_ref().map_or_else(
        || "nothing".to_owned(),
        |former| format!("release {} ({}) on {}", former.number, former.image, former.slot),
    );
    let mut text = format!(
        "{}: release {} ({}) on {}\nlive now: {live}\n",
        target.app.name, target.number, target.image, target.slot
    );
    text.push_str(&if to_pull {
        "image: is not on this host and would be pulled; its digest is pinned then\n".to_owned()
    } else {
        format!("image: {}\n", target.repo_digest.as_deref().unwrap_or(&target.image_id))
    });
    moved.iter().for_each(|line| text.push_str(&format!("move: {line}\n")));
    let steps: Vec<_> = plan.steps.iter().map(|step| step.as_str()).collect();
    text.push_str(&format!("steps: {}\n", steps.join(" → ")));
    for step in plan.steps.iter().filter(|step| step.is_hook()) {
        let Some((hook, _)) = plan.hook(*step) else { continue };
        let place = match hook.place {
            Place::Host { .. } => "on this machine",
            Place::Container => "in a container of its own",
        };
        let (name, command) = (step.hook_name(), hook.command.join(" "));
        let limit = crate::config::show_duration(hook.timeout);
        text.push_str(&format!("hook {name}: {command} ({place}, {limit} at most)\n"));
    }
    let former = plan.former.as_ref().and_then(|former| former.containers.first());
    for (at, (name, spec)) in target.containers.iter().enumerate() {
        text.push_str(&format!("\n+ container {name}\n"));
        let before = former.map(|(_, spec)| plan::settings(spec)).transpose()?.unwrap_or_default();
        if at == 0 {
            text.push_str(&diff(&before, &plan::settings(spec)?));
        }
    }
    for change in changes {
        text.push_str(&format!("\n~ file {} (in the proxy)\n", change.path));
        text.push_str(&diff(change.now.as_deref().unwrap_or(""), change.then.as_deref().unwrap_or("")));
    }
    Ok(text)
}

fn diff(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        text.push_str(&format!("  {sign} {}\n", change.value().trim_end()));
    }
    text
}
