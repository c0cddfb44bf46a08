//! nginx in a container.
//!
//! bgd writes one file per app and one for all into a folder that nginx includes. Since nginx 1.27.4 traffic is moved
//! by a reload, on older versions by a flag file ([`version::Method`]). Each app's file has a *marker* server on a
//! loopback port, by which nginx itself is asked what it does.

mod client;
pub mod conf;
mod driver;
mod flag;
mod flags;
mod in_flight;
mod live;
mod marker;
mod names;
mod place;
mod placeholder;
mod preflight;
mod processes;
mod reach;
mod reload;
mod reserve;
mod restore;
mod shared;
mod stage;
mod text;
#[cfg(test)]
mod text_tests;
mod unlock;
mod up;
mod version;

pub use driver::NginxDriver;
pub use live::seen_many;
pub use version::{Method, Version};
