use std::time::{Duration, Instant};

/// Waits until the condition holds; panics when it does not within the time.
#[track_caller]
pub fn poll_until(timeout: Duration, mut holds: impl FnMut() -> bool) {
    poll_for(timeout, || holds().then_some(()));
}

/// Waits until there is a value; panics when there is none within the time.
#[track_caller]
pub fn poll_for<T>(timeout: Duration, mut find: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < deadline, "what was waited for did not come within {timeout:?}");
        std::thread::sleep(Duration::from_millis(30));
    }
}
