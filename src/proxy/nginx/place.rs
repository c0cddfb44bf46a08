use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Result;
use crate::proxy::{Route, Target};

use super::conf::{self, Files, Tree};
use super::driver::NginxDriver;
use super::marker::generation_of;
use super::names;
use super::processes::Processes;
use super::reload::{Change, is_loaded, read_text};
use super::shared;
use super::text::LiveBy;
use super::version::Method;
use crate::proxy::seat::Seat;
use crate::template::fingerprint;

/// Where nginx keeps its main file when nothing says otherwise.
const DEFAULT_MAIN: &str = "/etc/nginx/nginx.conf";

/// How long after a reload all answers can come from former workers: they accept for 100 ms beside the new ones, and a
/// busy machine takes its time.
const FORMER_MAY_ANSWER: Duration = Duration::from_millis(500);

impl NginxDriver {
    /// The files as they should be for a route, in the order in which they are written.
    pub(super) async fn wanted_files(&self, seat: &Seat, route: &Route) -> Result<Vec<Change>> {
        let app = (self.file(), Some(self.render(seat, route, LiveBy::Name).await?));
        Ok(vec![self.shared(seat).await?, app])
    }

    /// The file of all apps, as it should be.
    pub(super) async fn shared(&self, seat: &Seat) -> Result<Change> {
        let version = self.version(seat).await?;
        let path = names::shared_of(&self.proxy);
        let pid = seat.container.state.pid;
        let users_own = match (version.method(), self.users_keepalive.get()) {
            (Method::Flag, _) => false,
            (Method::Reload, Some((known_for, users_own))) if known_for == pid => users_own,
            (Method::Reload, _) => {
                let files = self.read_config(seat).await?;
                Tree::new(&files).at_http("keepalive_min_timeout", &path).is_some()
            }
        };
        self.users_keepalive.set(Some((pid, users_own)));
        Ok((path, Some(shared::shared_file(version, users_own)?)))
    }

    /// Reads nginx's whole configuration.
    pub(super) async fn read_config(&self, seat: &Seat) -> Result<Files> {
        let main = self.main_file(seat).await?;
        Files::read(&*seat.vantage, &main).await
    }

    /// The path of nginx's main file: `-c` of the running master, the usual one, or what the program was built with.
    async fn main_file(&self, seat: &Seat) -> Result<String> {
        if !seat.is_running() {
            return Ok(configured_main(seat).unwrap_or_else(|| DEFAULT_MAIN.to_owned()));
        }
        let processes = Processes::look(&*self.engine, seat).await?;
        if let Some(named) = processes.config_file() {
            return Ok(named);
        }
        if seat.vantage.read(DEFAULT_MAIN).await?.is_some() {
            return Ok(DEFAULT_MAIN.to_owned());
        }
        let built = processes.run(&*self.engine, &seat.container.id, &["-V"]).await?;
        let words = built.output.split_whitespace();
        let path = words.filter_map(|word| word.strip_prefix("--conf-path=")).next();
        Ok(path.unwrap_or(DEFAULT_MAIN).to_owned())
    }

    /// The loopback address of the app's inner server, on an nginx that switches by flag: the one in the app's file, or
    /// one made from the app's name that no other app has.
    pub(super) async fn inner_address(&self, seat: &Seat) -> Result<String> {
        let own = self.file();
        if let Some(address) = read_text(&*seat.vantage, &own).await?.as_deref().and_then(inner_in) {
            return Ok(address);
        }
        let folder = names::folder(&self.proxy);
        let mut taken = Vec::new();
        for name in seat.vantage.list(folder).await?.unwrap_or_default() {
            if name.starts_with("zz-bgd-") {
                let text = read_text(&*seat.vantage, &format!("{folder}/{name}")).await?;
                taken.extend(text.as_deref().and_then(inner_in));
            }
        }
        Ok(free_address(self.app.name.as_str(), &taken))
    }

    /// Whether the running nginx has loaded the app's present file, and that file names this release's host.
    pub(super) async fn knows(&self, seat: &Seat, host: &str, port: u16) -> Result<bool> {
        let Some(disk) = read_text(&*seat.vantage, &self.file()).await? else { return Ok(false) };
        let upstream = names::upstream_of(&self.proxy, &self.app.name);
        if !names(&disk, &upstream, &format!("{host}:{port}")) {
            return Ok(false);
        }
        let Some(generation) = generation_of(&disk) else { return Ok(false) };
        let deadline = Instant::now() + FORMER_MAY_ANSWER;
        loop {
            // Right after a reload only former workers may have answered, and a wrong "no" would cost the name.
            let loaded = is_loaded(&*seat.vantage, &self.app.name, generation).await?;
            if loaded || Instant::now() >= deadline {
                return Ok(loaded);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl NginxDriver {
    /// Whether the app's present file sends requests to the live release by its name, not by addresses of today.
    pub(super) async fn knows_live_by_name(&self, seat: &Seat, live: &Target) -> Result<bool> {
        let disk = read_text(&*seat.vantage, &self.file()).await?.unwrap_or_default();
        let upstream = names::upstream_of(&self.proxy, &self.app.name);
        let address = format!("{}:{}", live.release_host, live.port);
        let is_waiting = |server: &conf::Directive| {
            server.args.first() == Some(&address) && server.args.iter().any(|word| word == "down")
        };
        let is_it =
            |block: &&conf::Directive| block.name == "upstream" && block.args.first() == Some(&upstream);
        let parsed = conf::parse(&disk);
        Ok(!parsed.iter().filter(is_it).flat_map(|block| &block.block).any(is_waiting))
    }
}

/// Whether an upstream of a file has this server, to be resolved while nginx runs.
fn names(text: &str, upstream: &str, address: &str) -> bool {
    let is_it =
        |d: &&conf::Directive| d.name == "upstream" && d.args.first().is_some_and(|name| name == upstream);
    conf::parse(text).iter().filter(is_it).flat_map(|block| &block.block).any(|server| {
        server.name == "server"
            && server.args.first().is_some_and(|a| a == address)
            && server.args.iter().any(|a| a == "resolve")
    })
}

/// The `-c` of a container's own command, for an nginx that does not run.
fn configured_main(seat: &Seat) -> Option<String> {
    let command = seat.container.spec.command.as_ref()?;
    let at = command.iter().position(|word| word == "-c")?;
    command.get(at + 1).cloned()
}

fn inner_in(text: &str) -> Option<String> {
    let start = text.find("listen 127.47.")? + "listen ".len();
    text[start..].split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).next().map(str::to_owned)
}

fn free_address(app: &str, taken: &[String]) -> String {
    let hash = u64::from_str_radix(&fingerprint(app), 16).unwrap_or_default();
    let mut last = String::new();
    for step in 0..65_024_u64 {
        let number = (hash % 65_024 + step) % 65_024;
        last = format!("127.47.{}.{}:24711", number / 254, number % 254 + 1);
        if !taken.contains(&last) {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_address_is_stable_and_nobody_elses() {
        let first = free_address("api", &[]);
        assert_eq!(first, free_address("api", &[]));
        assert!(first.starts_with("127.47.") && first.ends_with(":24711"));
        let second = free_address("api", std::slice::from_ref(&first));
        assert_ne!(first, second);
        assert_eq!(inner_in(&format!("server {{\n listen {second};\n}}")), Some(second));
    }

    #[test]
    fn an_upstream_is_searched_for_a_resolved_server() {
        let text = "upstream api { server api-r1:3000 resolve down; server api-r2:3000; }";
        assert!(names(text, "api", "api-r1:3000"));
        assert!(!names(text, "api", "api-r2:3000"));
        assert!(!names(text, "other", "api-r1:3000"));
    }
}
