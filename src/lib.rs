//! bgd deploys container images to one Docker host, blue-green, without losing a request.
#![warn(missing_docs)]

pub mod docker;
pub mod error;
pub mod model;
pub mod probe;
pub mod proxy;
pub mod template;
