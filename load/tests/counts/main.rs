//! Servers that misbehave in one way each, and the failure as which the load counts it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server;

mod command;
mod failures;
mod keepalive;
mod served;
mod websocket;
