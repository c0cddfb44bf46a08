//! Exit codes, one for each class of failure. They are an interface: a number never changes its meaning.

use crate::error::{Error, Kind};
use crate::event::Failure;

/// Every class: its kind, its name in JSON, its exit code.
pub const TABLE: [(Kind, &str, u8); 16] = [
    (Kind::Other, "other", 1),
    (Kind::Usage, "usage", 2),
    (Kind::Config, "configuration", 3),
    (Kind::Locked, "locked", 4),
    (Kind::Docker, "docker", 5),
    (Kind::NotReady, "not-ready", 6),
    (Kind::Smoke, "smoke", 7),
    (Kind::Proxy, "proxy", 8),
    (Kind::RolledBack, "rolled-back", 9),
    (Kind::NothingToRollBack, "nothing-to-roll-back", 10),
    (Kind::NeedsRecovery, "needs-recovery", 11),
    (Kind::Stuck, "stuck", 12),
    (Kind::Hook, "hook", 13),
    (Kind::LateHook, "late-hook", 14),
    (Kind::Failing, "failing", 15),
    (Kind::Interrupted, "interrupted", 130),
];

/// The exit code of a class of failure.
pub fn code(kind: Kind) -> u8 {
    TABLE.iter().find(|(k, ..)| *k == kind).map_or(1, |(.., code)| *code)
}

/// The name of a class of failure, as in JSON.
pub fn class(kind: Kind) -> &'static str {
    TABLE.iter().find(|(k, ..)| *k == kind).map_or("other", |(_, class, _)| class)
}

/// An error with its class and its exit code, as the printers take it.
pub fn failure(error: &Error) -> Failure {
    Failure {
        class: class(error.kind()),
        code: code(error.kind()),
        message: error.to_string(),
        causes: error.causes(),
        details: error.details().to_vec(),
        hints: error.hints().to_vec(),
        places: error.places().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_code_of_its_own() {
        let mut codes: Vec<u8> = TABLE.iter().map(|(.., code)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
        assert!(!codes.contains(&0));
    }
}
