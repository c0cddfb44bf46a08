//! Another nginx that reads the same folder: bgd tells only the one that the configuration names, so the other would go on
//! sending requests to a release that was stopped.

use futures_util::future::join_all;

use crate::docker::{Container, Engine};
use crate::error::Result;
use crate::model::{Mount, MountKind};
use crate::proxy::seat::Seat;
use crate::proxy::{Finding, Severity};

use super::super::version::Method;

/// Looks for running containers of nginx, other than the proxy, that mount its folder.
///
/// # Errors
/// Those of the engine. A container that is gone meanwhile is passed over.
pub async fn check(
    engine: &dyn Engine,
    seat: &Seat,
    folder: &str,
    method: Option<Method>,
) -> Result<Vec<Finding>> {
    let Some(place) = place_of(&seat.container, folder) else { return Ok(Vec::new()) };
    let others = engine.containers(&[]).await?;
    let others = others.iter().filter(|other| other.status == "running" && other.id != seat.container.id);
    let looked = join_all(others.map(|other| reads(engine, &other.id, &place))).await;
    Ok(looked.into_iter().flatten().map(|name| told(&seat.container.name, &name, folder, method)).collect())
}

/// The name of a container that reads this place by an nginx.
async fn reads(engine: &dyn Engine, id: &str, place: &(MountKind, String)) -> Option<String> {
    let container = engine.container(id).await.ok()??;
    if !container.mounts.iter().any(|mount| holds(mount, place)) {
        return None;
    }
    let processes = engine.processes(id).await.ok()?;
    processes.iter().any(|process| process.title.starts_with("nginx: master")).then_some(container.name)
}

/// Where a folder of a container really is: a path of the host, or of a volume with its name before it.
fn place_of(container: &Container, folder: &str) -> Option<(MountKind, String)> {
    let around = container.mounts.iter().filter_map(|mount| {
        let rest = folder.strip_prefix(mount.target.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    });
    let (mount, rest) = around.max_by_key(|(mount, _)| mount.target.len())?;
    (mount.kind != MountKind::Tmpfs)
        .then(|| (mount.kind, format!("{}{rest}", mount.source.trim_end_matches('/'))))
}

/// Whether a mount holds this place.
fn holds(mount: &Mount, (kind, place): &(MountKind, String)) -> bool {
    let rest = place.strip_prefix(mount.source.trim_end_matches('/'));
    mount.kind == *kind && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn told(own: &str, other: &str, folder: &str, method: Option<Method>) -> Finding {
    match method {
        Some(Method::Flag) => Finding {
            severity: Severity::Warning,
            message: format!(
                "nginx in {other} mounts {folder} of {own} too: bgd verifies a switch at {own} only, and {other} routes to the \
                 app only once it has loaded its file"
            ),
            remedy: Some(format!(
                "after the first deploy have it read its files: docker exec {other} nginx -s reload"
            )),
        },
        _ => Finding {
            severity: Severity::Refusal,
            message: format!(
                "nginx in {other} mounts {folder} of {own} too, and would go on sending requests to a release that was stopped: \
                 bgd reloads {own} only"
            ),
            remedy: Some(format!("give {other} a folder of its own, or stop it")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_holds_the_folder_itself_and_what_is_below_it() {
        let mount = |kind, source: &str| Mount {
            kind,
            source: source.to_owned(),
            target: "/x".to_owned(),
            read_only: true,
            options: None,
        };
        let place = (MountKind::Bind, "/srv/edge/conf.d".to_owned());
        assert!(holds(&mount(MountKind::Bind, "/srv/edge/conf.d"), &place));
        assert!(holds(&mount(MountKind::Bind, "/srv/edge/"), &place));
        assert!(!holds(&mount(MountKind::Bind, "/srv/ed"), &place));
        assert!(!holds(&mount(MountKind::Bind, "/srv/edge/conf.d/deeper"), &place));
        assert!(!holds(&mount(MountKind::Volume, "/srv/edge/conf.d"), &place));
    }
}
