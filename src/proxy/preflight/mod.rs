//! Checks that every proxy in a container needs. They are pure.

pub mod container;
pub mod mounts;
