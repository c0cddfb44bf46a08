use tokio::sync::watch;

/// Counts the requests and WebSockets that have begun and not ended.
#[derive(Clone)]
pub struct InFlight(watch::Sender<usize>);

impl InFlight {
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Counts one more, until the guard is dropped.
    pub fn enter(&self) -> Guard {
        self.0.send_modify(|count| *count += 1);
        Guard(self.0.clone())
    }

    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until nothing is in flight.
    pub async fn idle(&self) {
        // An error would mean that the sender is gone, and `self` is the sender.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// One request in flight.
pub struct Guard(watch::Sender<usize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
