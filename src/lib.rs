//! bgd deploys container images to one Docker host, blue-green, without losing a request.
#![warn(missing_docs)]

pub mod cli;
pub mod config;
pub mod docker;
pub mod error;
pub mod event;

pub mod model;
pub mod plan;
pub mod probe;
pub mod proxy;
pub mod record;
pub mod saga;
pub mod step;
pub mod template;
pub mod ui;
pub mod watch;
