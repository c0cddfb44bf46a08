use jiff::Timestamp;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::which::Which;
use super::{Session, preflight, table};
use crate::docker::Image;
use crate::error::{Context, Kind, Result};
use crate::model::{App, ContainerSpec, ImageRef};
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
    let (app, image) = args.which.find(session)?;
    print(session, &app, &image).await
}

/// Prints the plan of a deploy.
pub(super) async fn print(session: &Session, app: &App, image: &ImageRef) -> Result<()> {
    let engine = session.engine().await?;
    let proxy = crate::proxy::open(engine.clone(), app)?;
    let records = session.store()?.app(&app.name);
    if let JournalState::Open(replay) = records.journal()? {
        session.report.warn(
            format!(
                "the deploy of release {} did not end: this plan is for after its recovery",
                replay.release
            ),
            Some(format!("bgd recover {}", app.name)),
        );
    }
    preflight::check(engine.as_ref(), proxy.as_ref(), app, session.report.as_ref()).await?;
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
    };
    let observation = plan::observe(engine.as_ref(), proxy.as_ref(), &records, app).await?;
    let image = found.unwrap_or(stand_in);
    let wish = Wish::Deploy { app, asked: &asked, image: &image, watch: true };
    let plan = plan::build(&observation, &wish, Timestamp::now())?;
    let changes = proxy.preview(&route(&plan)).await?;
    if session.json {
        let value = serde_json::json!({
            "app": app.name, "release": plan.target.number, "slot": plan.target.slot, "image": asked,
            "image_id": (!to_pull).then_some(&image.id), "pull": to_pull,
            "live": plan.former.as_ref().map(|former| former.number), "steps": plan.steps,
            "files": changes.iter().map(|change| &change.path).collect::<Vec<_>>(),
        });
        table::print(&format!("{value}\n"));
        return Ok(());
    }
    table::print(&text(&plan, to_pull, &changes)?);
    Ok(())
}

fn route(plan: &Plan) -> Route {
    let live = Some(plan::target_of(&plan.target, Vec::new()));
    Route { live, idle: plan.former.as_ref().map(|former| plan::target_of(former, Vec::new())) }
}

fn text(plan: &Plan, to_pull: bool, changes: &[FileChange]) -> Result<String> {
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
    let steps: Vec<_> = plan.steps.iter().map(|step| step.as_str()).collect();
    text.push_str(&format!("steps: {}\n", steps.join(" → ")));
    let former = plan.former.as_ref().and_then(|former| former.containers.first());
    for (at, (name, spec)) in target.containers.iter().enumerate() {
        text.push_str(&format!("\n+ container {name}\n"));
        let before = former.map(|(_, spec)| yaml_like(spec)).transpose()?.unwrap_or_default();
        if at == 0 {
            text.push_str(&diff(&before, &yaml_like(spec)?));
        }
    }
    for change in changes {
        text.push_str(&format!("\n~ file {} (in the proxy)\n", change.path));
        text.push_str(&diff(change.now.as_deref().unwrap_or(""), change.then.as_deref().unwrap_or("")));
    }
    Ok(text)
}

/// A specification, a setting per line, with what is not set left out and secrets hidden.
fn yaml_like(spec: &ContainerSpec) -> Result<String> {
    let value = serde_json::to_value(spec).or_error(Kind::Other, || "cannot write JSON".to_owned())?;
    let mut lines = String::new();
    if let Value::Object(map) = &value {
        for (key, value) in map {
            flatten(key, value, key == "env" || key == "log", &mut lines);
        }
    }
    Ok(lines)
}

fn flatten(path: &str, value: &Value, secret: bool, lines: &mut String) {
    match value {
        Value::Null | Value::Bool(false) => {}
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, secret, lines));
        }
        Value::Array(list) if list.is_empty() => {}
        Value::Array(list) if list.iter().any(Value::is_object) => {
            let each = list.iter().enumerate();
            each.for_each(|(at, value)| flatten(&format!("{path}[{at}]"), value, secret, lines));
        }
        value if secret && path != "log.driver" => {
            // A changed secret shows as a change, without its value.
            let mark = fingerprint(&value.to_string());
            lines.push_str(&format!("{path}: *** ({mark:04x})\n"));
        }
        value => lines.push_str(&format!("{path}: {value}\n")),
    }
}

/// Tells two values of one run apart; salted, so that nothing can be guessed from it afterwards.
fn fingerprint(text: &str) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::OnceLock;
    static SALT: OnceLock<RandomState> = OnceLock::new();
    SALT.get_or_init(RandomState::new).hash_one(text) & 0xffff
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
