//! The same behind real Traefik, by files and by labels.

mod adopt;
mod faults;
mod refusals;
mod restarts;
mod settled;
mod two_apps;
mod under_load;

use crate::scene::Means;

/// A test for each of the two means.
macro_rules! by_both {
    ($($name:ident: $test:expr;)*) => {
        mod by_files {
            use super::*;
            $(#[test] fn $name() { $test(Means::Files); })*
        }
        mod by_labels {
            use super::*;
            $(#[test] fn $name() { $test(Means::Labels); })*
        }
    };
}
use by_both;
