//! Route carriers on real Traefik, under load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../common/app.rs"]
mod app;
mod asleep;
mod back;
mod killed;
mod restart;
mod switch;
mod world;
