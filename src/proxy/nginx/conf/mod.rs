//! A reader of nginx configurations, which works where `nginx -T` does not: when nginx is broken or stopped.
//!
//! Text → tokens → directives; [`Files`] follows every `include`, and [`Tree`] answers questions about the whole.

mod files;
mod glob;
mod parse;
mod token;
mod tree;

pub use files::Files;
pub use parse::{Directive, parse};
pub use tree::{Place, Tree, Way};
