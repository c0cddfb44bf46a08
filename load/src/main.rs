//! `bgd-load`: puts load on a server and says whether a request was lost.

use bgd_load::{Kind, Load};
use clap::{Parser, ValueEnum};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

/// Put load on a server, retry nothing, and count every request that fails
///
/// Ends with status 0 when no request failed, 1 when one did, 2 when the load could not run.
#[derive(Parser)]
#[command(name = "bgd-load", version)]
struct Args {
    /// Address to connect to
    #[arg(long, value_name = "ADDRESS:PORT")]
    target: SocketAddr,

    /// Host header [default: the target]
    #[arg(long)]
    host: Option<String>,

    /// Kind of load and number of its clients: paced-keepalive, keepalive, per-connection, slow, post, websocket
    #[arg(long = "kind", value_name = "KIND=CLIENTS", required = true, value_parser = kind)]
    kinds: Vec<(Kind, usize)>,

    /// Path that the plain kinds get
    #[arg(long, default_value = "/version")]
    path: String,

    /// Time after which to stop [default: 30s, with --until-stdin-closes 10m]
    #[arg(long, value_parser = duration)]
    duration: Option<Duration>,

    /// Stop as soon as the standard input ends
    #[arg(long)]
    until_stdin_closes: bool,

    /// Look whether an idle connection has ended before writing to it
    #[arg(long)]
    attentive: bool,

    /// Network namespace to connect from
    #[arg(long, value_name = "PATH")]
    netns: Option<PathBuf>,

    /// Form of the report
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let output = args.output;
    match run(args) {
        Ok(report) => {
            match output {
                Output::Text => print!("{report}"),
                Output::Json => println!("{}", serde_json::json!(report)),
            }
            if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(args: Args) -> io::Result<bgd_load::Report> {
    let mut load =
        Load::new(args.target, args.host.unwrap_or_else(|| args.target.to_string())).path(args.path);
    for (kind, clients) in args.kinds {
        load = load.with(kind, clients);
    }
    if args.attentive {
        load = load.attentive();
    }
    if let Some(netns) = args.netns {
        load = load.netns(netns);
    }
    let running = load.start()?;
    let limit = Duration::from_secs(if args.until_stdin_closes { 600 } else { 30 });
    wait(args.duration.unwrap_or(limit), args.until_stdin_closes);
    Ok(running.stop())
}

/// Waits for the time to pass, or for the standard input to end.
fn wait(duration: Duration, until_stdin_closes: bool) {
    let (ended, end) = mpsc::channel::<()>();
    if until_stdin_closes {
        std::thread::spawn(move || {
            let mut stdin = io::stdin();
            while matches!(stdin.read(&mut [0; 1024]), Ok(1..)) {}
            let _ = ended.send(());
        });
        let _ = end.recv_timeout(duration);
    } else {
        std::thread::sleep(duration);
    }
}

fn kind(text: &str) -> Result<(Kind, usize), String> {
    let (name, clients) = text.split_once('=').ok_or("expected KIND=CLIENTS, such as keepalive=64")?;
    let clients = clients.parse().map_err(|_| format!("{clients:?} is not a number of clients"))?;
    Ok((name.parse()?, clients))
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse().map_err(|_| "expected a duration such as 500ms, 30s or 2m")?;
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err("expected a unit: ms, s or m".into()),
    };
    Duration::try_from_secs_f64(number * unit).map_err(|_| "expected a duration that is not negative".into())
}
