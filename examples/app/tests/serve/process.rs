use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A running app, killed when it goes out of scope.
pub struct App {
    child: Child,
    pub port: u16,
}

impl App {
    /// Starts the app on a free port and returns when it listens.
    pub fn start(env: &[(&str, &str)]) -> Self {
        let mut child = command(env).env("PORT", "0").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = lines.find(|line| line.as_ref().unwrap().contains("listens on")).unwrap().unwrap();
        // Read on, or the app would die of a broken pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let port = listens.rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Waits for the end, at most ten seconds.
    pub fn wait(mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_app"));
    command.env_clear().envs(env.iter().copied());
    command
}

pub fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    poll(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Waits until the condition holds, at most ten seconds.
pub fn poll(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "not within ten seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}
