//! A record of any bytes is read or refused, without a panic, and what was read is written and read back the same.
#![no_main]

use std::path::Path;

use bgd::model::ReleaseNumber;
use bgd::record::{Cause, parse_release, parse_state};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("record");
    match parse_release(bytes, path) {
        Ok(release) => assert_eq!(parse_release(&stored(&release), path).unwrap(), release),
        Err(error) => assert!(!error.hints().is_empty(), "{error:?}"),
    }
    match parse_state(bytes, path) {
        Ok(state) => {
            assert_eq!(parse_state(&stored(&state), path).unwrap(), state);
            let mut next = state.clone();
            let release = state.live().map_or(ReleaseNumber(1), |live| ReleaseNumber(live.0.wrapping_add(1)));
            next.activate(release, Cause::Deploy, Timestamp::UNIX_EPOCH);
            assert_eq!(next.live(), Some(release));
            assert_eq!(next.previous(release), state.live());
        }
        Err(error) => assert!(!error.hints().is_empty(), "{error:?}"),
    }
});

/// A value as its file holds it.
fn stored(value: &impl Serialize) -> Vec<u8> {
    let mut value = serde_json::to_value(value).unwrap();
    value["format"] = "1.0".into();
    value.to_string().into_bytes()
}
