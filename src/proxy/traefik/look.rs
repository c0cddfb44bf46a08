//! Reads the settings of a Traefik from where it has them.

use std::rc::Rc;

use crate::docker::{Container, Engine};
use crate::error::Result;
use crate::proxy::seat::Seat;

use super::api::Api;
use super::settings::{Options, Settings, from_arguments, from_environment, from_toml, from_yaml};

/// Where Traefik looks for its file by itself, beside the working directory.
const PLACES: [&str; 3] =
    ["/etc/traefik/traefik.toml", "/etc/traefik/traefik.yaml", "/etc/traefik/traefik.yml"];

/// Looks at a Traefik from all sides.
///
/// # Errors
/// Those of the engine and of the vantage point.
pub async fn settings(engine: &Rc<dyn Engine>, seat: &Seat) -> Result<Settings> {
    let arguments = arguments(&**engine, seat).await?;
    let mut settings = Settings::new(options(seat, &arguments).await?);
    if !seat.is_running() {
        return Ok(settings);
    }
    let (at, base) = settings.api_candidate();
    let api = Api { vantage: &*seat.vantage, at, base: &base };
    settings.version = api.version().await;
    if settings.version.is_some() {
        if let Ok(Some(told)) = api.get("entrypoints").await {
            settings.learn_entrypoints(&told);
        }
        settings.api = Some((at, base));
    }
    Ok(settings)
}

/// The command line of Traefik itself. What its container was asked for is exact where there is something; otherwise it
/// is the image's own, or that of a script, and the process tells.
async fn arguments(engine: &dyn Engine, seat: &Seat) -> Result<Vec<String>> {
    let Container { spec, state, id, .. } = &seat.container;
    let asked: Vec<String> =
        [&spec.entrypoint, &spec.command].into_iter().flatten().flatten().cloned().collect();
    if asked.iter().any(|argument| argument.starts_with("--")) || !seat.is_running() {
        return Ok(asked);
    }
    let processes = engine.processes(id).await?;
    let is_traefik =
        |title: &str| title.split(' ').next().is_some_and(|program| program.ends_with("traefik"));
    let found = processes
        .iter()
        .find(|process| is_traefik(&process.title))
        .or_else(|| processes.iter().find(|process| process.pid == state.pid));
    Ok(found.map_or(asked, |process| process.title.split(' ').map(str::to_owned).collect()))
}

/// The options of the one source that Traefik takes; `None` when that is a file that cannot be read here.
async fn options(seat: &Seat, arguments: &[String]) -> Result<Option<Options>> {
    let flags = from_arguments(arguments);
    let spec = &seat.container.spec;
    let environment = spec.env.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let environment = from_environment(environment);
    let named = flags.get("configfile").or_else(|| environment.get("configfile"));
    let folder = spec.working_dir.as_deref().unwrap_or("/").trim_end_matches('/');
    let places = match named {
        Some(path) if path.starts_with('/') => vec![path.clone()],
        Some(path) => vec![format!("{folder}/{path}")],
        None => {
            let beside = ["toml", "yaml", "yml"].map(|kind| format!("{folder}/traefik.{kind}"));
            PLACES.map(str::to_owned).into_iter().chain(beside).collect()
        }
    };
    for path in places {
        let Ok(Some(content)) = seat.vantage.read(&path).await else { continue };
        let content = String::from_utf8_lossy(&content);
        return Ok(if path.ends_with(".toml") { from_toml(&content) } else { from_yaml(&content) });
    }
    if named.is_some() {
        return Ok(None);
    }
    Ok(Some(if flags.is_empty() { environment } else { flags }))
}
