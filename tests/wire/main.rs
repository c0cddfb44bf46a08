//! The adapter against an engine that says exactly what a test wants it to say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod broken;
mod create;
mod events;
mod fake;
mod recorded;
mod states;
mod versions;
