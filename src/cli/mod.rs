//! The command line: one file per command.

mod adopt;
mod completions;
mod deploy;
mod diagnose;
mod drift;
mod exit;
mod for_clients;
mod history;
mod host;
mod lost_labels;
mod man;
mod moves;
mod plan;
mod preflight;
mod prune;
mod queue;
mod reconcile;
mod recorded;
mod recover;
mod rollback;
mod run;
mod session;
mod show;
mod source;
mod status;
mod summary;
mod table;
mod take_back;
mod tidy;
mod today;
mod trouble;
mod validate;
mod volumes;
mod which;

use clap::{Parser, Subcommand};

use crate::config::Env;
use crate::error::Result;
use crate::ui::{Output, Style, Summary};

pub use exit::{TABLE as EXIT_CODES, class, code, failure};
pub use host::{Host, Machine};
pub use session::Session;

/// Deploy container images to one Docker host without losing a request.
///
/// bgd starts the new release beside the old one, waits until it is healthy, asks it from the proxy's own network,
/// switches the nginx that already runs there, proves that the switch happened, watches the release, takes a bad one
/// back by itself, and retires the old one when nothing is in flight on it any more.
#[derive(Debug, Parser)]
#[command(name = "bgd", version, max_term_width = 100, after_long_help = EXAMPLES)]
pub struct Args {
    /// How to print what happens
    #[arg(long, global = true, value_enum, default_value_t, value_name = "HOW", env = "BGD_OUTPUT")]
    pub output: Output,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Where the summary of this command goes, when it writes one.
    ///
    /// # Errors
    /// Of kind `Usage` when a file was asked for that cannot be written.
    pub fn summary(&self, env: Env<'_>, style: Style) -> Result<Option<Summary>> {
        match &self.command {
            Command::Deploy(args) => args.summary.open(env, style, self.output),
            Command::Rollback(args) => args.summary.open(env, style, self.output),
            Command::Recover(args) => args.summary.open(env, style, self.output),
            Command::Adopt(args) => args.summary.open(env, style, self.output),
            _ => Ok(None),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  bgd deploy myorg/api:1.1          deploy this image to the app of ./bgd.yaml
  bgd deploy api                    deploy this service of ./compose.yaml, which has an x-bgd
  bgd rollback                      go back to the release before
  bgd status                        see what is live
  bgd deploy myorg/api:1.2 --plan   see what would be done, and do nothing

Exit codes:
  0 done            1 other             2 usage             3 configuration
  4 locked          5 Docker            6 never got ready   7 smoke test failed
  8 proxy refused   9 rolled back      10 nothing to roll back to
 11 needs recovery 12 stuck           130 interrupted

Environment:
  DOCKER_HOST      the engine; the default socket when it is not set
  BGD_STATE_DIR    where records are stored; /var/lib/bgd for root
  BGD_COMPOSE      who reads a compose project: docker compose, docker-compose or none (bgd itself)
  NO_COLOR         no colour and no bars; nor with CI
  GITHUB_ACTIONS   true: annotations, and a summary of the job";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy an image as a new release
    Deploy(deploy::Args),
    /// Go back to the release before, or to any other
    Rollback(rollback::Args),
    /// Show what is live, healthy and warm
    Status(status::Args),
    /// List the releases of an app
    History(history::Args),
    /// Show one release in full, secrets hidden
    Show(show::Args),
    /// Show what a deploy would do and change
    Plan(plan::Args),
    /// Finish or undo a deploy that was interrupted
    Recover(recover::Args),
    /// Remove records, logs, containers and images that no rollback needs
    Prune(prune::Args),
    /// Make the container that serves today release 0, without restarting it
    Adopt(adopt::Args),
    /// Check the configuration file
    Validate(validate::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man,
}

/// Runs a command.
///
/// # Errors
/// The command's own.
pub async fn run(args: Args, session: &Session) -> Result<()> {
    let ended = command(args, session).await;
    session.give_back().await;
    ended
}

async fn command(args: Args, session: &Session) -> Result<()> {
    match args.command {
        Command::Deploy(args) => deploy::run(args, session).await,
        Command::Rollback(args) => rollback::run(args, session).await,
        Command::Status(args) => status::run(args, session).await,
        Command::History(args) => history::run(&args, session),
        Command::Show(args) => show::run(&args, session),
        Command::Plan(args) => plan::run(args, session).await,
        Command::Recover(args) => recover::run(args, session).await,
        Command::Prune(args) => prune::run(args, session).await,
        Command::Adopt(args) => adopt::run(args, session).await,
        Command::Validate(args) => validate::run(&args, session),
        Command::Completions(args) => completions::run(&args),
        Command::Man => man::run(),
    }
}
