//! A hook on the machine where bgd runs.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::{End, Facts, GRACE, Log};
use crate::error::{Error, Kind, Result};

/// How often the output is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// A process that is under way, with all that it has started.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Option<Pid>,
}

impl Process {
    /// Starts a command in a folder. It gets a process group of its own, so that Ctrl-C reaches bgd alone, which then
    /// decides what becomes of it.
    ///
    /// # Errors
    /// Of kind `Hook` when it cannot be started: no such program, no such folder.
    pub async fn start(command: &[String], folder: &Path, facts: &Facts<'_>, log: &Log) -> Result<Self> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| Error::new(Kind::Hook, "there is no command"))?;
        let failed = |error: io::Error| cannot_start(program, folder, error);
        let output = || log.for_process().map(Stdio::from);
        let mut child = Command::new(resolved(program, folder))
            .args(arguments)
            .current_dir(folder)
            .envs(facts.variables())
            .stdin(Stdio::piped())
            .stdout(output().map_err(failed)?)
            .stderr(output().map_err(failed)?)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        if let Some(mut input) = child.stdin.take() {
            // It fits into the pipe. One that does not read what it is told does nothing wrong.
            let _unread = input.write_all(facts.json().as_bytes()).await;
        }
        Ok(Self { child, group })
    }

    /// Waits for its end, at most until then, telling what it writes.
    ///
    /// # Errors
    /// When the system does not say how it ended.
    pub async fn wait(&mut self, until: Instant, log: &mut Log, tell: &mut dyn FnMut(String)) -> Result<End> {
        loop {
            let ended = tokio::select! {
                biased;
                status = self.child.wait() => Some(status),
                () = sleep(PAUSE) => None,
            };
            log.follow(tell);
            match ended {
                Some(Ok(status)) => {
                    log.finish(tell);
                    return Ok(end_of(status));
                }
                Some(Err(error)) => {
                    return Err(Error::new(Kind::Hook, "it is not known how it ended").caused_by(error));
                }
                None if Instant::now() >= until => {
                    self.stop().await;
                    log.follow(tell);
                    log.finish(tell);
                    return Ok(End::TimedOut);
                }
                None => {}
            }
        }
    }

    /// Ends it with all that it has started: SIGTERM, and SIGKILL when that does not help in time.
    pub async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
            let _ended = self.child.wait().await;
        }
        // Its children may have outlived it.
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // One that has ended by now cannot be reached.
            let _gone = killpg(group, signal);
        }
    }
}

/// Waits until nobody has the log of an earlier bgd's hook any more, at most until then. How it ended is not known.
pub async fn outlive(until: Instant, log: &mut Log, tell: &mut dyn FnMut(String)) -> bool {
    loop {
        log.follow(tell);
        if !log.is_in_use() {
            log.finish(tell);
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        sleep(PAUSE).await;
    }
}

/// A program that is named with a slash is meant from the folder of the configuration, others are looked up in `PATH`.
fn resolved(program: &str, folder: &Path) -> PathBuf {
    if program.contains('/') { folder.join(program) } else { PathBuf::from(program) }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::of_code(code.into()),
        (None, Some(signal)) => End::Badly(format!("it was killed by signal {signal}")),
        (None, None) => End::Badly("it did not end well".to_owned()),
    }
}

fn cannot_start(program: &str, folder: &Path, error: io::Error) -> Error {
    let first = Error::new(Kind::Hook, format!("{program} could not be started"));
    if !folder.is_dir() {
        return first.caused_by(format!("there is no folder {}", folder.display())).hint(
            "hooks on the host run in the folder of the configuration with which the release was deployed",
        );
    }
    let remedy = match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => Some(format!(
            "it was looked for from {}; a script also needs what its first line names",
            folder.display()
        )),
        io::ErrorKind::NotFound => {
            Some("it is in no folder of PATH; a script beside the configuration is ./NAME".to_owned())
        }
        io::ErrorKind::PermissionDenied => Some(format!("make it executable: chmod +x {program}")),
        _ => None,
    };
    let error = first.caused_by(match error.raw_os_error() {
        // Linux calls a script without a first line that way.
        Some(nix::libc::ENOEXEC) => "it is no program, and no script that begins with #!".to_owned(),
        _ => error.to_string(),
    });
    remedy.into_iter().fold(error, Error::hint)
}

#[cfg(test)]
mod tests;
