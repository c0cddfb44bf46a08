//! Parses the command line, runs the command, and exits with its code.

use std::process::ExitCode;

use bgd::cli::{self, Args, Session};
use bgd::error::{Error, Kind};
use bgd::event::Event;
use bgd::probe::helper;
use bgd::ui::{self, Output, Style};
use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // bgd as its own helper inside a container: no commands for people, so the parser does not know them.
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(helper::COMMAND), Some(container)) => return helper::main(&container),
        (Some(helper::ASLEEP), None) => return helper::asleep(),
        _ => {}
    }
    let args = Args::parse();
    let env: fn(&str) -> Option<String> = |name| std::env::var(name).ok();
    let style = Style::of_stderr(&env);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("BGD_LOG").unwrap_or_else(|_| EnvFilter::new("off")))
        .with_writer(std::io::stderr)
        .with_ansi(style.color)
        .init();
    let output = args.output;
    let session =
        Session { report: ui::printer(output, style).into(), style, json: output == Output::Json, env };
    let result = runtime().and_then(|runtime| {
        // Signals and event streams are followed by tasks of this one thread.
        let local = tokio::task::LocalSet::new();
        let result = runtime.block_on(local.run_until(cli::run(args, &session)));
        // A lookup that hangs in a thread of its own must not keep the process.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&session, &error);
            ExitCode::from(cli::code(error.kind()))
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Other, "cannot start").caused_by(error))
}

fn tell(session: &Session, error: &Error) {
    if session.json {
        session.report.event(Event::Failed {
            class: cli::class(error.kind()).to_owned(),
            code: cli::code(error.kind()),
            message: error.to_string(),
            causes: error.causes(),
            hints: error.hints().to_vec(),
        });
    }
    ui::print_error(error, session.style);
}
