//! Which records and logs are surplus. Pure: files are read in `survey` and removed in `store`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::{AppState, Deployed};
use crate::config::show_age;
use crate::model::{Outcome, Release, ReleaseNumber, Retention};

#[cfg(test)]
mod tests;

/// So many changes of what is live are remembered, and of every recorded release the last one.
const ACTIVATIONS: usize = 200;

/// What counts of a recorded release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its number.
    pub number: ReleaseNumber,
    /// When its deploy began.
    pub created: Timestamp,
    /// Whether its deploy ended well. The others are counted apart, so that failures push nothing out that served.
    pub became_live: bool,
}

impl From<&Release> for Recorded {
    fn from(release: &Release) -> Self {
        let became_live = matches!(release.outcome, Outcome::Deployed | Outcome::Adopted);
        Self { number: release.number, created: release.created, became_live }
    }
}

/// Why something is surplus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surplus {
    /// So many newer ones are kept.
    Beyond(u32),
    /// It is older than this.
    Older(Duration),
}

impl fmt::Display for Surplus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beyond(1) => f.write_str("beyond the last one"),
            Self::Beyond(kept) => write!(f, "beyond the last {kept}"),
            Self::Older(age) => write!(f, "older than {}", show_age(*age)),
        }
    }
}

/// The releases that have to stay whatever the bounds say: what is live, by the proxy and by the records, where a plain
/// rollback goes from there, and the newest one, which holds the latest configuration.
pub fn needed(
    state: &AppState,
    live: Option<ReleaseNumber>,
    recorded: &BTreeSet<ReleaseNumber>,
) -> BTreeSet<ReleaseNumber> {
    let known = state.among(recorded);
    let live: BTreeSet<ReleaseNumber> = live.into_iter().chain(known.live()).collect();
    let targets: Vec<ReleaseNumber> = live.iter().filter_map(|live| known.previous(*live)).collect();
    live.into_iter().chain(targets).chain(recorded.last().copied()).collect()
}

/// The recorded releases that are surplus, and why, oldest first. Those that are `needed` count, and stay.
pub fn surplus(
    recorded: &[Recorded],
    state: &AppState,
    needed: &BTreeSet<ReleaseNumber>,
    bounds: &Retention,
    now: Timestamp,
) -> BTreeMap<ReleaseNumber, Surplus> {
    let mut surplus = BTreeMap::new();
    for became_live in [true, false] {
        let mut ranked: Vec<_> = recorded.iter().filter(|one| one.became_live == became_live).collect();
        // By order and not by time, so that the order of those that stay is the same once others are forgotten.
        ranked.sort_by_key(|one| Reverse((last_activation(one, state), one.created, one.number)));
        for (rank, one) in ranked.into_iter().enumerate() {
            let why = over(rank, last_use(one, state, now), bounds, now);
            if let Some(why) = why.filter(|_| !needed.contains(&one.number)) {
                surplus.insert(one.number, why);
            }
        }
    }
    surplus
}

/// The ended journals that are surplus, named by when they ended, and why.
pub fn surplus_journals(
    ended: &[Timestamp],
    bounds: &Retention,
    now: Timestamp,
) -> BTreeMap<Timestamp, Surplus> {
    let mut newest_first = ended.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    let why = |(rank, at): (usize, Timestamp)| Some((at, over(rank, at, bounds, now)?));
    newest_first.into_iter().enumerate().filter_map(why).collect()
}

fn over(rank: usize, used: Timestamp, bounds: &Retention, now: Timestamp) -> Option<Surplus> {
    let beyond = bounds.releases.filter(|kept| rank >= usize::try_from(*kept).unwrap_or(usize::MAX));
    // A clock that was set back makes things that are not born yet, which are not old.
    let age = Duration::try_from(now.duration_since(used)).unwrap_or_default();
    let older = bounds.max_age.filter(|most| age > *most);
    beyond.map(Surplus::Beyond).or(older.map(Surplus::Older))
}

/// When a release was in use last: now, or when another one took its place, or when its deploy began.
fn last_use(one: &Recorded, state: &AppState, now: Timestamp) -> Timestamp {
    let last = last_activation(one, state);
    let until = last.map(|last| state.activations.get(last + 1).map_or(now, |next| next.at));
    until.unwrap_or(one.created).max(one.created)
}

/// Which of the changes was the last one to this release.
fn last_activation(one: &Recorded, state: &AppState) -> Option<usize> {
    state.activations.iter().rposition(|activation| activation.release == one.number)
}

/// The state once these releases are gone and those are left: it knows the images of the former, and no number is given
/// twice.
#[must_use]
pub fn without(
    state: &AppState,
    gone: &BTreeSet<ReleaseNumber>,
    left: &BTreeSet<ReleaseNumber>,
    images: impl IntoIterator<Item = Deployed>,
) -> AppState {
    let highest = gone.iter().copied().chain(state.known()).max();
    let mut state = AppState { highest, ..state.among(left) };
    let all = state.activations.clone();
    let mut at = 0;
    state.activations.retain(|one| {
        at += 1;
        all.len() - at < ACTIVATIONS || !all[at..].iter().any(|later| later.release == one.release)
    });
    state.images.extend(images);
    state.images.sort_unstable();
    state.images.dedup();
    state
}

impl AppState {
    /// The same without the changes to releases that are recorded no more.
    fn among(&self, recorded: &BTreeSet<ReleaseNumber>) -> Self {
        let mut state = self.clone();
        state.activations.retain(|activation| recorded.contains(&activation.release));
        state
    }
}
