//! The Traefik driver on a real Traefik, under load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../common/app.rs"]
mod app;
mod doors;
mod in_flight;
#[path = "../common/release.rs"]
mod release;
mod restore;
mod switch;
mod trouble;
mod world;
