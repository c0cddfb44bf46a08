//! What Traefik still has in hand for a release that was left.
//!
//! Traefik has no drain state, and its connections tell only a part: idle ones stay open for 90 s, and a middleware can hold
//! a request before there is a connection to the app at all. What is always open while a request is in flight is the
//! connection of its client. So where the connections to the app do not tell, those of clients can: once none is left of
//! those that were open when the switch took effect, nothing is in flight.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use crate::config::parse_duration;
use crate::error::Result;
use crate::probe::{Carries, Connection};
use crate::proxy::InFlight;

use super::confirm::api;
use super::driver::TraefikDriver;
use super::means::Scene;
use super::settings::Settings;

/// How long Traefik keeps an idle connection unless it is told otherwise (`serversTransport.forwardingTimeouts.idleConnTimeout`).
const KEPT: Duration = Duration::from_secs(90);
/// How much later than that an idle connection may be closed.
const LATE: Duration = Duration::from_secs(5);

/// Middlewares by which a request is passed on or answered as soon as its headers are there (Traefik 3, "HTTP middlewares").
/// Others, such as `buffering`, `forwardAuth`, `rateLimit`, `retry` and plugins, can hold it.
const PASS_AT_ONCE: [&str; 20] = [
    "addprefix",
    "basicauth",
    "circuitbreaker",
    "compress",
    "contenttype",
    "digestauth",
    "errors",
    "grpcweb",
    "headers",
    "inflightreq",
    "ipallowlist",
    "ipwhitelist",
    "passtlsclientcert",
    "redirectregex",
    "redirectscheme",
    "replacepath",
    "replacepathregex",
    "stripprefix",
    "stripprefixregex",
    "encodedcharacters",
];

/// What a driver remembers of the moment of a switch.
#[derive(Debug, Default)]
pub struct AtSwitch {
    /// The connections of clients that were open when the switch was proved.
    clients: Option<HashSet<(SocketAddr, SocketAddr)>>,
    /// The middlewares of the route that was left which can hold a request.
    holding: Vec<String>,
}

impl TraefikDriver {
    /// Remembers what can hold a request of the route that is about to be left.
    pub(super) async fn note_middlewares(&self, scene: &Scene<'_>) {
        let holding = self.holding(scene).await;
        *self.at_switch.borrow_mut() = AtSwitch { clients: None, holding };
    }

    /// Remembers which clients were connected when the switch had taken effect.
    pub(super) async fn note_clients(&self, scene: &Scene<'_>) -> Result<()> {
        let open = scene.seat.vantage.connections().await?;
        self.at_switch.borrow_mut().clients = Some(clients(&open, scene.settings));
        Ok(())
    }

    /// Counts what is in flight towards a release that was left.
    pub(super) async fn count_in_flight(&self, scene: &Scene<'_>, left: &[IpAddr]) -> Result<InFlight> {
        let open = scene.seat.vantage.connections().await?;
        let holding = self.holding(scene).await;
        let now = clients(&open, scene.settings);
        let (former_clients, holding) = {
            let mut at_switch = self.at_switch.borrow_mut();
            // Without a memory of the switch, everybody who is connected now may have been connected then.
            let then = at_switch.clients.get_or_insert_with(|| now.clone());
            let former_clients = then.intersection(&now).count();
            (former_clients, [holding, at_switch.holding.clone()].concat())
        };
        // Whatever its port: a release may have had another one than the configuration has now.
        let to_left = open.iter().filter(|connection| left.contains(&connection.remote.ip()));
        let closes_idle = self.means.closes_idle(scene);
        let mut seen = Seen { sees_clients: sees_clients(scene.settings), former_clients, ..Seen::default() };
        for connection in to_left {
            match closes_idle {
                true => seen.busy += 1,
                false => seen.add(connection.carries(), kept(scene.settings)),
            }
        }
        seen.holding = holding;
        seen.holding.sort();
        seen.holding.dedup();
        Ok(seen.judge())
    }

    /// The middlewares of the route, as it is now and as the configuration has it, that can hold a request.
    async fn holding(&self, scene: &Scene<'_>) -> Vec<String> {
        let data = match api(scene) {
            Some(api) => api.get("rawdata").await.ok().flatten(),
            None => None,
        };
        let provider = self.means.provider();
        let full =
            |name: &String| if name.contains('@') { name.clone() } else { format!("{name}@{provider}") };
        let mut names: Vec<String> = scene.proxy.router.middlewares.iter().map(full).collect();
        let Some(data) = data else {
            let at_entrypoints = |(key, _): (&String, &String)| {
                let is_one = key.starts_with("entrypoints.") && key.contains(".http.middlewares");
                is_one.then(|| key.clone())
            };
            names.extend(scene.settings.options.iter().filter_map(at_entrypoints));
            return names;
        };
        let routers = data["routers"].as_object().into_iter().flatten();
        for (_, router) in routers.filter(|(name, _)| self.is_own(name)) {
            let its = router["middlewares"].as_array().into_iter().flatten();
            names.extend(its.filter_map(Value::as_str).map(|name| full(&name.to_owned())));
        }
        names.sort();
        names.dedup();
        names.retain(|name| can_hold(&data, name, 0));
        names
    }
}

/// What the connections have shown.
#[derive(Debug, Default)]
struct Seen {
    /// Connections to the release that carry a request.
    busy: usize,
    /// Those of which it cannot be told.
    unclear: usize,
    holding: Vec<String>,
    former_clients: usize,
    sees_clients: bool,
}

impl Seen {
    /// Counts a connection where Traefik keeps idle ones for so long; `None` is without an end.
    fn add(&mut self, carries: Carries, kept: Option<Duration>) {
        match carries {
            Carries::Nothing => {}
            Carries::Request => self.busy += 1,
            // An idle one would have been closed by now.
            Carries::Unclear(quiet) if kept.is_some_and(|kept| quiet > kept + LATE) => self.busy += 1,
            Carries::Unclear(_) | Carries::Unknown => self.unclear += 1,
        }
    }

    fn judge(self) -> InFlight {
        let Self { busy, unclear, holding, former_clients, sees_clients } = self;
        let mut found = InFlight { connections: busy, ..InFlight::default() };
        if sees_clients && former_clients == 0 {
            found.how = "no client is connected any more that was when the switch took effect";
            return found;
        }
        found.how = "no connection from Traefik to it is open, and no middleware of its route holds requests";
        if unclear > 0 {
            found.unseen = Some(format!(
                "Traefik keeps {unclear} connection{} to it open, which may be idle or carry an answer that pauses",
                if unclear == 1 { "" } else { "s" }
            ));
        } else if !holding.is_empty() {
            let clients = if sees_clients {
                format!(", and {former_clients} of the clients from before the switch are still connected")
            } else {
                ", and clients that speak HTTP/3 cannot be counted".to_owned()
            };
            found.unseen = Some(format!(
                "{} can hold requests before Traefik connects to the app{clients}",
                holding.join(", ")
            ));
        }
        found
    }
}

/// The connections of clients: those to an entry point.
fn clients(open: &[Connection], settings: &Settings) -> HashSet<(SocketAddr, SocketAddr)> {
    let is_entrypoint = |port| {
        // Where the entry points are not known, every connection may be a client's.
        settings.entrypoints.is_empty() || settings.entrypoints.iter().any(|point| point.at.port() == port)
    };
    let clients = open.iter().filter(|connection| is_entrypoint(connection.local.port()));
    clients.map(|connection| (connection.local, connection.remote)).collect()
}

/// Whether every client has a TCP connection: over HTTP/3 it has none.
fn sees_clients(settings: &Settings) -> bool {
    settings.is_read && !settings.options.keys().any(|key| key.contains(".http3"))
}

/// How long Traefik keeps idle connections; `None` where it keeps them for ever, or nobody knows.
fn kept(settings: &Settings) -> Option<Duration> {
    if !settings.is_read {
        return None;
    }
    let Some(text) = settings.options.get("serverstransport.forwardingtimeouts.idleconntimeout") else {
        return Some(KEPT);
    };
    let seconds = text.parse().map(Duration::from_secs).ok();
    seconds.or_else(|| parse_duration(text).ok()).filter(|kept| !kept.is_zero())
}

/// Whether a middleware can hold a request, by what the API tells of it.
fn can_hold(data: &Value, name: &str, depth: usize) -> bool {
    let Some(middleware) = data["middlewares"][name].as_object() else { return true };
    if let Some(chain) = middleware.get("chain") {
        let provider = name.rsplit('@').next().unwrap_or_default();
        let inner = chain["middlewares"].as_array().into_iter().flatten().filter_map(Value::as_str);
        return inner.into_iter().any(|inner| {
            let inner = if inner.contains('@') { inner.to_owned() } else { format!("{inner}@{provider}") };
            depth > 8 || can_hold(data, &inner, depth + 1)
        });
    }
    let mut kinds =
        middleware.keys().filter(|key| !matches!(key.as_str(), "status" | "usedBy" | "error")).peekable();
    kinds.peek().is_none() || kinds.any(|kind| !PASS_AT_ONCE.contains(&kind.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proxy::Known;

    fn seen(busy: usize, unclear: usize, holding: &[&str], former_clients: usize) -> InFlight {
        let holding = holding.iter().map(|name| (*name).to_owned()).collect();
        Seen { busy, unclear, holding, former_clients, sees_clients: true }.judge()
    }

    #[test]
    fn nothing_is_known_to_be_in_flight_where_a_client_may_still_wait() {
        assert_eq!(seen(0, 0, &[], 5).known(), Known::Nothing);
        assert_eq!(seen(0, 3, &["auth@file"], 0).known(), Known::Nothing, "nobody waits for an answer");
        assert_eq!(seen(1, 3, &[], 0).known(), Known::Something);
        assert!(
            matches!(seen(0, 3, &[], 1).known(), Known::CannotTell(why) if why.contains("3 connections"))
        );
        assert!(
            matches!(seen(0, 0, &["slow@file"], 1).known(), Known::CannotTell(why) if why.contains("slow@file"))
        );
        let unseen = Seen { unclear: 1, ..Seen::default() }.judge();
        assert!(matches!(unseen.known(), Known::CannotTell(_)), "a client over HTTP/3 has no connection");
    }

    #[test]
    fn an_answer_that_pauses_is_told_from_an_idle_connection_only_when_that_would_be_closed() {
        let add = |quiet, kept| {
            let mut seen = Seen::default();
            seen.add(Carries::Unclear(Duration::from_secs(quiet)), kept);
            (seen.busy, seen.unclear)
        };
        assert_eq!(add(8, Some(KEPT)), (0, 1));
        assert_eq!(add(96, Some(KEPT)), (1, 0));
        assert_eq!(add(1000, None), (0, 1));
    }

    #[test]
    fn a_middleware_that_is_not_known_to_pass_requests_on_can_hold_them() {
        let data = json!({"middlewares": {
            "plain@file": {"headers": {}, "status": "enabled", "usedBy": ["a@file"]},
            "slow@file": {"buffering": {}, "status": "enabled"},
            "both@file": {"chain": {"middlewares": ["plain", "slow@file"]}},
            "good@file": {"chain": {"middlewares": ["plain"]}},
            "round@file": {"chain": {"middlewares": ["round"]}},
            "odd@file": {"plugin": {"x": {}}}
        }});
        for (name, holds) in [
            ("plain", false),
            ("slow", true),
            ("both", true),
            ("good", false),
            ("round", true),
            ("odd", true),
            ("gone", true),
        ] {
            assert_eq!(can_hold(&data, &format!("{name}@file"), 0), holds, "{name}");
        }
    }
}
