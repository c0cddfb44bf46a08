//! `app migrate STEP`: stands for the migrations of a database, for the hooks of a deploy.

use crate::faults;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Notes in the file `$MIGRATIONS` (default `/data/migrations`) that it ran, after `$MIGRATE_DELAY`; ends with
/// `$MIGRATE_EXIT` instead when that is set.
pub fn migrate(step: &str, version: &str) -> ExitCode {
    let mut told = String::new();
    // By hand there may be nobody who tells of a deploy.
    let _bytes = std::io::stdin().read_to_string(&mut told);
    println!("migrating: {step}");
    if !told.is_empty() {
        println!("told: {}", told.trim());
    }
    let delay = match var("MIGRATE_DELAY").map(|delay| faults::duration(&delay)).transpose() {
        Ok(delay) => delay.unwrap_or_default(),
        Err(why) => return fail(&format!("MIGRATE_DELAY: {why}")),
    };
    match wait(delay) {
        Ok(true) => {}
        Ok(false) => {
            println!("interrupted: {step}");
            return ExitCode::from(143);
        }
        Err(why) => return fail(&why.to_string()),
    }
    if let Some(code) = var("MIGRATE_EXIT").and_then(|code| code.parse().ok()) {
        return fail_with(code, &format!("{step} cannot be migrated"));
    }
    let path = var("MIGRATIONS").unwrap_or_else(|| "/data/migrations".to_string());
    let release = var("BGD_RELEASE").unwrap_or_else(|| "none".to_string());
    let file = OpenOptions::new().append(true).create(true).open(&path);
    match file.and_then(|mut file| file.write_all(format!("{step} {version} release {release}\n").as_bytes()))
    {
        Ok(()) => {
            println!("migrated: {step}");
            ExitCode::SUCCESS
        }
        Err(why) => fail(&format!("{path}: {why}")),
    }
}

/// Waits; `false` when it was asked to stop meanwhile. As process 1 of a container it has to listen for that itself.
fn wait(delay: Duration) -> std::io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stop = signal(SignalKind::terminate())?;
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(true),
            _ = stop.recv() => Ok(false),
        }
    })
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn fail(why: &str) -> ExitCode {
    fail_with(2, why)
}

fn fail_with(code: u8, why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(code)
}
