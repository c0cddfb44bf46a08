//! What is told of a move to another proxy before it is made.

use std::time::Duration;

use crate::config::show_duration;
use crate::model::ProxyConfig;
use crate::plan::{Move, Observation, Plan, left};

/// What a plan changes about the proxy, a line each; nothing when the route stays where it is.
pub(super) fn lines(observation: &Observation, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(former) = &plan.former {
        let (from, to) = (&former.app.proxy, &plan.target.app.proxy);
        let number = former.number;
        let is_routed = observation.routes.to(former).is_some();
        match plan.moves() {
            Move::None => lines.extend(hosts(from, to)),
            Move::Within => lines.push(format!(
                "the route moves from {} to {}; the old one is taken away as soon as the new one is proved",
                from.describe(),
                to.describe()
            )),
            Move::Elsewhere if !is_routed => lines.push(format!(
                "the route is made in {}; {} has none any more",
                to.describe(),
                from.describe()
            )),
            Move::Elsewhere if plan.keeps_old_route() => lines.push(format!(
                "the route is made in {}; {} goes on serving release {number}{}",
                to.describe(),
                from.describe(),
                match plan.target.app.keep_old {
                    Some(keep) if keep > Duration::ZERO => {
                        format!(" for {} at least, until a deploy after that", show_duration(keep))
                    }
                    _ => String::new(),
                }
            )),
            Move::Elsewhere => lines.push(format!(
                "the route is made in {}; then that of {} is taken away, and release {number} is retired",
                to.describe(),
                from.describe()
            )),
        }
    }
    let stay: Vec<_> = plan.former.iter().chain([&plan.target]).collect();
    lines.extend(
        left(&observation.routes, &stay).iter().map(|routed| {
            format!("the route that an earlier move has left in {} is ended", routed.describe())
        }),
    );
    lines
}

fn hosts(from: &ProxyConfig, to: &ProxyConfig) -> Option<String> {
    let (before, after) = (from.hosts(), to.hosts());
    (before != after).then(|| format!("the hosts {} become {}", list(&before), list(&after)))
}

fn list(hosts: &[&str]) -> String {
    if hosts.is_empty() { "of your own server block".to_owned() } else { hosts.join(", ") }
}
