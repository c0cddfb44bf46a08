//! Files that only a container holds: told before a release begins without them.

use crate::docker::{Container, Engine, Image};
use crate::error::{Error, Kind, Result};
use crate::event::Report;
use crate::model::{App, Release};
use crate::own::{self, Left};
use crate::plan;

/// Refuses a deploy after which files in an anonymous volume of what serves now would be out of the app's reach, and warns
/// of paths that the image declares as volumes and nothing is mounted at. A path that the configuration lists is known.
pub(super) async fn check(
    engine: &dyn Engine,
    app: &App,
    image: &Image,
    serving: &[Container],
    report: &dyn Report,
) -> Result<()> {
    let is_listed = |path: &str| app.container.mounts.iter().any(|mount| same(&mount.target, path));
    let mut held: Vec<Left> = Vec::new();
    for container in serving {
        held.extend(own::files_of_its_own(engine, container).await?);
    }
    held.retain(|left| !is_listed(&left.mount.target));
    if let Some(first) = held.first() {
        let path = &first.mount.target;
        let mut error = Error::new(
            Kind::Config,
            format!(
                "{} keeps files in an anonymous volume at {path}, and nothing is mounted there in the new release: it would begin without them",
                first.container
            ),
        )
        .hint(format!("to go on with the same files: volumes: [\"{}:{path}\"]", first.mount.source))
        .hint(format!("to begin with a volume that the next releases keep: volumes: [\"{}-data:{path}\"]", app.name))
        .hint(format!("when nobody needs the files after a deploy: volumes: [\"{path}\"]"));
        for left in &held[1..] {
            error = error.detail(
                "also",
                format!("{} at {} ({})", left.container, left.mount.target, left.mount.source),
            );
        }
        return Err(error);
    }
    for path in image.volumes.iter().filter(|path| !is_listed(path)) {
        report.warn(
            format!("the image keeps data in {path}, and nothing is mounted there: each release begins with an empty folder"),
            Some(format!(
                "volumes: [\"{}-data:{path}\"] keeps it; volumes: [\"{path}\"] says that each release may begin empty",
                app.name
            )),
        );
    }
    Ok(())
}

/// Tells what a release that is left has written to anonymous volumes of its own, which the one that comes back has not.
pub(super) async fn tell(
    engine: &dyn Engine,
    leaving: Option<&Release>,
    coming: &Release,
    report: &dyn Report,
) -> Result<()> {
    let Some(leaving) = leaving else { return Ok(()) };
    for container in plan::present(engine, leaving).await?.iter() {
        for left in own::files_of_its_own(engine, container).await? {
            let (path, volume) = (&left.mount.target, &left.mount.source);
            let shares = |(_, spec): &(String, crate::model::ContainerSpec)| {
                spec.mounts.iter().any(|mount| same(&mount.target, path) && mount.source == *volume)
            };
            if !coming.containers.iter().any(shares) {
                report.warn(
                    format!(
                        "release {} has a {path} of its own: what release {} wrote there stays in the volume {volume}",
                        coming.number, leaving.number
                    ),
                    None,
                );
            }
        }
    }
    Ok(())
}

/// Has a release that is deployed again from its record go on with the anonymous volumes of what serves now.
pub(super) fn carry_over(app: &mut App, serving: impl Iterator<Item = Container>) {
    // Of several containers each has files of its own, and none of theirs is all of the app's.
    if app.replicas > 1 {
        return;
    }
    for container in serving {
        for mount in container.mounts.into_iter().filter(|mount| mount.is_anonymous()) {
            match app.container.mounts.iter_mut().find(|known| same(&known.target, &mount.target)) {
                Some(known) if known.is_anonymous() => known.source = mount.source,
                Some(_) => {}
                None => app.container.mounts.push(mount),
            }
        }
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim_end_matches('/') == b.trim_end_matches('/')
}
