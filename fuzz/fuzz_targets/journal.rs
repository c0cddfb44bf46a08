//! A journal of any bytes is read or refused, without a panic; what is read follows the one order of a deploy or is
//! refused by it; and no prefix of what is read is taken for damage.
#![no_main]

use std::path::Path;

use bgd::record::{JournalState, parse_journal};
use bgd::saga::{Advance, Status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("journal");
    let Ok(JournalState::Open(replay) | JournalState::Ended(replay)) = parse_journal(bytes, path) else { return };
    assert!(replay.whole_bytes <= bytes.len() as u64);
    assert_eq!(replay.is_torn, replay.whole_bytes < bytes.len() as u64);
    let mut status = Status::new(replay.steps.clone());
    for (step, happened) in replay.happened {
        let before = status.clone();
        if status.advance(Advance::Step(step, happened)).is_err() {
            assert_eq!(status, before);
        }
    }
    // As many cuts as do not slow it down too much, one of them in the last line.
    for cut in (0..bytes.len()).rev().step_by(bytes.len() / 8 + 1) {
        let whole = bytes[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines_are_read = parse_journal(&bytes[..whole], path).is_ok();
        assert!(lines_are_read, "the lines before a cut at {cut} are refused");
    }
});
