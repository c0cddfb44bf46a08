//! What a prune may remove of containers and images. Pure: whoever does it looks again right before.

use std::collections::{BTreeMap, BTreeSet};

use crate::docker::{ImageSummary, Summary};
use crate::model::{ImageRef, ReleaseNumber, label};
use crate::own::OfApp;

/// What becomes of something that looks like surplus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is removed, because of this.
    Goes(String),
    /// It stays, because of this.
    Stays(String),
}

/// The containers of an app that belong to no release that is `kept`, and what becomes of each. `live` is the release
/// that the proxy routes to.
pub fn leftovers<'c>(
    labelled: &'c [Summary],
    of_app: &OfApp,
    kept: &BTreeSet<ReleaseNumber>,
    live: Option<ReleaseNumber>,
) -> Vec<(&'c Summary, Fate)> {
    let fate = |summary: &'c Summary| {
        let fate = match release_of(summary) {
            None => Fate::Stays("its labels tell no release".to_owned()),
            Some(number) if kept.contains(&number) => return None,
            Some(number) if live == Some(number) => Fate::Stays("the proxy routes to it".to_owned()),
            Some(number) if !is_stopped(summary) => {
                Fate::Stays(format!("it does not stand still, and release {number} has no record"))
            }
            Some(number) if of_app.unknown.iter().any(|unknown| unknown.id == summary.id) => {
                Fate::Stays(format!(
                    "no record here knows it as release {number}'s; when nobody needs it: docker rm {}",
                    summary.name
                ))
            }
            Some(number) => Fate::Goes(format!("release {number} is recorded no more")),
        };
        Some((summary, fate))
    };
    labelled.iter().filter_map(fate).collect()
}

/// The releases of which a container runs, or may run again by itself.
pub fn running(labelled: &[Summary]) -> BTreeSet<ReleaseNumber> {
    labelled.iter().filter(|summary| !is_stopped(summary)).filter_map(release_of).collect()
}

/// The release of which a container says that it is.
pub fn release_of(summary: &Summary) -> Option<ReleaseNumber> {
    summary.labels.get(label::RELEASE)?.parse().ok().map(ReleaseNumber)
}

/// Whether a container stands still until somebody starts it.
pub fn is_stopped(summary: &Summary) -> bool {
    matches!(summary.status.as_str(), "created" | "exited" | "dead")
}

/// What is on the host and in all records, as far as images go.
#[derive(Debug, Clone, Copy)]
pub struct Host<'h> {
    /// All images.
    pub images: &'h [ImageSummary],
    /// All containers, whosever they are.
    pub containers: &'h [Summary],
    /// The images of all releases that stay recorded, and which release that is, for people.
    pub needed: &'h BTreeMap<String, String>,
    /// Under which names bgd deployed each image.
    pub deployed: &'h BTreeMap<String, BTreeSet<String>>,
}

/// What becomes of an image that bgd has deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageFate {
    /// The host has it no more.
    Gone,
    /// It is removed by these references, one after the other: its tags, or its id when it has none.
    Goes(Vec<String>),
    /// It stays, because of this.
    Stays(String),
}

/// Decides about an image of releases that are recorded no more.
pub fn image_fate(id: &str, host: Host<'_>) -> ImageFate {
    let Some(image) = host.images.iter().find(|image| image.id == id) else { return ImageFate::Gone };
    let Some(names) = host.deployed.get(id) else {
        return ImageFate::Stays("bgd has not deployed it".to_owned());
    };
    if let Some(release) = host.needed.get(id) {
        return ImageFate::Stays(format!("{release} needs it"));
    }
    if let Some(user) = host.containers.iter().find(|container| container.image_id == id) {
        return ImageFate::Stays(format!("the container {} uses it", user.name));
    }
    if let Some(child) = host.images.iter().find(|child| child.parent.as_deref() == Some(id)) {
        let child = child.tags.first().unwrap_or(&child.id);
        return ImageFate::Stays(format!("{child} was built from it"));
    }
    let names: Vec<ImageRef> = names.iter().filter_map(|name| reference(name)).collect();
    let is_own_tag =
        |tag: &&String| reference(tag).is_some_and(|tag| names.iter().any(|name| same_tag(name, &tag)));
    let is_own_digest = |digest: &&String| {
        reference(digest).is_some_and(|digest| names.iter().any(|name| name.same_repository(&digest)))
    };
    let foreign_tag = image.tags.iter().find(|tag| !is_own_tag(tag));
    match foreign_tag.or_else(|| image.digests.iter().find(|digest| !is_own_digest(digest))) {
        Some(foreign) => {
            ImageFate::Stays(format!("it is {foreign} too, under which name bgd has not deployed it"))
        }
        None if image.tags.is_empty() => ImageFate::Goes(vec![image.id.clone()]),
        None => ImageFate::Goes(image.tags.clone()),
    }
}

fn reference(text: &str) -> Option<ImageRef> {
    ImageRef::parse(text).ok().map(ImageRef::or_latest)
}

fn same_tag(a: &ImageRef, b: &ImageRef) -> bool {
    a.same_repository(b) && a.tag().is_some() && a.tag() == b.tag()
}

#[cfg(test)]
mod tests;
