use std::collections::BTreeMap;
use std::fmt;

use crate::docker::{EventKind, HealthStatus};

/// Failed requests in a row that make a release bad.
const FAILURES: u32 = 3;

/// Something that was seen while a release had real traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sample {
    /// A request through the proxy was answered with this status.
    Answer(u16),
    /// A request through the proxy got no whole answer.
    NoAnswer(String),
    /// The proxy itself answered with this status, less than 500, in the app's place: a login, a redirect, a route of
    /// another's. That says nothing of the release.
    Elsewhere(u16),
    /// Nobody could be asked, because the proxy does not run: that says nothing of the release.
    Unasked,
    /// Docker told something of a container of the release.
    Event {
        /// The container.
        name: String,
        /// What happened.
        kind: EventKind,
    },
}

/// What follows from all samples so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Good,
    /// It has to be taken back, for this reason.
    Bad(String),
}

/// All samples so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    answers: BTreeMap<u16, u64>,
    unanswered: u64,
    unasked: u64,
    elsewhere: BTreeMap<u16, u64>,
    in_a_row: u32,
}

impl Tally {
    /// Takes a sample and gives the verdict.
    ///
    /// A status of 500 and more is a failure; what the app answers below that is its own business.
    pub fn add(&mut self, sample: &Sample) -> Verdict {
        match sample {
            Sample::Answer(status) => {
                *self.answers.entry(*status).or_default() += 1;
                if *status < 500 {
                    self.in_a_row = 0;
                    return Verdict::Good;
                }
                self.failed(&format!("answered {status}"))
            }
            Sample::NoAnswer(why) => {
                self.unanswered += 1;
                self.failed(why)
            }
            Sample::Elsewhere(status) => {
                *self.elsewhere.entry(*status).or_default() += 1;
                Verdict::Good
            }
            Sample::Unasked => {
                self.unasked += 1;
                Verdict::Good
            }
            Sample::Event { name, kind } => match kind {
                EventKind::Die(code) => Verdict::Bad(format!("{name} ended with exit code {code}")),
                EventKind::Oom => Verdict::Bad(format!("{name} was killed for its use of memory")),
                EventKind::Destroy => Verdict::Bad(format!("{name} was removed")),
                EventKind::Health(HealthStatus::Unhealthy) => {
                    Verdict::Bad(format!("the health check of {name} says unhealthy"))
                }
                EventKind::Start => Verdict::Bad(format!("{name} was restarted")),
                EventKind::Health(_) => Verdict::Good,
            },
        }
    }

    /// Requests so far.
    pub fn asked(&self) -> u64 {
        self.answers.values().chain(self.elsewhere.values()).sum::<u64>() + self.unanswered
    }

    /// Whether less than half of the requests met the release: then nothing is known of it.
    pub fn is_blind(&self) -> bool {
        let met = self.answers.values().sum::<u64>() + self.unanswered;
        let passed_by = self.elsewhere.values().sum::<u64>() + self.unasked;
        passed_by > met
    }

    /// Begins to count failures anew, after the old release was found to fail as well.
    pub fn excuse(&mut self) {
        self.in_a_row = 0;
    }

    /// Whether the last request failed.
    pub fn is_failing(&self) -> bool {
        self.in_a_row > 0
    }

    fn failed(&mut self, why: &str) -> Verdict {
        self.in_a_row += 1;
        if self.in_a_row < FAILURES {
            return Verdict::Good;
        }
        Verdict::Bad(format!("{FAILURES} requests in a row failed, the last one: {why}"))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests", self.asked())?;
        let answers = self.answers.iter().map(|(status, count)| format!("{count} × {status}"));
        let elsewhere =
            self.elsewhere.iter().map(|(status, count)| format!("{count} × {status} by the proxy itself"));
        let unanswered = (self.unanswered > 0).then(|| format!("{} unanswered", self.unanswered));
        let unasked = (self.unasked > 0).then(|| format!("{} could not be sent", self.unasked));
        for (at, part) in answers.chain(elsewhere).chain(unanswered).chain(unasked).enumerate() {
            write!(f, "{}{part}", if at == 0 { ": " } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind) -> Sample {
        Sample::Event { name: "api-green".to_owned(), kind }
    }

    #[test]
    fn three_failures_in_a_row_are_bad_and_a_good_answer_begins_anew() {
        let mut tally = Tally::default();
        let refused = Sample::NoAnswer("connection refused".to_owned());
        for sample in
            [Sample::Answer(500), refused.clone(), Sample::Answer(404), Sample::Answer(502), refused.clone()]
        {
            assert_eq!(tally.add(&sample), Verdict::Good);
        }
        let Verdict::Bad(why) = tally.add(&refused) else { panic!("three in a row were good") };
        assert!(why.contains("connection refused"), "{why}");
        assert_eq!(tally.to_string(), "6 requests: 1 × 404, 1 × 500, 1 × 502, 3 unanswered");
    }

    #[test]
    fn what_could_not_be_asked_says_nothing() {
        let mut tally = Tally::default();
        for _ in 0..FAILURES {
            assert_eq!(tally.add(&Sample::Unasked), Verdict::Good);
        }
        assert_eq!(tally.to_string(), "0 requests: 3 could not be sent");
        assert!(tally.is_blind());
        tally.add(&Sample::Answer(500));
        tally.add(&Sample::Unasked);
        tally.add(&Sample::Answer(500));
        assert!(matches!(tally.add(&Sample::Answer(500)), Verdict::Bad(_)), "a gap excused failures");
    }

    #[test]
    fn what_the_proxy_answers_by_itself_says_nothing_of_the_release() {
        let mut tally = Tally::default();
        tally.add(&Sample::Answer(500));
        for _ in 0..FAILURES {
            assert_eq!(tally.add(&Sample::Elsewhere(401)), Verdict::Good);
        }
        assert!(tally.is_blind());
        assert_eq!(tally.to_string(), "4 requests: 1 × 500, 3 × 401 by the proxy itself");
        tally.add(&Sample::Answer(500));
        assert!(matches!(tally.add(&Sample::Answer(500)), Verdict::Bad(_)), "a login excused failures");
        assert!(!tally.is_blind());
    }

    #[test]
    fn a_death_a_restart_and_a_bad_health_are_bad_at_once() {
        for kind in [
            EventKind::Die(0),
            EventKind::Oom,
            EventKind::Start,
            EventKind::Destroy,
            EventKind::Health(HealthStatus::Unhealthy),
        ] {
            assert!(matches!(Tally::default().add(&event(kind)), Verdict::Bad(_)), "{kind:?} was good");
        }
        assert_eq!(Tally::default().add(&event(EventKind::Health(HealthStatus::Healthy))), Verdict::Good);
    }
}
