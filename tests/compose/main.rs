//! Compose projects as the source of an app, and beside what bgd runs, with the versions of compose that are here.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod down;
mod folder;
mod keys;
mod nginx;
mod refusals;
mod shop;
mod support;
mod tools;
mod traefik;
