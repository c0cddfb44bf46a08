//! What the route needs and only the containers of the old release define, by their labels: it goes when they are stopped.

use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::Retire;
use crate::own::Owned;
use crate::plan::{self, Plan};
use crate::proxy::Proxy;

/// Refuses a deploy after which the proxy would have no route, because a part of it went with the old release.
///
/// # Errors
/// Of kind `Config` when that is so, and when Docker cannot be asked.
pub(super) async fn check(engine: &dyn Engine, proxy: &dyn Proxy, plan: &Plan) -> Result<()> {
    let Some(former) = plan.former.as_ref().filter(|_| plan.target.app.retire != Retire::Keep) else {
        return Ok(());
    };
    let leaving = plan::present(engine, former).await?;
    let goes: Vec<(&Owned, Vec<String>)> = leaving
        .iter()
        .map(|container| (container, proxy.defined_by(&container.spec.labels)))
        .filter(|(_, parts)| !parts.is_empty())
        .collect();
    if goes.is_empty() {
        return Ok(());
    }
    let running = engine.containers(&[]).await?;
    let others = running
        .iter()
        .filter(|one| one.status == "running" && !leaving.iter().any(|leaving| leaving.id == one.id))
        .map(|one| &one.labels);
    let stays: Vec<String> = others
        .chain(plan.target.containers.iter().map(|(_, spec)| &spec.labels))
        .flat_map(|labels| proxy.defined_by(labels))
        .collect();
    for (container, parts) in goes {
        if let Some(part) = parts.iter().find(|part| !stays.contains(part)) {
            let name = &container.name;
            return Err(Error::new(
                Kind::Config,
                format!("the route needs {part}, which only the labels of {name} define, and this deploy stops {name}"),
            )
            .hint(format!(
                "define {part} where it stays, by the labels of a container that goes on running, such as Traefik's own, or keep {name} running: retire: keep"
            )));
        }
    }
    Ok(())
}
