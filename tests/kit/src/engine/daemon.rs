use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::Child;

/// The process of a daemon, which need not be a child of this one.
pub enum Daemon {
    Child(Child),
    Other(Pid),
}

impl Daemon {
    /// The one whose pid file this is, while it lives.
    pub fn of_file(file: &Path) -> Option<Self> {
        let pid: i32 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
        let mut daemon = Self::Other(Pid::from_raw(pid));
        (!daemon.has_ended()).then_some(daemon)
    }

    pub fn signal(&self, signal: Signal) {
        let pid = match self {
            Self::Child(child) => Pid::from_raw(child.id().try_into().expect("a process id fits")),
            Self::Other(pid) => *pid,
        };
        // One that has ended needs no signal.
        let _ = kill(pid, signal);
    }

    /// Whether it has ended. One that is dead and that its parent has not reaped yet has.
    pub fn has_ended(&mut self) -> bool {
        match self {
            Self::Child(child) => child.try_wait().unwrap().is_some(),
            Self::Other(pid) => std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .map_or(true, |stat| stat.contains(") Z ") || !stat.contains("(dockerd)")),
        }
    }
}
