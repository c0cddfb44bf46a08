//! The app as a process, spoken to as a client would.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod process;

mod check;
mod count;
mod faults;
mod routes;
mod terminate;
