use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What a load saw. Times are milliseconds since its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub elapsed_ms: u64,
    /// Requests answered with a 2xx, and echoes over WebSockets.
    pub answered: u64,
    pub failed: u64,
    /// Answered requests per value of the header `X-Version`; `-` where it was missing.
    pub served_by: BTreeMap<String, u64>,
    /// The failures by kind of load and kind of failure.
    pub failures: Vec<FailureGroup>,
    pub latency: Latency,
    pub longest_gap: Gap,
    /// Connections opened.
    pub connections: u64,
    /// Connections found closed while idle and replaced, which only attentive clients do.
    pub noticed_closes: u64,
    /// WebSockets that the server closed with a close frame.
    pub websocket_closes: u64,
    pub kinds: Vec<KindReport>,
}

/// The failures of one kind, seen by one kind of load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// The name of a [`crate::FailureKind`].
    pub kind: String,
    /// The name of a [`crate::Kind`].
    pub load: String,
    pub count: u64,
    pub first_ms: u64,
    pub last_ms: u64,
    /// When the latest of the requests that failed had begun.
    pub last_begun_ms: u64,
    /// The message of the first.
    pub sample: String,
}

/// From the start of a request, connecting included, to the last byte of its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    pub p50_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

/// The longest time in which no client was answered well, from `at_ms` on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub ms: u64,
    pub at_ms: u64,
}

/// What one kind of load saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindReport {
    pub kind: String,
    pub clients: usize,
    pub answered: u64,
    pub failed: u64,
    pub latency: Latency,
    pub longest_gap: Gap,
}

impl Report {
    /// The number of failures of one kind, over all kinds of load.
    pub fn failed_as(&self, kind: crate::FailureKind) -> u64 {
        let name = kind.to_string();
        self.failures.iter().filter(|group| group.kind == name).map(|group| group.count).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answered, failed, .. } = self;
        writeln!(f, "{answered} answered, {failed} failed in {:.1} s", self.elapsed_ms as f64 / 1000.0)?;
        for (version, count) in &self.served_by {
            writeln!(f, "  by version {version:<12} {count:>9}")?;
        }
        for kind in &self.kinds {
            let name = format!("{}={}", kind.kind, kind.clients);
            write!(f, "  {name:<22} {:>9} answered {:>6} failed", kind.answered, kind.failed)?;
            writeln!(f, "   {}, longest gap {} ms", kind.latency, kind.longest_gap.ms)?;
        }
        for group in &self.failures {
            let FailureGroup { kind, load, count, first_ms, last_ms, sample, .. } = group;
            writeln!(f, "  failed: {count} × {kind} ({load}), from {first_ms} to {last_ms} ms: {sample}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| us as f64 / 1000.0;
        write!(f, "p50 {:.1} p99 {:.1} max {:.1} ms", ms(self.p50_us), ms(self.p99_us), ms(self.max_us))
    }
}
