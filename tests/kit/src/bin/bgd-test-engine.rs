//! Runs a command beside a private Docker engine, inside that engine's network namespace.
//!
//!     bgd-test-engine IMAGE... -- COMMAND...
//!
//! `DOCKER_HOST` names the private engine, and `BGD_TEST_ENGINE=beside` says that its published ports are on the loopback
//! interface of the command. The images are copied once, from the engine that `DOCKER_HOST` named before. The engine goes
//! when the command has ended; what an earlier run left behind because it was killed goes at the start.

use bgd_testkit::PrivateEngine;
use nix::sys::signal::{SigHandler, Signal, signal};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};
use std::time::Instant;

extern "C" fn wait_for_the_command(_signal: i32) {}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(at) = words.iter().position(|word| word == "--") else {
        eprintln!("usage: bgd-test-engine IMAGE... -- COMMAND...");
        return ExitCode::from(2);
    };
    let (images, command) = (&words[..at], &words[at + 1..]);
    let Some((program, arguments)) = command.split_first() else {
        eprintln!("error: no command is given after --");
        return ExitCode::from(2);
    };
    // The terminal sends these to the command too. This process has to live on to remove the engine.
    for number in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler does nothing, which is safe at any moment. A command does not inherit it.
        let _ = unsafe { signal(number, SigHandler::Handler(wait_for_the_command)) };
    }
    let began = Instant::now();
    let engine = PrivateEngine::for_a_suite();
    engine.load_images(&images.iter().map(String::as_str).collect::<Vec<_>>());
    let docker = engine.docker();
    let version = docker.ok(["version", "--format", "{{.Server.Version}}, API {{.Server.APIVersion}}"]);
    let driver = docker.ok(["info", "--format", "{{.Driver}} in {{.DockerRootDir}}"]);
    eprintln!("engine {version}, {driver}: ready after {:.1} s", began.elapsed().as_secs_f32());
    let status = Command::new("nsenter")
        .arg(format!("--net={}", engine.netns().display()))
        .arg(program)
        .args(arguments)
        .env("BGD_TEST_ENGINE", "beside")
        .env("DOCKER_HOST", docker.host().unwrap_or_default())
        .status();
    drop(engine);
    // The engine that tests took in turns.
    PrivateEngine::sweep();
    match status {
        Ok(status) => {
            let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(why) => {
            eprintln!("error: nsenter: {why}");
            ExitCode::FAILURE
        }
    }
}
