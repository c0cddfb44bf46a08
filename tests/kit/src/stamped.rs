use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::time::UNIX_EPOCH;

/// Whether each test runs in a process of its own, as nextest has it: then what tests have in common outlives them.
pub fn is_of_a_suite() -> bool {
    std::env::var_os("NEXTEST").is_some()
}

/// The image that is made of this test executable, made by `make` when the daemon does not have it.
///
/// The name has a sum of the executable, so that every process of one build uses the same image and only the first one makes it.
///
/// # Panics
/// When the executable or the lock file cannot be read.
pub fn own_image(repository: &str, is_there: impl Fn(&str) -> bool, make: impl FnOnce(&str)) -> String {
    let name = name(repository);
    let lock = std::env::temp_dir().join(format!("{}.lock", name.replace([':', '/'], "-")));
    let lock = File::create(&lock).unwrap_or_else(|why| panic!("{}: {why}", lock.display()));
    lock.lock().unwrap();
    if !is_there(&name) {
        make(&name);
    }
    name
}

fn name(repository: &str) -> String {
    let path = std::env::current_exe().unwrap();
    let about = path.metadata().unwrap();
    let modified = about.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let mut hasher = DefaultHasher::new();
    hasher.write(path.as_os_str().as_encoded_bytes());
    hasher.write_u64(about.len());
    hasher.write_u128(modified.as_nanos());
    format!("{repository}:{:016x}", hasher.finish())
}
