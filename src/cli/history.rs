use serde::Serialize;

use super::{Session, table};
use crate::error::Result;
use crate::model::{AppName, Outcome, Release, ReleaseNumber, Slot};
use crate::record::{Activation, AppState};

/// List the releases of an app.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The app
    #[arg(value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    release: ReleaseNumber,
    image: &'a str,
    image_id: &'a str,
    slot: Slot,
    created: jiff::Timestamp,
    outcome: &'a Outcome,
    live: bool,
    activations: Vec<&'a Activation>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<()> {
    let name = session.known_app(args.app.as_ref())?;
    let records = session.store()?.app(&name);
    let state = records.state()?;
    let mut releases = Vec::new();
    for number in records.numbers()? {
        match records.release(number) {
            Ok(release) => releases.extend(release),
            // The others are no less true for it.
            Err(error) => session.report.warn(error.one_line(), error.hints().first().cloned()),
        }
    }
    let rows: Vec<Row<'_>> = releases.iter().rev().map(|release| row(release, &state)).collect();
    if args.json || session.json {
        return session.print_json(&rows);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                format!("{}{}", if row.live { "* " } else { "  " }, row.release),
                row.image.to_owned(),
                row.slot.to_string(),
                row.created.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                outcome(row.outcome),
            ]
        })
        .collect();
    session.print(&table::render(&["RELEASE", "IMAGE", "SLOT", "CREATED (UTC)", "OUTCOME"], &cells));
    Ok(())
}

fn row<'a>(release: &'a Release, state: &'a AppState) -> Row<'a> {
    Row {
        release: release.number,
        image: &release.image,
        image_id: &release.image_id,
        slot: release.slot,
        created: release.created,
        outcome: &release.outcome,
        live: state.live() == Some(release.number),
        activations: state.activations.iter().filter(|one| one.release == release.number).collect(),
    }
}

/// An outcome in a line.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unfinished => "unfinished: see bgd recover".to_owned(),
        Outcome::Deployed => "deployed".to_owned(),
        Outcome::Adopted => "adopted".to_owned(),
        Outcome::Failed { reason } => format!("failed: {reason}"),
        Outcome::RolledBack { reason } => format!("rolled back: {reason}"),
    }
}
