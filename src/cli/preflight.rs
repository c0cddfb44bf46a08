use crate::compose;
use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::event::Report;
use crate::model::App;
use crate::proxy::{Proxy, Severity};

/// Looks at the host and the proxy before anything is started. Tells warnings; refuses with all refusals at once.
pub(super) async fn check(
    engine: &dyn Engine,
    proxy: &dyn Proxy,
    app: &App,
    report: &dyn Report,
) -> Result<()> {
    if let Some(service) = &app.compose {
        compose::check_resources(engine, app, service).await?;
    }
    match engine.network(app.network.as_str()).await? {
        None => {
            return Err(Error::new(Kind::Config, format!("there is no Docker network {}", app.network))
                .hint(format!("make it: docker network create {}", app.network))
                .hint("or name the network of your proxy as `network` in the configuration"));
        }
        Some(network) if !network.resolves_names => {
            return Err(Error::new(Kind::Config, format!("the network {} resolves no names", app.network))
                .hint("make one that does: docker network create proxy; then connect the proxy: docker network connect proxy NAME"));
        }
        Some(_) => {}
    }
    let mut refusals = Vec::new();
    for finding in proxy.preflight().await? {
        match finding.severity {
            Severity::Note => report.note(finding.message),
            Severity::Warning => report.warn(finding.message, finding.remedy),
            Severity::Refusal => refusals.push(finding),
        }
    }
    let mut refusals = refusals.into_iter();
    let Some(first) = refusals.next() else { return Ok(()) };
    let mut error = Error::new(Kind::Config, first.message);
    if let Some(remedy) = first.remedy {
        error = error.hint(remedy);
    }
    for more in refusals {
        let remedy = more.remedy.unwrap_or_default();
        error = error.detail("also", format!("{}\n{remedy}", more.message));
    }
    Err(error)
}
