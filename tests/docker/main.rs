//! bgd on real Docker, behind real nginx, under load: no request may fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod daemon;
mod killed;
mod restarts;
mod scene;
mod under_load;
mod vantage;
