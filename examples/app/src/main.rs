//! A tiny web application to deploy: it tells its version, echoes, answers slowly, and fails on demand.

mod app;
mod check;
mod faults;
mod in_flight;
mod migrate;
mod redis;
mod routes;
mod serve;
mod settings;
mod socket;

use settings::Settings;
use std::process::ExitCode;

const USAGE: &str = "usage: app [serve | check | migrate STEP]\n\n  serve  answers on $PORT (default 3000); GET /count counts in the Redis at $REDIS_ADDR, HOST:PORT\n  check  asks 127.0.0.1:$PORT/health, for a HEALTHCHECK\n  migrate  notes STEP in $MIGRATIONS (default /data/migrations), for a hook";

fn main() -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(why) => return fail(&why),
    };
    match std::env::args().nth(1).as_deref() {
        None | Some("serve") => run(settings),
        Some("check") => check::check(settings.port),
        Some("migrate") => match std::env::args().nth(2) {
            Some(step) => migrate::migrate(&step, &settings.version),
            None => fail(&format!("no step to migrate\n{USAGE}")),
        },
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some(other) => fail(&format!("no such command: {other}\n{USAGE}")),
    }
}

fn run(settings: Settings) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return fail(&why.to_string()),
    };
    match runtime.block_on(serve::serve(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(&why.to_string()),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(2)
}
