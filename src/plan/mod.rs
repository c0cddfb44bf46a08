//! What a deploy will do: what is there is observed, then a pure function decides.

mod build;
mod drift;
mod hooks;
mod moves;
mod names;
mod observe;
pub mod prune;
mod rebuild;
mod same;
mod settings;

pub use build::{Plan, Wish, build, image_is_gone};
pub(crate) use build::{record_is_lost, unknown};
pub use drift::{absent, changed};
pub use moves::{Move, left};
pub use names::target_of;
pub(crate) use names::{container_names, is_foreign};
pub use observe::{Observation, Present, located, observe, present, routes};
pub(crate) use observe::{name_adopted_as_called, run_by_others};
pub use rebuild::{Known, Rebuilt, rebuild};
pub use same::another_project;
pub use settings::settings;
