use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Who holds a lock, as its labels say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holder {
    /// The machine's own id; empty where it has none, as in many containers.
    machine: String,
    /// The run of its kernel.
    boot: String,
    /// The process namespace, in which the process has this number.
    namespace: String,
    pid: String,
    /// When the process began, in the kernel's own ticks: a number is given again some day, both are not.
    start: String,
    pub(super) user: String,
    command: String,
    pub(super) state: String,
    since: String,
}

/// Whether the holder is there still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    Gone,
    /// It cannot be seen from here.
    Unknown,
}

const PREFIX: &str = "bgd.lock.";

impl Holder {
    /// This process.
    pub(super) fn this(state: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
        Self {
            machine: read("/etc/machine-id"),
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: namespace(),
            pid: std::process::id().to_string(),
            start: start_of("self").unwrap_or_default(),
            user: crate::user::own_name(),
            command: args.collect::<Vec<_>>().join(" "),
            state: state.display().to_string(),
            since: jiff::Timestamp::now().to_string(),
        }
    }

    fn fields(&mut self) -> [(&'static str, &mut String); 9] {
        [
            ("machine", &mut self.machine),
            ("boot", &mut self.boot),
            ("namespace", &mut self.namespace),
            ("pid", &mut self.pid),
            ("start", &mut self.start),
            ("user", &mut self.user),
            ("command", &mut self.command),
            ("state", &mut self.state),
            ("since", &mut self.since),
        ]
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let mut own = self.clone();
        own.fields().into_iter().map(|(key, value)| (format!("{PREFIX}{key}"), value.clone())).collect()
    }

    pub(super) fn read(labels: &BTreeMap<String, String>) -> Self {
        let mut holder = Self::default();
        for (key, value) in holder.fields() {
            value.clone_from(labels.get(&format!("{PREFIX}{key}")).unwrap_or(&String::new()));
        }
        holder
    }

    /// Whether the process is there still, as far as it can be seen from this one.
    pub(super) fn life(&self) -> Life {
        let here = Self::this(Path::new(""));
        if self.boot != here.boot {
            // A machine that was started again ended all that ran on it.
            let same = !self.machine.is_empty() && self.machine == here.machine;
            return if same { Life::Gone } else { Life::Unknown };
        }
        if self.namespace != here.namespace || self.namespace.is_empty() || self.start.is_empty() {
            return Life::Unknown;
        }
        match start_of(&self.pid) {
            Some(start) if start == self.start => Life::Alive,
            Some(_) => Life::Gone,
            None if is_there(&self.pid) => Life::Alive,
            None => Life::Gone,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, pid, user, state, since, .. } = self;
        write!(f, "by `{command}` (process {pid}, user {user}, state folder {state}) since {since}")
    }
}

fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid");
    link.map(|link| link.display().to_string()).unwrap_or_default()
}

/// The 22nd field of `/proc/PID/stat` (proc(5)); names in brackets may hold spaces.
fn start_of(pid: &str) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

/// Whether there is such a process, where `/proc` hides those of other users.
fn is_there(pid: &str) -> bool {
    let Ok(pid) = pid.parse() else { return false };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) != Err(nix::errno::Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_gone_is_told_from_one_that_cannot_be_seen() {
        let this = Holder::this(Path::new("/state"));
        assert_eq!(Holder::read(&this.labels()), this);
        assert_eq!(this.life(), Life::Alive);
        let changed = |change: &dyn Fn(&mut Holder)| {
            let mut other = this.clone();
            change(&mut other);
            other.life()
        };
        assert_eq!(changed(&|other| other.start = "1".to_owned()), Life::Gone, "its number was given again");
        assert_eq!(changed(&|other| other.pid = "4194304".to_owned()), Life::Gone);
        assert_eq!(changed(&|other| other.namespace = "pid:[1]".to_owned()), Life::Unknown);
        let elsewhere = |machine: &str| {
            changed(&|other| (other.boot, other.machine) = ("x".to_owned(), machine.to_owned()))
        };
        assert_eq!(elsewhere("another"), Life::Unknown);
        assert_eq!(elsewhere(""), Life::Unknown);
        if !this.machine.is_empty() {
            assert_eq!(elsewhere(&this.machine), Life::Gone, "the machine was started again");
        }
    }
}
