use std::net::IpAddr;

use crate::error::Result;
use crate::proxy::InFlight;

use super::conf;
use super::driver::NginxDriver;
use super::marker::MARKER;
use super::processes::Processes;
use super::reload::read_text;
use super::version::Method;

/// Why an old nginx with such a file may hold requests that no connection shows.
const EARLY: &str = "the file that nginx has loaded, of an earlier bgd or of a template, chooses the release when the headers of a \
                     request are there and connects to it when its body is";

impl NginxDriver {
    /// Counts former workers and open connections towards a slot that was left.
    ///
    /// Workers that were born after the switch never knew that slot as live, so they do not count when they leave. All
    /// others do, also those that were leaving before the switch: a body that is still coming has no connection to the app
    /// yet. When the switch was another process's, all leaving workers count.
    pub(super) async fn count_in_flight(&self, left: &[IpAddr]) -> Result<InFlight> {
        let seat = self.running().await?;
        let open = seat.vantage.connections().await?;
        let processes = Processes::look(&*self.engine, &seat).await?;
        let old_workers = {
            let before = self.before_switch.borrow();
            let counts = |pid: &&i32| before.as_ref().is_none_or(|before| before.contains(pid));
            processes.leaving.iter().filter(counts).count()
        };
        // Whatever its port: a release may have had another one than the configuration has now.
        let connections = open.iter().filter(|connection| left.contains(&connection.remote.ip())).count();
        let (how, unseen) = match self.method(&seat).await? {
            Method::Reload => ("no worker of a former configuration and no connection to it is left", None),
            Method::Flag => {
                let text = read_text(&*seat.vantage, &self.file()).await?.unwrap_or_default();
                let early = chooses_early(&text).then(|| EARLY.to_owned());
                (
                    "nginx chooses the release when it connects, and no connection to the old one is open",
                    early,
                )
            }
        };
        Ok(InFlight { old_workers, connections, unseen, how })
    }
}

/// Whether a server of this file that clients reach passes requests to the live slot itself. It does not where that is left
/// to the inner server, which is asked when a request is there as a whole.
fn chooses_early(text: &str) -> bool {
    let is_inner = |block: &conf::Directive| {
        let mut listens = block.block.iter().filter(|d| d.name == "listen").peekable();
        listens.peek().is_some()
            && listens.all(|d| {
                let address = d.args.first().map(String::as_str).unwrap_or_default();
                address.starts_with("127.47.") || address == MARKER.to_string()
            })
    };
    let passes = |directive: &conf::Directive| {
        directive.name == "proxy_pass" && directive.args.iter().any(|arg| arg.contains("$bgd_live"))
    };
    conf::parse(text)
        .iter()
        .filter(|block| block.name == "server" && !is_inner(block))
        .any(|block| has(block, &passes))
}

fn has(block: &conf::Directive, wanted: &dyn Fn(&conf::Directive) -> bool) -> bool {
    block.block.iter().any(|inner| wanted(inner) || has(inner, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_chooses_at_the_headers_is_told_from_one_that_chooses_at_the_connection() {
        let marker = "server { listen 127.0.0.1:24710; location / { proxy_pass http://$bgd_live; } }";
        let former =
            format!("server {{ listen 80; location / {{ proxy_pass http://$bgd_live; }} }} {marker}");
        assert!(chooses_early(&former));
        let now = format!(
            "server {{ listen 127.47.1.2:24711; location / {{ proxy_pass http://$bgd_live; }} }}\n\
             server {{ listen 80; location / {{ proxy_pass http://bgd_api; }} }} {marker}"
        );
        assert!(!chooses_early(&now));
        assert!(chooses_early("server { location / { proxy_pass http://$bgd_live; } }"), "port 80 by itself");
    }
}
