//! The command line as a person or a script sees it, without Docker: text, JSON and exit codes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ci;
mod compose;
mod config;
mod damage;
mod help;
mod hints;
mod host;
mod output;
mod prune;
mod records;
