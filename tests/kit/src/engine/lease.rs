use std::fs::File;

/// The right to use an engine that several processes take in turns. It ends with the process.
pub struct Lease {
    _locked: File,
}

impl Lease {
    /// Waits until no other process uses the engine of this name.
    pub fn take(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}.lock"));
        let file = File::create(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        file.lock().unwrap();
        Self { _locked: file }
    }
}
