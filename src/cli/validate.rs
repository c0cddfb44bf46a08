use std::path::PathBuf;

use super::Session;
use crate::error::{Error, Kind, Result};

/// Check the configuration file.
///
/// Every fault is shown at once, with its line, its column and what was expected. Docker is not asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<()> {
    let Some((path, app)) = session.config(args.file.as_deref())? else {
        return Err(Error::new(Kind::Config, "there is no bgd.yaml in this folder")
            .hint("name the configuration with -f FILE"));
    };
    session.report.note(format!("{} is fine: {} ({})", path.display(), app.name, app.image));
    Ok(())
}
