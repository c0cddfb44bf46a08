use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::{App, ComposeService, MountKind};

/// Refuses when a network or volume of the app's service is not there.
///
/// bgd makes neither. Docker itself would make a missing volume, without compose's labels, and compose then takes it for
/// somebody else's for good; and labels that are compose's today need not be those of the next version, which asks to
/// make a volume anew when they differ.
///
/// # Errors
/// Of kind `Config`, with the remedy. Of kind `Docker` when the engine cannot be asked.
pub async fn check(engine: &dyn Engine, app: &App, service: &ComposeService) -> Result<()> {
    let further = app.container.networks.iter().map(|network| network.name.as_str());
    for name in std::iter::once(app.network.as_str()).chain(further) {
        if engine.network(name).await?.is_none() {
            return Err(missing(service, "network", name));
        }
    }
    let volumes = app.container.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
    for name in volumes.map(|mount| mount.source.as_str()).filter(|name| !name.is_empty()) {
        if !engine.has_volume(name).await? {
            return Err(missing(service, "volume", name));
        }
    }
    Ok(())
}

fn missing(service: &ComposeService, what: &str, name: &str) -> Error {
    let error = Error::new(Kind::Config, format!("there is no {what} {name}"));
    if service.external.iter().any(|external| external == name) {
        return error.hint(format!("it is external to the project; make it: docker {what} create {name}"));
    }
    let name = &service.service;
    let (make, remove) = (format!("up --no-start --no-deps {name}"), format!("rm -f {name}"));
    error
        .hint(format!("let compose make it: {}", service.command_line(&make)))
        .hint(format!("then remove the container that is made with it: {}", service.command_line(&remove)))
}
