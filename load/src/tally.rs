use crate::failure::{Failure, FailureKind};
use crate::kind::Kind;
use crate::report::{FailureGroup, Gap, KindReport, Latency, Report};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Everything that was seen since the start.
pub(crate) struct Tally {
    started: Instant,
    all: Counts,
    kinds: BTreeMap<Kind, Counts>,
    clients: BTreeMap<Kind, usize>,
    served_by: BTreeMap<String, u64>,
    failures: BTreeMap<(Kind, FailureKind), Failures>,
    connections: u64,
    noticed_closes: u64,
    websocket_closes: u64,
}

struct Counts {
    answered: u64,
    failed: u64,
    latency: Histogram<u64>,
    last: Duration,
    gap: Gap,
}

struct Failures {
    count: u64,
    first: Duration,
    last: Duration,
    last_begun: Duration,
    sample: String,
}

impl Tally {
    pub fn new(clients: &BTreeMap<Kind, usize>) -> Self {
        Self {
            started: Instant::now(),
            all: Counts::new(),
            kinds: clients.keys().map(|kind| (*kind, Counts::new())).collect(),
            clients: clients.clone(),
            served_by: BTreeMap::new(),
            failures: BTreeMap::new(),
            connections: 0,
            noticed_closes: 0,
            websocket_closes: 0,
        }
    }

    /// Counts a request that was answered well, `latency` after it began.
    pub fn answered(&mut self, kind: Kind, version: Option<&str>, latency: Duration) {
        let now = self.started.elapsed();
        self.all.answered(now, latency);
        if let Some(counts) = self.kinds.get_mut(&kind) {
            counts.answered(now, latency);
        }
        let version = version.unwrap_or("-");
        match self.served_by.get_mut(version) {
            Some(count) => *count += 1,
            None => drop(self.served_by.insert(version.to_string(), 1)),
        }
    }

    /// Counts a request that failed now and had begun then.
    pub fn failed(&mut self, kind: Kind, failure: Failure, began: Instant) {
        let now = self.started.elapsed();
        self.all.failed += 1;
        if let Some(counts) = self.kinds.get_mut(&kind) {
            counts.failed += 1;
        }
        let group = self.failures.entry((kind, failure.kind));
        let begun = began.saturating_duration_since(self.started);
        let group = group.or_insert(Failures {
            count: 0,
            first: now,
            last: now,
            last_begun: begun,
            sample: failure.message,
        });
        group.count += 1;
        group.last = now;
        group.last_begun = group.last_begun.max(begun);
    }

    pub fn connected(&mut self) {
        self.connections += 1;
    }

    pub fn noticed_close(&mut self) {
        self.noticed_closes += 1;
    }

    pub fn websocket_closed(&mut self) {
        self.websocket_closes += 1;
    }

    pub fn served_by(&self, version: &str) -> u64 {
        self.served_by.get(version).copied().unwrap_or_default()
    }

    pub fn report(&self) -> Report {
        let elapsed = self.started.elapsed();
        Report {
            elapsed_ms: ms(elapsed),
            answered: self.all.answered,
            failed: self.all.failed,
            served_by: self.served_by.clone(),
            failures: self
                .failures
                .iter()
                .map(|((kind, failure), group)| group.report(*kind, *failure))
                .collect(),
            latency: self.all.latency(),
            longest_gap: self.all.gap_until(elapsed),
            connections: self.connections,
            noticed_closes: self.noticed_closes,
            websocket_closes: self.websocket_closes,
            kinds: self.kinds.iter().map(|(kind, counts)| self.kind_report(*kind, counts, elapsed)).collect(),
        }
    }

    fn kind_report(&self, kind: Kind, counts: &Counts, elapsed: Duration) -> KindReport {
        KindReport {
            kind: kind.to_string(),
            clients: self.clients.get(&kind).copied().unwrap_or_default(),
            answered: counts.answered,
            failed: counts.failed,
            latency: counts.latency(),
            longest_gap: counts.gap_until(elapsed),
        }
    }
}

impl Counts {
    fn new() -> Self {
        // Microseconds up to a minute, with three digits: bounds that the histogram takes.
        #[allow(clippy::expect_used)]
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds in order");
        Self { answered: 0, failed: 0, latency, last: Duration::ZERO, gap: Gap::default() }
    }

    fn answered(&mut self, now: Duration, latency: Duration) {
        self.gap = self.gap_until(now);
        self.last = now;
        self.answered += 1;
        self.latency.saturating_record(latency.as_micros().try_into().unwrap_or(u64::MAX));
    }

    fn gap_until(&self, now: Duration) -> Gap {
        let gap = Gap { ms: ms(now.saturating_sub(self.last)), at_ms: ms(self.last) };
        if gap.ms > self.gap.ms { gap } else { self.gap }
    }

    fn latency(&self) -> Latency {
        Latency {
            p50_us: self.latency.value_at_quantile(0.5),
            p99_us: self.latency.value_at_quantile(0.99),
            max_us: self.latency.max(),
        }
    }
}

impl Failures {
    fn report(&self, kind: Kind, failure: FailureKind) -> FailureGroup {
        FailureGroup {
            kind: failure.to_string(),
            load: kind.to_string(),
            count: self.count,
            first_ms: ms(self.first),
            last_ms: ms(self.last),
            last_begun_ms: ms(self.last_begun),
            sample: self.sample.clone(),
        }
    }
}

fn ms(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
