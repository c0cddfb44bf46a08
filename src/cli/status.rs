use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use serde::Serialize;

use super::diagnose::{Diagnosis, Evidence, closely, diagnose, release_of};
use super::recorded::{Recorded, told};
use super::{Session, table, today};
use crate::docker::{Engine, Summary};
use crate::error::Result;
use crate::model::{AppName, ReleaseNumber, Slot, label};
use crate::own;

mod places;

/// Show what is live, healthy and warm.
///
/// What is live is read back from the proxy, not from the records. What was changed by hand is told: records,
/// containers, files of the proxy, images. When ten apps or fewer are shown, the settings of their containers are compared
/// with their records, and each app is sent one request through its proxy.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The app; all of them when left out
    #[arg(value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// Show it anew every two seconds
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
}

/// Each container's settings take the engine a question of its own: only asked where the apps are no more than these.
const MANY: usize = 10;

#[derive(Debug, Serialize)]
struct Row {
    app: AppName,
    /// The release that the proxy routes to.
    live: Option<ReleaseNumber>,
    slot: Option<Slot>,
    image: Option<String>,
    /// Since when, by the records.
    since: Option<jiff::Timestamp>,
    /// Each container of the live release and how it is.
    containers: BTreeMap<String, String>,
    /// Other releases whose containers run: a rollback to them is one switch.
    warm: Vec<ReleaseNumber>,
    /// What is not as it should be, and what to do.
    problems: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let engine = session.engine().await?;
    loop {
        let rows = rows(args.app.as_ref(), session, &engine).await?;
        if args.json || session.json {
            session.print_json(&rows)?;
        } else {
            if args.watch && std::io::stdout().is_terminal() {
                session.host.print("\x1b[H\x1b[2J");
            }
            session.print(&text(&rows));
        }
        if !args.watch {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn rows(
    wanted: Option<&AppName>,
    session: &Session,
    engine: &std::rc::Rc<dyn Engine>,
) -> Result<Vec<Row>> {
    let store = session.store()?;
    let names = match wanted {
        Some(name) => vec![session.known_app(Some(name))?],
        None => store.apps()?,
    };
    let recorded: Vec<_> = names.iter().map(|name| Recorded::read(store.app(name))).collect();
    let of_apps = [label::APP.to_owned()];
    let (labelled, images) = tokio::try_join!(own::labelled(engine.as_ref(), &of_apps), engine.image_ids())?;
    let apps: Vec<_> = recorded.iter().filter_map(Recorded::app).collect();
    let looks_closely = recorded.len() <= MANY;
    let proxies = session.proxies(engine);
    let mut lives = proxies.seen_many(&apps).await.into_iter();
    let mut rows = Vec::new();
    for one in &recorded {
        let name = one.store.name();
        let is_its =
            |summary: &&Summary| summary.labels.get(label::APP).is_some_and(|app| app == name.as_str());
        let mine: Vec<Summary> = labelled.iter().filter(is_its).cloned().collect();
        // What cannot be read is told by the diagnosis.
        let of_app = own::of_app(&mine, |number| Ok(one.store.release(number).ok().flatten()))?;
        let unproved = |summary: &&Summary| {
            one.holder.is_none() && of_app.strangers().any(|stranger| stranger.id == summary.id)
        };
        let containers: Vec<&Summary> = mine.iter().filter(|summary| !unproved(summary)).collect();
        let seen = if one.app().is_some() { lives.next() } else { None };
        let mut diagnosis =
            diagnose(Evidence { recorded: one, seen, containers: &containers, labelled: &mine });
        if looks_closely && one.holder.is_none() {
            closely((engine, &proxies), one, &mut diagnosis).await?;
        }
        let mut row = row(one, &diagnosis, &containers);
        if looks_closely && one.is_quiet() {
            row.problems.extend(places::left(&session.proxies(engine), one, row.live).await);
        }
        if one.holder.is_none() {
            // Of what is live without a record the diagnosis tells.
            let is_live = |summary: &&Summary| row.live.is_some() && release_of(summary) == row.live;
            let others: Vec<String> = (of_app.unknown.iter())
                .filter(|summary| !is_live(summary) || unproved(summary))
                .map(today::unknown)
                .collect();
            row.problems.extend(others);
        }
        row.problems.extend(image_is_gone(one, row.live, &containers, &images));
        if let Some(service) = one.app().and_then(|app| app.compose.as_ref()) {
            let beside = today::beside(engine.as_ref(), &one.store, service).await?;
            let beside = beside.map(|problem| told(&problem));
            // That a record is damaged may have been told already.
            row.problems.extend(beside.filter(|problem| !row.problems.contains(problem)));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn row(one: &Recorded, diagnosis: &Diagnosis, containers: &[&Summary]) -> Row {
    let number = diagnosis.number;
    let mut warm: Vec<ReleaseNumber> = Vec::new();
    for its in
        containers.iter().filter(|summary| summary.status == "running").filter_map(|one| release_of(one))
    {
        if Some(its) != number && !warm.contains(&its) {
            warm.push(its);
        }
    }
    let name = one.store.name();
    let last = one.state.as_ref().ok().and_then(|state| state.activations.last());
    Row {
        app: name.clone(),
        live: number,
        slot: diagnosis.live.map(|live| live.slot),
        image: number
            .filter(|_| !diagnosis.is_anothers)
            .and_then(|number| one.release(number))
            .map(|release| release.image.clone()),
        since: last.filter(|last| Some(last.release) == number).map(|last| last.at),
        containers: diagnosis.states.clone(),
        warm,
        problems: diagnosis.troubles.iter().map(|trouble| trouble.told(name)).collect(),
    }
}

/// A release that a rollback would have to create again needs its image.
fn image_is_gone(
    one: &Recorded,
    live: Option<ReleaseNumber>,
    containers: &[&Summary],
    images: &[String],
) -> Option<String> {
    // A record that cannot be read is told already.
    let live = live?;
    let previous = one.state.as_ref().ok()?.previous(live)?;
    let release = one.release(previous)?;
    let its = containers.iter().filter(|summary| release_of(summary) == Some(previous));
    let is_there = crate::plan::is_foreign(release)
        || its.count() >= release.containers.len()
        || images.contains(&release.image_id);
    (!is_there).then(|| {
        let again = release.repo_digest.as_ref().unwrap_or(&release.image);
        format!("a rollback to release {previous} needs its image, which is gone: docker pull {again}")
    })
}

fn text(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "nothing has been deployed on this host yet: bgd deploy IMAGE\n".to_owned();
    }
    let dash = || "-".to_owned();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let states: Vec<_> = row.containers.values().map(String::as_str).collect();
            let state = match states.as_slice() {
                [] => dash(),
                [one] => (*one).to_owned(),
                several => format!("{} containers, {}", several.len(), several[0]),
            };
            vec![
                row.app.to_string(),
                row.live.map_or_else(dash, |number| number.to_string()),
                row.image.clone().unwrap_or_else(dash),
                row.slot.map_or_else(dash, |slot| slot.to_string()),
                state,
                if row.warm.is_empty() { dash() } else { list(&row.warm) },
            ]
        })
        .collect();
    let mut text = table::render(&["APP", "LIVE", "IMAGE", "SLOT", "STATE", "WARM"], &cells);
    for row in rows {
        for problem in &row.problems {
            text.push_str(&format!("! {}: {problem}\n", row.app));
        }
    }
    text
}

fn list(numbers: &[ReleaseNumber]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
