use crate::model::Slot;

/// Which flag files are there. Each request of an older nginx looks at them, so every single change counts at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

/// The flag files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Blue is live, unless green's flag is there.
    Blue,
    /// Green is live.
    Green,
    /// The last flag does not count.
    Undo,
}

/// A change of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Writes a flag.
    Write(Flag),
    /// Removes a flag.
    Delete(Flag),
}

impl Flag {
    /// All of them, in the order of the paths that belong to them.
    pub const ALL: [Self; 3] = [Self::Blue, Self::Green, Self::Undo];

    /// The place among [`Flag::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl Flags {
    /// The state with these files, in the order of [`Flag::ALL`].
    pub fn new(present: [bool; 3]) -> Self {
        Self(present.iter().enumerate().map(|(at, &is)| u8::from(is) << at).sum())
    }

    fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag.index()) != 0
    }

    /// What is live, as `slot.conf` reads the files.
    pub fn live(self) -> Option<Slot> {
        match (self.has(Flag::Blue), self.has(Flag::Green), self.has(Flag::Undo)) {
            (_, true, false) => Some(Slot::Green),
            (_, true, true) | (true, false, false) => Some(Slot::Blue),
            (true, false, true) | (false, false, _) => None,
        }
    }

    fn after(self, step: Step) -> Self {
        match step {
            Step::Write(flag) => Self(self.0 | (1 << flag.index())),
            Step::Delete(flag) => Self(self.0 & !(1 << flag.index())),
        }
    }

    /// The shortest way to make `want` live, on which nothing but the present and the wanted slot is ever live.
    /// `None` when there is none, which happens only where files cannot be removed.
    pub fn way_to(self, want: Option<Slot>, can_delete: bool) -> Option<Vec<Step>> {
        let from = self.live();
        let mut reached: Vec<(Self, Vec<Step>)> = vec![(self, Vec::new())];
        let mut at = 0;
        while at < reached.len() {
            let (state, way) = reached[at].clone();
            if state.live() == want {
                return Some(way);
            }
            // Where files can be removed, nothing is undone by adding: the next undo has to find its way free.
            let writes = Flag::ALL
                .map(Step::Write)
                .into_iter()
                .filter(|s| !can_delete || *s != Step::Write(Flag::Undo));
            let deletes = Flag::ALL.map(Step::Delete).into_iter().filter(|_| can_delete);
            for step in writes.chain(deletes) {
                let next = state.after(step);
                let is_safe = next.live() == from || next.live() == want;
                if is_safe && !reached.iter().any(|(known, _)| *known == next) {
                    reached.push((next, way.iter().copied().chain([step]).collect()));
                }
            }
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: [Option<Slot>; 3] = [None, Some(Slot::Blue), Some(Slot::Green)];

    #[test]
    fn every_way_passes_only_through_the_former_and_the_wanted_slot() {
        for start in (0..8).map(Flags) {
            for want in WANTED {
                let way =
                    start.way_to(want, true).unwrap_or_else(|| panic!("no way from {start:?} to {want:?}"));
                let mut state = start;
                for step in way {
                    state = state.after(step);
                    assert!(state.live() == start.live() || state.live() == want, "{start:?} to {want:?}");
                }
                assert_eq!(state.live(), want);
            }
        }
    }

    #[test]
    fn a_switch_that_was_begun_can_be_taken_back_by_writing_alone() {
        let first = Flags::default();
        for (before, want) in [(Some(Slot::Blue), Some(Slot::Green)), (Some(Slot::Green), Some(Slot::Blue))] {
            let mut state = first;
            for slot in [before, want] {
                for step in state.way_to(slot, true).unwrap() {
                    state = state.after(step);
                }
            }
            assert!(state.way_to(before, false).is_some(), "{before:?} to {want:?} and back");
        }
    }
}
