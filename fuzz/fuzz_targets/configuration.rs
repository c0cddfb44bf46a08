//! No text makes the reading of a configuration panic, and no variable's value shows in what it says.
#![no_main]

use std::io;
use std::path::PathBuf;

use bgd::config::{Source, parse};
use libfuzzer_sys::fuzz_target;

/// It is in no corpus and holds characters that structure YAML.
const SECRET: &str = "s3cr3t-7f1b: [\n";

fuzz_target!(|text: &str| {
    if text.contains("s3cr3t-7f1b") {
        return;
    }
    let source = Source { path: PathBuf::from("/srv/bgd.yaml"), text: text.to_owned() };
    // The home folder is part of paths, which are shown.
    let env = |name: &str| Some(if name == "HOME" { "/home/ada" } else { SECRET }.to_owned());
    let read_file = |_: &std::path::Path| -> io::Result<Vec<u8>> { Ok(text.as_bytes().to_vec()) };
    if let Err(diagnostics) = parse(&source, &env, &read_file) {
        assert!(diagnostics.iter().next().is_some());
        assert!(diagnostics.iter().all(|one| !one.message.contains('\n') && !one.source_line.contains('\n')));
        let shown = bgd::error::Error::from(diagnostics.clone()).one_line() + &diagnostics.to_string();
        assert!(!shown.contains("s3cr3t-7f1b"), "{shown}");
    }
});
