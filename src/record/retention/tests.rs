use proptest::prelude::*;

use super::*;
use crate::record::{Activation, Cause};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Releases 0, 1, 2 … of which each takes some seconds; some fail, and now and then one is gone back to. A few records
/// are missing, and the last change may be one that the proxy does not know of.
#[derive(Debug, Clone)]
struct History {
    recorded: Vec<Recorded>,
    state: AppState,
    live: Option<ReleaseNumber>,
    now: Timestamp,
}

impl History {
    fn numbers(&self) -> BTreeSet<ReleaseNumber> {
        self.recorded.iter().map(|one| one.number).collect()
    }

    /// What is surplus, and the history without it.
    fn pruned(&self, bounds: &Retention) -> (BTreeMap<ReleaseNumber, Surplus>, Self) {
        let needed = needed(&self.state, self.live, &self.numbers());
        let surplus = surplus(&self.recorded, &self.state, &needed, bounds, self.now);
        let gone: BTreeSet<ReleaseNumber> = surplus.keys().copied().collect();
        let image =
            |number: &ReleaseNumber| Deployed { id: format!("sha256:{number}"), name: "api".to_owned() };
        let left = &self.numbers() - &gone;
        let mut then = self.clone();
        then.state = without(&self.state, &gone, &left, gone.iter().map(image));
        then.recorded.retain(|one| left.contains(&one.number));
        (surplus, then)
    }
}

fn histories() -> impl Strategy<Value = History> {
    let step = (0..100_u8, any::<prop::sample::Index>(), 0..1000_i64, 0..20_u8);
    (prop::collection::vec(step, 1..60), 0..3000_i64, any::<prop::sample::Index>(), 0..4_u8).prop_map(
        |(steps, later, other, odd)| {
            let (mut recorded, mut state, mut clock, mut next) = (Vec::new(), AppState::default(), 0, 0);
            for (what, which, took, lost) in steps {
                clock += took;
                let deployed: Vec<u32> = (0..next).collect();
                if what < 25 && !deployed.is_empty() {
                    let number = ReleaseNumber(*which.get(&deployed));
                    state.activate(number, Cause::Rollback, at(clock));
                    // Whatever became of it before, it is live now, and its record says so.
                    let its = recorded.iter_mut().filter(|one: &&mut Recorded| one.number == number);
                    its.for_each(|one| one.became_live = true);
                    continue;
                }
                let number = ReleaseNumber(next);
                next += 1;
                let became_live = what < 80;
                if became_live {
                    state.activate(number, Cause::Deploy, at(clock));
                }
                if lost > 0 {
                    recorded.push(Recorded { number, created: at(clock), became_live });
                }
            }
            let live = match odd {
                0 => None,
                1 => recorded.get(other.index(recorded.len().max(1))).map(|one| one.number),
                _ => state.live(),
            };
            History { recorded, state, live, now: at(clock + later) }
        },
    )
}

fn bounds() -> impl Strategy<Value = Retention> {
    (prop::option::of(1..12_u32), prop::option::of(0..20_000_u64))
        .prop_map(|(releases, age)| Retention { releases, max_age: age.map(Duration::from_secs) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_live_and_where_a_rollback_goes_stay(history in histories(), bounds in bounds()) {
        let (surplus, then) = history.pruned(&bounds);
        let known = history.state.among(&history.numbers());
        for live in history.live.into_iter().chain(known.live()) {
            prop_assert!(!surplus.contains_key(&live));
            if let Some(target) = known.previous(live) {
                prop_assert!(!surplus.contains_key(&target), "{target} is where a rollback from {live} goes");
            }
            prop_assert_eq!(then.state.previous(live), known.previous(live));
        }
        prop_assert_eq!(then.state.live(), known.live());
        if let Some(newest) = history.numbers().last() {
            prop_assert!(!surplus.contains_key(newest));
        }
    }

    #[test]
    fn what_is_left_is_within_the_bounds(history in histories(), bounds in bounds()) {
        let (_, then) = history.pruned(&bounds);
        let needed = needed(&history.state, history.live, &history.numbers());
        for became_live in [true, false] {
            let left = then.recorded.iter().filter(|one| one.became_live == became_live);
            let left: Vec<_> = left.filter(|one| !needed.contains(&one.number)).collect();
            if let Some(most) = bounds.releases {
                prop_assert!(left.len() <= most as usize);
            }
            if let Some(most) = bounds.max_age {
                let age = |one: &Recorded| history.now.duration_since(last_use(one, &history.state, history.now));
                prop_assert!(left.iter().all(|one| Duration::try_from(age(one)).unwrap() <= most));
            }
        }
        prop_assert!(then.state.activations.len() <= ACTIVATIONS + then.recorded.len());
    }

    #[test]
    fn a_second_prune_finds_nothing(history in histories(), bounds in bounds()) {
        let (_, then) = history.pruned(&bounds);
        let (surplus, again) = then.pruned(&bounds);
        prop_assert_eq!(surplus, BTreeMap::new());
        prop_assert_eq!(again.state, then.state);
    }

    /// The state is written, and then one record after the other goes: whatever the last one was, the next prune ends
    /// where this one would have.
    #[test]
    fn a_prune_that_dies_is_finished_by_the_next(
        history in histories(), bounds in bounds(), reached in any::<prop::sample::Index>()
    ) {
        let (surplus, whole) = history.pruned(&bounds);
        let gone: Vec<ReleaseNumber> = surplus.keys().copied().collect();
        let gone = &gone[..reached.index(gone.len() + 1)];
        let mut dead = History { state: whole.state.clone(), ..history };
        dead.recorded.retain(|one| !gone.contains(&one.number));
        let (_, finished) = dead.pruned(&bounds);
        prop_assert_eq!(finished.recorded, whole.recorded);
        prop_assert_eq!(finished.state, whole.state);
    }

    #[test]
    fn no_number_and_no_image_is_forgotten(history in histories(), bounds in bounds()) {
        let (surplus, then) = history.pruned(&bounds);
        let highest = history.numbers().into_iter().chain(history.state.known()).max();
        let known = then.numbers().into_iter().chain(then.state.known()).max();
        prop_assert_eq!(known, highest);
        prop_assert_eq!(then.state.images.len(), surplus.len());
    }

    #[test]
    fn the_newest_journals_stay(seconds in prop::collection::btree_set(0..5000_i64, 0..40), bounds in bounds()) {
        let ended: Vec<Timestamp> = seconds.iter().map(|second| at(*second)).collect();
        let surplus = surplus_journals(&ended, &bounds, at(5000));
        let left: Vec<Timestamp> = ended.iter().copied().filter(|at| !surplus.contains_key(at)).collect();
        if let (Some(oldest), Some(newest)) = (left.first(), surplus.keys().last()) {
            prop_assert!(newest < oldest);
        }
        prop_assert!(bounds.releases.is_none_or(|most| left.len() <= most as usize));
        prop_assert_eq!(surplus_journals(&left, &bounds, at(5000)), BTreeMap::new());
    }
}

#[test]
fn the_bounds_count_what_served_apart_from_what_failed() {
    let recorded: Vec<Recorded> = (1..=8)
        .map(|number| Recorded {
            number: ReleaseNumber(number),
            created: at(number.into()),
            became_live: number <= 4,
        })
        .collect();
    let mut state = AppState::default();
    (1..=4).for_each(|number| state.activate(ReleaseNumber(number), Cause::Deploy, at(number.into())));
    let history = History { recorded, state, live: Some(ReleaseNumber(4)), now: at(100) };
    let (surplus, then) = history.pruned(&Retention { releases: Some(3), max_age: None });
    let why = Surplus::Beyond(3);
    assert_eq!(surplus, BTreeMap::from([(ReleaseNumber(1), why), (ReleaseNumber(5), why)]));
    assert_eq!(then.state.previous(ReleaseNumber(4)), Some(ReleaseNumber(3)));
    // By age, from when another release took its place.
    let (surplus, _) = history.pruned(&Retention { releases: None, max_age: Some(Duration::from_secs(97)) });
    assert_eq!(surplus, BTreeMap::from([(ReleaseNumber(1), Surplus::Older(Duration::from_secs(97)))]));
    assert_eq!(why.to_string(), "beyond the last 3");
    assert_eq!(Surplus::Older(Duration::from_secs(86_400)).to_string(), "older than 1d");
}

#[test]
fn a_switch_to_and_fro_does_not_fill_the_disk() {
    let mut state = AppState::default();
    for turn in 0..5000_u32 {
        state.activate(ReleaseNumber(1 + turn % 2), Cause::Rollback, at(turn.into()));
    }
    state.activations.insert(0, Activation { release: ReleaseNumber(0), at: at(0), cause: Cause::Adopt });
    let left: BTreeSet<ReleaseNumber> = (0..3).map(ReleaseNumber).collect();
    let then = without(&state, &BTreeSet::new(), &left, []);
    assert_eq!(then.activations.len(), ACTIVATIONS + 1);
    assert_eq!(then.activations[0].release, ReleaseNumber(0));
    assert_eq!(then.live(), state.live());
}
