use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use serde::Serialize;

use super::{Session, table, today};
use crate::docker::{Engine, Summary};
use crate::error::{Error, Result};
use crate::model::{App, AppName, Release, ReleaseNumber, Slot, label};
use crate::proxy::{Proxies, Seen};
use crate::record::{AppState, AppStore, Holder, JournalState};

mod places;

/// Show what is live, healthy and warm.
///
/// What is live is read back from the proxy, not from the records. What was changed by hand is told: containers, files of
/// the proxy, images. The settings of containers are compared with their record when ten apps or fewer are shown.
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

/// The records of one app, read.
struct Recorded {
    name: AppName,
    /// By which its proxy is asked.
    app: Option<App>,
    live: Option<Release>,
    since: Option<jiff::Timestamp>,
    /// The release that became live last.
    number: Option<ReleaseNumber>,
    /// The release that a rollback would go to.
    previous: Option<ReleaseNumber>,
    journal: std::result::Result<JournalState, String>,
    holder: Option<Holder>,
    store: AppStore,
    /// What could not be read.
    damage: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<()> {
    let engine = session.engine().await?;
    loop {
        let rows = rows(args.app.as_ref(), session, engine.as_ref(), &engine).await?;
        if args.json || session.json {
            session.print_json(&rows)?;
        } else {
            if args.watch && std::io::stdout().is_terminal() {
                table::print("\x1b[H\x1b[2J");
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
    engine: &dyn Engine,
    shared: &std::rc::Rc<dyn Engine>,
) -> Result<Vec<Row>> {
    let store = session.store()?;
    let names = match wanted {
        Some(name) => vec![session.known_app(Some(name))?],
        None => store.apps()?,
    };
    let mut recorded: Vec<_> = names.into_iter().map(|name| read(store.app(&name), name)).collect();
    let looks_closely = recorded.len() <= MANY;
    let proxies = Proxies::new(shared.clone());
    if looks_closely {
        for one in &mut recorded {
            places::locate(&proxies, one).await?;
        }
    }
    let of_apps = [label::APP.to_owned()];
    let (labelled, images) = tokio::try_join!(engine.containers(&of_apps), engine.image_ids())?;
    let apps: Vec<_> = recorded.iter().filter_map(|one| one.app.as_ref()).collect();
    let mut lives = crate::proxy::seen_many(shared.clone(), &apps).await.into_iter();
    let mut rows = Vec::new();
    for one in recorded {
        let live = if one.app.is_some() { lives.next() } else { None };
        let mut row = row(&one, live, &labelled);
        row.problems.extend(image_is_gone(&one, row.live, &labelled, &images));
        if looks_closely && one.holder.is_none() {
            row.problems.extend(changed(&one, row.live, engine).await?);
            row.problems.extend(places::left(&proxies, &one, row.live).await);
        }
        if let Some(service) = one.live.as_ref().and_then(|live| live.app.compose.as_ref()) {
            let beside = today::beside(engine, &one.store, service).await?;
            let beside = beside.map(|problem| told(&problem));
            // That a record is damaged may have been told already.
            row.problems.extend(beside.filter(|problem| !row.problems.contains(problem)));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Reads what can be read: damage to one file must not hide what is live, nor the other apps.
fn read(store: AppStore, name: AppName) -> Recorded {
    let mut damage = Vec::new();
    let state = store.state().unwrap_or_else(|error| {
        damage.push(told(&error));
        AppState::default()
    });
    let numbers = store.numbers().unwrap_or_else(|error| {
        damage.push(told(&error));
        Vec::new()
    });
    let last = state.activations.last();
    // Before the first deploy has ended there is no live release, but its configuration is known.
    let number = last.map(|last| last.release).or_else(|| numbers.last().copied());
    let live = number.and_then(|number| {
        store.release(number).unwrap_or_else(|error| {
            damage.push(told(&error));
            None
        })
    });
    let any = || numbers.iter().rev().find_map(|number| store.release(*number).ok().flatten());
    Recorded {
        app: live.clone().or_else(any).map(|release| release.app),
        live,
        since: last.map(|last| last.at),
        number: last.map(|last| last.release),
        previous: last.and_then(|last| state.previous(last.release)),
        journal: store.journal().map_err(|error| told(&error)),
        holder: store.holder(),
        name,
        store,
        damage,
    }
}

/// An error with its remedies, in a line.
fn told(error: &Error) -> String {
    let hints = error.hints().iter().map(|hint| format!("; {hint}"));
    error.one_line() + &hints.collect::<String>()
}

fn row(one: &Recorded, seen: Option<Result<Seen>>, labelled: &[Summary]) -> Row {
    let mut problems = one.damage.clone();
    let mine =
        |summary: &&Summary| summary.labels.get(label::APP).is_some_and(|app| app == one.name.as_str());
    let containers: Vec<&Summary> = labelled.iter().filter(mine).collect();
    let was_asked = matches!(seen, Some(Ok(_)));
    let seen = match seen {
        None => Seen::default(),
        Some(Ok(seen)) => seen,
        Some(Err(error)) => {
            problems.push(format!("the proxy could not be asked: {}", error.one_line()));
            let service = one.app.as_ref().and_then(|app| app.compose.as_ref());
            problems.extend(service.map(|service| {
                format!("if the proxy is a service of the project: {}", service.command_line("up -d"))
            }));
            Seen::default()
        }
    };
    let live = seen.live;
    problems.extend(seen.edited.iter().map(|path| {
        format!(
            "{path} in {} was changed or removed by hand: bgd recover writes it anew, as the next deploy does",
            proxy(one)
        )
    }));
    let number = live.and_then(|live| live.release.or_else(|| running_in(live.slot, &containers, one)));
    let release = match number {
        Some(number) if one.live.as_ref().is_some_and(|release| release.number == number) => one.live.clone(),
        Some(number) => one.store.release(number).unwrap_or_else(|error| {
            let damage = told(&error);
            if !problems.contains(&damage) {
                problems.push(damage);
            }
            None
        }),
        None => None,
    };
    let of = |summary: &Summary, number: ReleaseNumber| {
        summary.labels.get(label::RELEASE) == Some(&number.to_string())
    };
    let mut states = BTreeMap::new();
    let mut warm: Vec<ReleaseNumber> = Vec::new();
    for summary in &containers {
        let its =
            summary.labels.get(label::RELEASE).and_then(|number| number.parse().ok()).map(ReleaseNumber);
        if number.is_some_and(|number| of(summary, number)) {
            states.insert(summary.name.clone(), summary.status_text.clone());
            if summary.status != "running" || summary.status_text.contains("unhealthy") {
                problems.push(format!("{} is live and {}", summary.name, summary.status_text));
            }
        } else if summary.status == "running"
            && let Some(its) = its
            && !warm.contains(&its)
        {
            warm.push(its);
        }
    }
    problems.extend(drift(one, was_asked, number, release.as_ref(), &states));
    Row {
        app: one.name.clone(),
        live: number,
        slot: live.map(|live| live.slot),
        image: release.as_ref().map(|release| release.image.clone()),
        since: one.since.filter(|_| number.is_some() && number == one.number),
        containers: states,
        warm,
        problems,
    }
}

/// Containers of the live release that are not as they were created.
async fn changed(one: &Recorded, live: Option<ReleaseNumber>, engine: &dyn Engine) -> Result<Vec<String>> {
    // A record that cannot be read is told already.
    let Some(release) = live.and_then(|live| one.store.release(live).ok().flatten()) else {
        return Ok(Vec::new());
    };
    let present = crate::plan::present(engine, &release).await?;
    let found = crate::plan::changed(&release, &present)?;
    let remedy =
        |found| format!("{found}: bgd recover {} deploys it anew, as the next deploy does", one.name);
    Ok(found.into_iter().map(remedy).collect())
}

/// A release that a rollback would have to create again needs its image.
fn image_is_gone(
    one: &Recorded,
    live: Option<ReleaseNumber>,
    labelled: &[Summary],
    images: &[String],
) -> Option<String> {
    let previous = live.and_then(|live| one.previous.filter(|previous| *previous != live))?;
    let is_its = |summary: &&Summary| {
        summary.labels.get(label::APP).is_some_and(|app| app == one.name.as_str())
            && summary.labels.get(label::RELEASE) == Some(&previous.to_string())
    };
    let release = match one.store.release(previous) {
        Ok(release) => release?,
        Err(error) => return Some(told(&error)),
    };
    let is_there = crate::plan::is_foreign(&release)
        || labelled.iter().filter(is_its).count() >= release.containers.len()
        || images.contains(&release.image_id);
    (!is_there).then(|| {
        let again = release.repo_digest.as_ref().unwrap_or(&release.image);
        format!("a rollback to release {previous} needs its image, which is gone: docker pull {again}")
    })
}

fn proxy(one: &Recorded) -> &str {
    one.app.as_ref().map_or("the proxy", |app| app.proxy.container().as_str())
}

/// What is unfinished or not as the records say.
fn drift(
    one: &Recorded,
    was_asked: bool,
    number: Option<ReleaseNumber>,
    release: Option<&Release>,
    states: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let app = &one.name;
    match (&one.journal, &one.holder) {
        (_, Some(holder)) => {
            problems.push(format!("being changed by process {} since {}", holder.pid, holder.since));
        }
        (Ok(JournalState::Open(replay)), None) => problems.push(format!(
            "the deploy of release {} did not end: bgd recover {app}{}",
            replay.release,
            if replay.former.is_some() { format!(", or bgd rollback {app}") } else { String::new() }
        )),
        (Err(error), None) => problems.push(error.clone()),
        _ => {}
    }
    let recorded = one.number;
    if one.holder.is_none() && matches!(one.journal, Ok(JournalState::None | JournalState::Ended(_))) {
        match (number, recorded) {
            // A proxy that could not be asked may well have its route.
            (None, Some(recorded)) if was_asked => problems.push(format!(
                "the proxy has no route for it; the records say release {recorded}: bgd recover {app} restores it"
            )),
            (Some(number), Some(recorded)) if number != recorded => {
                problems.push(format!("the proxy routes to release {number}, the records say {recorded}"));
            }
            _ => {}
        }
    }
    if let Some(release) = release
        && !crate::plan::is_foreign(release)
        && states.len() < release.containers.len()
    {
        let missing = release.containers.len() - states.len();
        problems.push(format!(
            "{missing} of its {} containers are missing: bgd recover {app} deploys it anew",
            release.containers.len()
        ));
    }
    problems
}

fn running_in(slot: Slot, containers: &[&Summary], one: &Recorded) -> Option<ReleaseNumber> {
    let here = containers.iter().find(|summary| {
        summary.status == "running" && summary.labels.get(label::SLOT).is_some_and(|s| s == slot.as_str())
    });
    let labelled =
        here.and_then(|summary| summary.labels.get(label::RELEASE)?.parse().ok().map(ReleaseNumber));
    labelled.or_else(|| one.live.as_ref().filter(|live| live.slot == slot).map(|live| live.number))
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
