//! Any text is read as an nginx configuration, without a panic.
#![no_main]

use bgd::proxy::nginx::conf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = conf::parse(text);
});
