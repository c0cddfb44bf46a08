use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::{Owned, is_marked, labelled};
use crate::docker::{Container, Engine, Summary};
use crate::error::Result;
use crate::model::{AppName, Outcome, Release, ReleaseNumber, label};

/// The containers of a release, in the order of its record; `None` where there is none that is proved to be its.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn of_release(engine: &dyn Engine, release: &Release) -> Result<Vec<Option<Owned>>> {
    if is_adopted(release) {
        return try_join_all((1..=release.containers.len()).map(|replica| adopted(engine, release, replica)))
            .await;
    }
    let labels =
        [format!("{}={}", label::APP, release.app.name), format!("{}={}", label::RELEASE, release.number)];
    let listed = labelled(engine, &labels).await?;
    try_join_all((1..=release.containers.len()).map(|replica| {
        let summary = replica_of(&listed, release, replica);
        async move {
            match summary {
                Some(summary) => Ok(engine.container(&summary.id).await?.map(Owned::new)),
                None => Ok(None),
            }
        }
    }))
    .await
}

/// A replica of a release, counted from 1, among the containers with labels of their own.
pub(crate) fn replica_of<'s>(
    listed: &'s [Summary],
    release: &Release,
    replica: usize,
) -> Option<&'s Summary> {
    let (number, text) = (release.number.to_string(), replica.to_string());
    let recorded = release.containers.get(replica - 1);
    // Records of before there was this label know nothing of it.
    let created = recorded.and_then(|(_, spec)| spec.labels.get(label::CREATED));
    let is_its = |summary: &&Summary| {
        let has = |key, value: &String| summary.labels.get(key) == Some(value);
        has(label::RELEASE, &number)
            && has(label::REPLICA, &text)
            && created.is_none_or(|created| has(label::CREATED, created))
    };
    let mut its = listed.iter().filter(is_its);
    if let Some(id) = release.ids.get(&replica) {
        return its.find(|summary| summary.id == *id);
    }
    // What was undone has no container any more: one with its number is of another state folder.
    if matches!(release.outcome, Outcome::Failed { .. } | Outcome::RolledBack { .. }) {
        return None;
    }
    // Of before ids were recorded, or made by a bgd that was killed before it heard of it. A copy came later.
    let its: Vec<&Summary> = its.collect();
    let name = recorded.map(|(name, _)| name);
    let named = its.iter().find(|summary| Some(&summary.name) == name);
    named.or_else(|| its.iter().min_by_key(|summary| summary.created)).copied()
}

/// Whether a record is that of the release whose number the proxy names, or its labels: another state folder can have given
/// the number to a release of its own. `listed` are all containers of the app.
pub(crate) fn is_of_record(listed: &[Summary], release: &Release) -> bool {
    let number = release.number.to_string();
    let mut of_number = listed.iter().filter(|one| one.labels.get(label::RELEASE) == Some(&number));
    if of_number.next().is_some() {
        return (1..=release.containers.len()).any(|replica| replica_of(listed, release, replica).is_some());
    }
    // Its containers are gone, or an adopted one's have no labels.
    !matches!(release.outcome, Outcome::Failed { .. } | Outcome::RolledBack { .. })
}

/// The container that became release 0: by its id, whatever it is called now.
async fn adopted(engine: &dyn Engine, release: &Release, replica: usize) -> Result<Option<Owned>> {
    let (name, spec) = &release.containers[replica - 1];
    let recorded = release.ids.get(&replica);
    let found = engine.container(recorded.unwrap_or(name)).await?;
    let is_it = |container: &Container| {
        let is_old = container.created.is_none_or(|created| created <= release.created);
        let same = match recorded {
            Some(id) => container.id == *id,
            None => container.image_id == release.image_id && is_old,
        };
        same && (!is_marked(&container.spec.labels) || container.spec.labels == spec.labels)
    };
    Ok(found.filter(is_it).map(Owned::new))
}

/// Whether a release's containers were there before bgd: they carry no label of bgd's and are never removed.
pub(crate) fn is_adopted(release: &Release) -> bool {
    release.outcome == Outcome::Adopted
        && release.containers.iter().all(|(_, spec)| !spec.labels.contains_key(label::APP))
}

/// All containers that carry an app's label as their own.
#[derive(Debug, Clone, Default)]
pub struct OfApp {
    /// Those that a record knows, by its release.
    pub known: Vec<(ReleaseNumber, Summary)>,
    /// Those that no record knows: of a release that is not recorded, or another than the one that was recorded.
    pub unknown: Vec<Summary>,
    /// The releases among theirs that are recorded, with other containers.
    pub(crate) recorded: BTreeSet<ReleaseNumber>,
}

/// Sorts an app's containers by whether the records know them. `record` looks a release up.
///
/// # Errors
/// Those of the lookup.
pub fn of_app(
    listed: &[Summary],
    mut record: impl FnMut(ReleaseNumber) -> Result<Option<Release>>,
) -> Result<OfApp> {
    let mut sorted = OfApp::default();
    for summary in listed {
        let number = summary.labels.get(label::RELEASE).and_then(|text| text.parse().ok()).map(ReleaseNumber);
        let release = number.map(&mut record).transpose()?.flatten();
        let is_its = |release: &Release| {
            (1..=release.containers.len()).any(|replica| {
                replica_of(listed, release, replica).is_some_and(|replica| replica.id == summary.id)
            })
        };
        sorted.recorded.extend(release.as_ref().map(|release| release.number));
        match release.filter(is_its) {
            Some(release) => sorted.known.push((release.number, summary.clone())),
            None => sorted.unknown.push(summary.clone()),
        }
    }
    Ok(sorted)
}

impl OfApp {
    /// Those that say they are of a recorded release and are none of its.
    pub fn strangers(&self) -> impl Iterator<Item = &Summary> {
        let number = |summary: &Summary| summary.labels.get(label::RELEASE)?.parse().ok().map(ReleaseNumber);
        self.unknown.iter().filter(move |one| number(one).is_some_and(|it| self.recorded.contains(&it)))
    }

    /// The known ones of these releases, looked up.
    ///
    /// # Errors
    /// When Docker cannot be asked.
    pub async fn look_up(
        &self,
        engine: &dyn Engine,
        wanted: impl Fn(ReleaseNumber) -> bool,
    ) -> Result<Vec<(ReleaseNumber, Owned)>> {
        let its = self.known.iter().filter(|(number, _)| wanted(*number));
        let found = try_join_all(its.map(|(number, summary)| async move {
            Ok::<_, crate::error::Error>(
                engine.container(&summary.id).await?.map(|one| (*number, Owned::new(one))),
            )
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Has the record of a release mount the anonymous volumes of a container by their names, so that a container which is
/// created again in its place has the same files.
pub fn remember_volumes(release: &mut Release, container: &Container) {
    let at = release.ids.iter().find(|(_, id)| **id == container.id).map(|(replica, _)| *replica - 1);
    let named = || release.containers.iter().position(|(name, _)| *name == container.name);
    let Some((_, spec)) = at.or_else(named).and_then(|at| release.containers.get_mut(at)) else { return };
    for volume in container.mounts.iter().filter(|mount| mount.is_anonymous()) {
        match spec.mounts.iter_mut().find(|mount| mount.target == volume.target) {
            Some(mount) => mount.source.clone_from(&volume.source),
            None => spec.mounts.push(volume.clone()),
        }
    }
}

/// The app of the label, to list its containers.
pub fn app_label(app: &AppName) -> [String; 1] {
    [format!("{}={app}", label::APP)]
}
