//! Deploys on an engine and a proxy in memory: what fails, what is killed, and what is left then.

#![allow(clippy::disallowed_methods, reason = "a test is anybody")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancel;
mod client;
mod full_disk;
mod hooks;
mod identity;
mod matrix;
mod moves;
mod prefixes;
mod proxy;
mod rollback;
mod ticks;
mod turn;
mod walks;
mod watch;
mod world;
