//! Configurations, right and wrong, against the diagnostics and apps that they give.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod folder;
mod load;
mod properties;
mod support;
mod yaml;
