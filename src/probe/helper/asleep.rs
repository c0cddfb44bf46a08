use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};

/// The hidden command with which bgd's binary does nothing until it is told to stop. The container in which it runs
/// is there for its labels.
pub const ASLEEP: &str = "__asleep";

/// Sleeps until SIGTERM or SIGINT, which the first process of a container ignores unless it asks for them.
pub fn asleep() -> ExitCode {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    match signals.thread_block().and_then(|()| signals.wait()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot wait for a signal: {error}");
            ExitCode::FAILURE
        }
    }
}
