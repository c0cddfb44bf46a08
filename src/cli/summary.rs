use std::path::{Path, PathBuf};

use crate::config::Env;
use crate::error::{Error, Kind, Result};
use crate::ui::{self, Output, Style};

/// Where it is told in Markdown how a command went.
#[derive(Debug, Clone, clap::Args)]
pub struct Summary {
    /// Append a summary in Markdown to this file, or print it (-); a job of GitHub Actions gets one without being asked
    #[arg(long = "summary", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl Summary {
    /// The summary that was asked for, or the one of the job that runs bgd.
    ///
    /// # Errors
    /// Of kind `Usage` when a file was asked for that cannot be written.
    pub(super) fn open(&self, env: Env<'_>, style: Style, output: Output) -> Result<Option<ui::Summary>> {
        if let Some(path) = &self.file {
            if path == Path::new("-") {
                return match output {
                    Output::Json => Err(Error::new(
                        Kind::Usage,
                        "--summary - and --output json both write to standard output",
                    )
                    .hint("give the summary a file: --summary FILE")),
                    Output::Auto | Output::Line => Ok(Some(ui::Summary::to_stdout(style))),
                };
            }
            return ui::Summary::asked_for(path).map(Some);
        }
        // Nobody asked for this one, so that it cannot be written keeps nothing from being deployed.
        let of_job = env("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        Ok(of_job.map(|path| ui::Summary::of_runner(Path::new(&path))))
    }
}
