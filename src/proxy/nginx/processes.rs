use std::time::Duration;

use crate::docker::{Engine, ExecOutput, Process};
use crate::error::Result;
use crate::probe::Vantage;

use crate::proxy::seat::Seat;

/// How long nginx may take to read its configuration.
const LIMIT: Duration = Duration::from_secs(30);

/// The processes of an nginx.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processes {
    /// The master's title: `nginx: master process nginx -c …`.
    pub master: Option<String>,
    /// Workers that accept connections.
    pub serving: Vec<i32>,
    /// Workers of a former configuration that finish what they have.
    pub leaving: Vec<i32>,
    /// Whether there is an nginx that has not read its configuration yet: it calls itself master after that.
    pub is_reading: bool,
}

impl Processes {
    /// All workers, of whichever configuration.
    pub fn all(&self) -> Vec<i32> {
        [self.serving.as_slice(), &self.leaving].concat()
    }

    /// Looks at a container's processes: from the place inside it where that can tell, else through the engine.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn look(engine: &dyn Engine, seat: &Seat) -> Result<Self> {
        let container = &seat.container.id;
        if let Some(all) = seat.vantage.processes(container).await {
            let sorted = Self::sort(&all);
            if sorted.master.is_some() {
                return Ok(sorted);
            }
        }
        match engine.processes(container).await {
            Ok(all) => Ok(Self::sort(&all)),
            // Gone since the seat was taken: that is the proxy's failure and not the engine's.
            Err(error) => match engine.container(container).await {
                Ok(Some(now)) if !now.state.running || now.state.restarting => {
                    Err(Seat { container: now, ..seat.clone() }.not_running().caused_by(error))
                }
                _ => Err(error),
            },
        }
    }

    /// Tells them apart by their titles, which nginx sets (`ngx_process_cycle.c`).
    fn sort(all: &[Process]) -> Self {
        let mut sorted = Self::default();
        for process in all {
            if process.title.starts_with("nginx: master process") {
                sorted.master.get_or_insert_with(|| process.title.clone());
            } else if process.title.starts_with("nginx: worker process is shutting down") {
                sorted.leaving.push(process.pid);
            } else if process.title.starts_with("nginx: worker process") {
                sorted.serving.push(process.pid);
            } else if process.title.contains("nginx") {
                // Its command line as it was started, or a script that is to start it.
                sorted.is_reading = true;
            }
        }
        sorted.is_reading = sorted.all().is_empty() && (sorted.is_reading || sorted.master.is_some());
        sorted
    }

    /// The command line of this nginx, so that another call finds the same configuration: program, `-c`, `-p`, `-g`.
    pub fn command(&self) -> Vec<String> {
        let words = self.master.as_deref().and_then(|title| title.strip_prefix("nginx: master process "));
        let mut words = words.unwrap_or("nginx").split_whitespace().peekable();
        let mut command = vec![words.next().unwrap_or("nginx").to_owned()];
        while let Some(word) = words.next() {
            if !matches!(word, "-c" | "-p" | "-g" | "-e") {
                continue;
            }
            let mut value = Vec::new();
            while let Some(next) = words.next_if(|next| !next.starts_with('-')) {
                value.push(next);
                // Only -g takes a text with spaces.
                if word != "-g" {
                    break;
                }
            }
            command.extend([word.to_owned(), value.join(" ")]);
        }
        command
    }

    /// The main configuration file, where the command line names one.
    pub fn config_file(&self) -> Option<String> {
        let command = self.command();
        let at = command.iter().position(|word| word == "-c")?;
        command.get(at + 1).cloned()
    }

    /// Tells nginx to load its files anew. Where the master can be told directly nobody asks nginx first whether it takes
    /// them, which costs a process inside the container: whoever calls proves afterwards that it did.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn tell_directly(&self, vantage: &dyn Vantage) -> Result<bool> {
        match &self.master {
            Some(title) => vantage.hang_up(title).await,
            None => Ok(false),
        }
    }

    /// Runs this nginx's own program with further arguments, such as `-t`.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn run(&self, engine: &dyn Engine, container: &str, arguments: &[&str]) -> Result<ExecOutput> {
        let mut command = self.command();
        command.extend(arguments.iter().map(|&argument| argument.to_owned()));
        engine.exec(container, &command, LIMIT).await
    }
}

/// The lines of an output in which nginx complains.
pub fn complaints(output: &str) -> String {
    let is_complaint =
        |line: &&str| ["[emerg]", "[alert]", "[crit]", "[error]"].iter().any(|l| line.contains(l));
    let lines: Vec<&str> = output.lines().filter(is_complaint).collect();
    if lines.is_empty() { output.trim().to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, title: &str) -> Process {
        Process { pid, parent: 1, title: title.to_owned() }
    }

    #[test]
    fn workers_are_told_apart_by_their_titles() {
        let sorted = Processes::sort(&[
            process(
                1,
                "nginx: master process /usr/sbin/nginx -c /srv/n.conf -g daemon off; worker_processes 2;",
            ),
            process(2, "nginx: worker process"),
            process(3, "nginx: worker process is shutting down"),
            process(4, "nginx: cache manager process"),
            process(5, "sh -c nginx: worker process"),
        ]);
        assert_eq!((sorted.serving.as_slice(), sorted.leaving.as_slice()), ([2].as_slice(), [3].as_slice()));
        let command = ["/usr/sbin/nginx", "-c", "/srv/n.conf", "-g", "daemon off; worker_processes 2;"];
        assert_eq!(sorted.command(), command);
        assert_eq!(sorted.config_file().as_deref(), Some("/srv/n.conf"));
        assert_eq!(Processes::default().command(), ["nginx"]);
    }

    #[test]
    fn an_nginx_without_workers_still_reads_its_configuration() {
        let is_reading = |titles: &[&str]| {
            let all: Vec<_> = titles.iter().zip(1..).map(|(title, pid)| process(pid, title)).collect();
            Processes::sort(&all).is_reading
        };
        assert!(is_reading(&["nginx -g daemon off;"]));
        assert!(is_reading(&["/bin/sh /docker-entrypoint.sh nginx -g daemon off;"]));
        assert!(is_reading(&["nginx: master process nginx"]));
        assert!(!is_reading(&[
            "nginx: master process nginx",
            "nginx: worker process",
            "nginx: cache loader process"
        ]));
        assert!(!is_reading(&["redis-server *:6379"]));
    }

    #[test]
    fn only_the_complaints_of_an_output_are_kept() {
        let output =
            "2026/01/01 [notice] 1#1: using\n2026/01/01 [emerg] 1#1: unknown directive \"x\" in /a:1\n";
        assert_eq!(complaints(output), "2026/01/01 [emerg] 1#1: unknown directive \"x\" in /a:1");
        assert_eq!(complaints("nginx: not found\n"), "nginx: not found");
    }
}
