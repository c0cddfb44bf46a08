//! What bgd stores: releases, which of them was live when, and the journal of the deploy that is under way.
//!
//! ```text
//! STATE/apps/APP/lock              held while the app is being changed; says who holds it
//! STATE/apps/APP/state.json        what was live, in order
//! STATE/apps/APP/releases/1.json   one record each
//! STATE/apps/APP/hooks/1.log       what the hooks of a release wrote
//! STATE/apps/APP/journal.jsonl     the deploy that is under way; moved to journals/ when it has ended
//! STATE/apps/APP/former.json       the proxy's files before that deploy
//! STATE/apps/APP/take-back.json   asks the bgd that holds the lock to take back the release that it deploys
//! STATE/proxies/PROXY.lock         held while a proxy's configuration is being written
//! ```
//! Folders have mode 0700 and files 0600, because records hold the environment of containers.

mod app;
mod file;
mod journal;
mod lock;
mod locked;
mod request;
pub mod retention;
mod shared;
mod state;
mod store;
mod survey;

pub use app::AppStore;
pub use journal::{Ending, Entry, Happened, Journal, JournalState, Replay, parse as parse_journal};
pub use lock::{Holder, Lock};
pub use locked::LockedApp;
pub use request::TakeBack;
pub use shared::also_live_for;
pub use state::{Activation, AppState, Cause, Deployed};
pub use store::Store;
pub use survey::Survey;

use std::path::Path;

use crate::error::Result;
use crate::model::Release;

/// Reads the record of a release from its bytes; `path` is what an error names.
///
/// # Errors
/// Bytes that are no record, or one of a newer format.
pub fn parse_release(bytes: &[u8], path: &Path) -> Result<Release> {
    file::parse(bytes, path)
}

/// Reads which releases were live from its bytes; `path` is what an error names.
///
/// # Errors
/// Bytes that are no such list, or one of a newer format.
pub fn parse_state(bytes: &[u8], path: &Path) -> Result<AppState> {
    file::parse(bytes, path)
}
