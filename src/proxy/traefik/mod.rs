//! Traefik in a container.
//!
//! A route is two routers that lead to one service per release: the user's own, and a *marker* router of a higher
//! priority that asks for a header besides and says in its answers which release they came from. Both change at once,
//! by one file of the file provider ([`TraefikMode::File`]) or by the labels of one route carrier
//! ([`TraefikMode::Labels`]), so that an answer to the marker proves what everybody gets.
//!
//! [`TraefikMode::File`]: crate::model::TraefikMode::File
//! [`TraefikMode::Labels`]: crate::model::TraefikMode::Labels

mod api;
mod client;
mod confirm;
mod door;
mod driver;
mod files;
mod in_flight;
pub mod labels;
mod live;
mod look;
mod means;
mod names;
mod preflight;
mod rivals;
pub mod rule;
pub mod settings;
mod text;
#[cfg(test)]
mod text_tests;

pub use driver::TraefikDriver;
