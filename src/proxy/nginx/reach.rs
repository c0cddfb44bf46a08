use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::probe::{Answer, Request, cheap_path};
use crate::proxy::Target;

use super::driver::NginxDriver;
use super::marker::{self, MARKER};
use super::names::authority;
use super::reload::BURST;
use crate::proxy::seat::Seat;

/// How long nginx may take until it reaches a release: its resolver asks again after 5 s when an answer was lost.
const DEADLINE: Duration = Duration::from_secs(8);
const LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

impl NginxDriver {
    /// Waits until nginx itself gets an answer from a release that gets no traffic yet. Any status will do.
    pub(super) async fn reach(&self, seat: &Seat, target: &Target, generation: Option<&str>) -> Result<()> {
        let path = format!("/.bgd/slot/{}{}", target.slot, cheap_path(&self.app));
        let seen = self.wait_for_answer(seat, &path, target, generation).await;
        seen.map_err(|seen| {
            let addresses: Vec<String> =
                target.addresses.iter().map(|a| authority(*a, target.port)).collect();
            let message = format!(
                "nginx in {} does not reach release {} at {}: {seen}",
                seat.container.name,
                target.release,
                addresses.join(", ")
            );
            Error::new(Kind::Proxy, message).hint(format!(
                "is the app listening on port {} on all of its addresses, not only on 127.0.0.1?",
                target.port
            ))
        })
    }

    /// Waits until what is live answers through nginx.
    pub(super) async fn reach_live(&self, seat: &Seat, target: &Target) -> Result<()> {
        let seen = self.wait_for_answer(seat, cheap_path(&self.app), target, None).await;
        seen.map_err(|seen| {
            let message = format!(
                "nginx in {} routes to {} and gets no answer: {seen}",
                seat.container.name, target.slot
            );
            Error::new(Kind::Proxy, message)
        })
    }

    async fn wait_for_answer(
        &self,
        seat: &Seat,
        path: &str,
        target: &Target,
        generation: Option<&str>,
    ) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let mut request = Request::get(MARKER, marker::name(&self.app.name), path, LIMIT);
            let manner = self.manner_of_route();
            request.headers.push(("X-Bgd-Host".to_owned(), manner.host_or(&self.app.name).to_owned()));
            manner.apply(&mut request);
            // Former workers still accept, and would get single connections.
            let burst = if generation.is_some() { BURST } else { 1 };
            let mut seen = String::new();
            for answer in join_all((0..burst).map(|_| seat.vantage.request(&request))).await {
                match answer.map(|answer| judge(&answer, target, generation)) {
                    Ok(None) => return Ok(()),
                    Ok(Some(other)) => seen = other,
                    Err(failure) => seen = failure.to_string(),
                }
            }
            if start.elapsed() >= DEADLINE {
                return Err(seen);
            }
            sleep(PAUSE).await;
        }
    }
}

/// Says why an answer is not one of this release; `None` when it is.
fn judge(answer: &Answer, target: &Target, generation: Option<&str>) -> Option<String> {
    if generation.is_some() && answer.header("x-bgd-generation") != generation {
        return Some(format!("the former configuration answers ({})", answer.status));
    }
    // After a retry nginx lists all that it tried; the last one answered.
    let last = |name| answer.header(name).and_then(|list| list.rsplit([',', ' ']).next()).unwrap_or_default();
    let (upstream, time) = (last("x-bgd-upstream"), last("x-bgd-time"));
    if time.is_empty() || time == "-" {
        return Some(format!("status {} from nginx itself, which tried {upstream:?}", answer.status));
    }
    let is_known = target.addresses.is_empty()
        || target.addresses.iter().any(|address| authority(*address, target.port) == upstream);
    (!is_known).then(|| format!("an answer from {upstream}, which is not of that release"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ReleaseNumber, Slot};

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Answer { status, headers, body: String::new(), took: Duration::ZERO }
    }

    #[test]
    fn only_an_answer_of_the_release_itself_counts() {
        let target = Target {
            slot: Slot::Green,
            release: ReleaseNumber(2),
            release_host: "api-r2".into(),
            slot_host: "api-slot-green".into(),
            port: 3000,
            addresses: vec!["172.18.0.5".parse().unwrap()],
        };
        let from = |upstream, time| answer(404, &[("x-bgd-upstream", upstream), ("x-bgd-time", time)]);
        assert_eq!(judge(&from("172.18.0.5:3000", "0.001"), &target, None), None);
        assert_eq!(judge(&from("172.18.0.9:3000, 172.18.0.5:3000", "-, 0.001"), &target, None), None);
        assert!(judge(&from("172.18.0.9:3000", "0.001"), &target, None).is_some());
        assert!(judge(&from("172.18.0.5:3000", "-"), &target, None).is_some());
        assert!(judge(&answer(502, &[("x-bgd-upstream", "bgd_idle_api")]), &target, None).is_some());
        assert!(judge(&from("172.18.0.5:3000", "0.001"), &target, Some("ab")).is_some());
    }
}
