//! What the Docker tests stand on.
//!
//! A [`TestRun`] names everything after itself and removes it at the end. In it live an [`Edge`] (the nginx that
//! serves already) or a [`Gate`] (the Traefik), [`App`]s and the [`Bgd`] under test, on the machine's own daemon or, where a test has to restart
//! or kill the daemon, on a [`PrivateEngine`]. The load comes from `bgd-load`; [`Front::load`] aims it.
//!
//! The functions here panic when something does not work, as the assertions of a test do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod app;
mod bgd;
mod compose;
pub mod conf;
mod container;
mod cut;
mod docker;
mod edge;
mod engine;
mod folder;
mod front;
mod gate;
pub mod http;
mod images;
mod poll;
mod port;
pub mod routes;
mod run;
mod stamped;

pub use app::App;
pub use bgd::{Bgd, Outcome, Spawned};
pub use compose::Compose;
pub use container::Container;
pub use cut::Cut;
pub use docker::Docker;
pub use edge::{Edge, EdgeBuilder};
pub use engine::PrivateEngine;
pub use folder::ConfigDir;
pub use front::Front;
pub use gate::{Gate, GateBuilder};
pub use images::{Images, OwnImages, images};
pub use poll::{poll_for, poll_until};
pub use port::free_port;
pub use run::TestRun;
pub use stamped::{is_of_a_suite, own_image};

/// The repository's root.
pub fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
