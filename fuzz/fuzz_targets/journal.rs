//! A journal of any bytes is read or refused, without a panic, and never counts bytes that are not there.
#![no_main]

use std::path::Path;

use bgd::record::{JournalState, parse_journal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(JournalState::Open(replay) | JournalState::Ended(replay)) = parse_journal(bytes, Path::new("journal")) {
        assert!(replay.whole_bytes <= bytes.len() as u64);
    }
});
