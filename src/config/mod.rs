//! `bgd.yaml`: from text to a checked [`App`], with everything that is wrong said at once.
//!
//! The file becomes a tree that knows its places (`yaml`, `node`), its variables are replaced (`interpolate`), and a reader per
//! part (`app`, `container`, `health`, `smoke`, `proxy` …) takes its keys from it and reports what it cannot take.

pub(crate) mod app;
mod container;
pub(crate) mod context;
mod diagnostic;
mod dotenv;
mod duration;
pub(crate) mod env_file;
mod environment;
mod excerpt;
pub(crate) mod fields;
mod flat;
mod foreign;
pub(crate) mod health;
mod hooks;
mod host;
mod interpolate;
mod json;
mod load;
mod mount_options;
mod mounts;
mod networks;
pub(crate) mod node;
mod pairs;
pub(crate) mod problems;
mod proxy;
mod resources;
mod retention;
mod size;
mod smoke;
mod words;
pub(crate) mod yaml;

pub use context::{Env, ReadFile};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use duration::{InvalidAge, InvalidDuration, parse_age, parse_duration, show_age, show_duration};
pub use env_file::{Format, InvalidLine, Variables, parse_env_file};
pub(crate) use flat::flatten;
pub(crate) use interpolate::interpolate_as_compose;
pub use interpolate::{Fault, interpolate};
pub(crate) use load::read_file;
pub use load::{Source, find, load, load_with_remarks};
pub use words::{InvalidWords, split_words};

use crate::model::App;
use context::Context;
use problems::Problems;

/// Reads and checks a configuration without touching the world but through `env` and `read_file`.
///
/// Paths are resolved against the folder of `source.path`.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn parse(source: &Source, env: Env<'_>, read_file: ReadFile<'_>) -> Result<App, Diagnostics> {
    parse_with_remarks(source, env, read_file).map(|(app, _)| app)
}

/// The same with warnings and notes, in the order of the file.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_with_remarks(
    source: &Source,
    env: Env<'_>,
    read_file: ReadFile<'_>,
) -> Result<(App, Vec<Diagnostic>), Diagnostics> {
    let mut problems = Problems::default();
    let Some(mut root) = yaml::parse(&source.text, &mut problems) else {
        return Err(problems.into_diagnostics(source));
    };
    let folder = source.path.parent().unwrap_or(std::path::Path::new(""));
    let mut cx = Context { problems, folder, env, read_file };
    cx.interpolate(&mut root);
    let app = app::read(&mut cx, &root, "");
    match app {
        Some(app) if cx.problems.is_empty() => {
            Ok((app, cx.problems.into_remarks_of(&source.text, &[(source.path.clone(), 0)])))
        }
        _ => Err(cx.problems.into_diagnostics(source)),
    }
}
