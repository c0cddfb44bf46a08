use crate::faults::Faults;
use crate::in_flight::InFlight;
use crate::redis::Redis;
use crate::settings::Settings;
use hyper::header::HeaderValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What all connections share.
pub struct App {
    pub version: String,
    pub version_header: HeaderValue,
    pub hostname: String,
    pub in_flight: InFlight,
    pub redis: Option<Redis>,
    stopping: watch::Sender<bool>,
    faults: Mutex<Faults>,
    exit: Mutex<Option<AbortHandle>>,
}

impl App {
    /// Starts the clock of `EXIT_AFTER` too, and so belongs inside a runtime.
    pub fn new(settings: Settings) -> Arc<Self> {
        let app = Self {
            version_header: HeaderValue::from_str(&settings.version)
                .unwrap_or_else(|_| HeaderValue::from_static("unprintable")),
            version: settings.version,
            hostname: hostname(),
            in_flight: InFlight::new(),
            redis: settings.redis_addr.map(Redis::new),
            stopping: watch::Sender::new(false),
            faults: Mutex::new(settings.faults),
            exit: Mutex::new(None),
        };
        app.arm_exit();
        Arc::new(app)
    }

    /// Tells every connection that the app is stopping.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the app is stopping.
    pub async fn stopped(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches faults by a query; starts, restarts or stops the clock of `exit_after` when the query names it.
    pub fn switch(&self, query: &str) -> Result<(), String> {
        self.faults().apply(query)?;
        if query.contains("exit_after") || query.contains("clear") {
            self.arm_exit();
        }
        Ok(())
    }

    fn arm_exit(&self) {
        let after = self.faults().exit_after;
        let task = after.map(|after| {
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                eprintln!("exiting with status 1, {after:?} after EXIT_AFTER was set");
                std::process::exit(1);
            })
            .abort_handle()
        });
        let former = std::mem::replace(&mut *self.exit.lock().unwrap_or_else(PoisonError::into_inner), task);
        if let Some(former) = former {
            former.abort();
        }
    }
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_string()
}
