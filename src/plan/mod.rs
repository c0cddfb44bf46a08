//! What a deploy will do: what is there is observed, then a pure function decides.

mod build;
mod names;
mod observe;
mod rebuild;

pub use build::{Plan, Wish, build};
pub(crate) use names::{container_names, is_foreign};
pub use names::{release_host, slot_host, target_of};
pub use observe::{Observation, Present, observe, present};
pub use rebuild::{Rebuilt, rebuild};
