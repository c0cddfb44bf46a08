//! The nginx driver on real nginx, the newest and an old one, under load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../common/app.rs"]
mod app;
mod busy;
mod first;
#[path = "../common/release.rs"]
mod release;
mod restart;
mod restore;
mod several;
mod switch;
mod trouble;
mod world;
