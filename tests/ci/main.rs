//! bgd in CI: the page that documents it, the files to copy, and their commands on real Docker.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod commands;
mod events;
mod files;
mod job;
mod page;
mod runs;
mod yaml;
