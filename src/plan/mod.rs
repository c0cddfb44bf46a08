//! What a deploy will do: what is there is observed, then a pure function decides.

mod build;
mod names;
mod observe;

pub use build::{Plan, Wish, build};
pub use names::{release_host, slot_host, target_of};
pub use observe::{Observation, Present, observe, present};
