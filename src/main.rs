//! Parses the command line, runs the command, and exits with its code.

use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;

use bgd::cli::{self, Args, Machine, Session};
use bgd::error::{Error, Kind};
use bgd::event::Event;
use bgd::probe::helper;
use bgd::ui::{self, Output, Style};
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // bgd as its own helper inside a container: no commands for people, so the parser does not know them.
    let mut arguments = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(helper::COMMAND), Some(container)) => return helper::main(&container),
        (Some(helper::ASLEEP), None) => return helper::asleep(),
        _ => {}
    }
    let env: fn(&str) -> Option<String> = |name| std::env::var(name).ok();
    let style = Style::of_stderr(&env);
    let args = match parse(style, env) {
        Ok(args) => args,
        Err(code) => return code,
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("BGD_LOG").unwrap_or_else(|_| EnvFilter::new("off")))
        .with_writer(move || ui::Clean::new(std::io::stderr(), style))
        .with_ansi(style.color)
        .init();
    let (summary, refused) = match args.summary(&env, style) {
        Ok(summary) => (summary.map(Rc::new), None),
        Err(error) => (None, Some(error)),
    };
    let output = args.output;
    let report = ui::printer(output, style, &env, summary.clone());
    let host = Rc::new(Machine { env });
    let session = Session {
        host,
        report,
        style,
        json: output == Output::Json,
        env,
        turns: Default::default(),
        told: Default::default(),
    };
    let result = refused.map_or_else(|| run(args, &session), Err);
    if let Err(error) = &result {
        session.report.event(Event::Failed(cli::failure(error)));
    }
    if let Some(Err(error)) = summary.map(|summary| summary.write()) {
        // What was done is done: its exit code has to tell of that alone.
        session.report.warn(error.one_line(), error.hints().first().cloned());
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(cli::code(error.kind())),
    }
}

/// Parses the command line; what is wrong with it, and help, is printed without colour unless a terminal reads it.
fn parse(style: Style, env: fn(&str) -> Option<String>) -> Result<Args, ExitCode> {
    let color = if style.color { ColorChoice::Auto } else { ColorChoice::Never };
    let parsed =
        Args::command().color(color).try_get_matches().and_then(|found| Args::from_arg_matches(&found));
    parsed.map_err(|error| {
        if style.github && error.use_stderr() {
            // The command line may hold what somebody typed into a form.
            let text = error.render().to_string();
            let _ = std::io::stderr().write_all(style.clean(&text).as_bytes());
            let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
            ui::annotate_usage(style, &env, cli::failure(&Error::new(Kind::Usage, first)));
        } else {
            let _ = error.print();
        }
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
    })
}

fn run(args: Args, session: &Session) -> Result<(), Error> {
    let runtime = runtime()?;
    // Signals and event streams are followed by tasks of this one thread.
    let local = tokio::task::LocalSet::new();
    let result = runtime.block_on(local.run_until(cli::run(args, session)));
    // A lookup that hangs in a thread of its own must not keep the process.
    runtime.shutdown_background();
    result
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Other, "cannot start").caused_by(error))
}
