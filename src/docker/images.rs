//! Listing and removing images.

use bollard::query_parameters::RemoveImageOptions;
use serde_json::Value;

use super::daemon::Daemon;
use super::fail::{failed, own_words, status};
use super::json::{text, texts};
use super::{ImageRemoval, ImageSummary};
use crate::error::{Error, Kind, Result};
use crate::model::ImageRef;

impl Daemon {
    pub(super) async fn list_images(&self) -> Result<Vec<ImageSummary>> {
        let tried = || "cannot list images".to_owned();
        let listed = self.wire.get("/images/json?all=true", &tried).await?.unwrap_or_default();
        Ok(listed.as_array().into_iter().flatten().map(summary).collect())
    }

    /// Neither by force nor with what lies beneath: parents that have no name may be needed by others.
    pub(super) async fn delete_image(&self, reference: &str) -> Result<ImageRemoval> {
        let tried = || format!("cannot remove the image {reference}");
        // A reference goes into a path: only what parses as one may.
        ImageRef::parse(reference).map_err(|error| Error::new(Kind::Docker, tried()).caused_by(error))?;
        let options = RemoveImageOptions { force: false, noprune: true, ..Default::default() };
        match self.client.remove_image(reference, Some(options), None).await {
            Ok(_) => Ok(ImageRemoval::Gone),
            Err(error) => match (status(&error), &error) {
                (Some(404), _) => Ok(ImageRemoval::Gone),
                (Some(409), bollard::errors::Error::DockerResponseServerError { message, .. }) => {
                    Ok(ImageRemoval::InUse(own_words(message, 409)))
                }
                _ => Err(failed(error, tried())),
            },
        }
    }
}

/// Reads an image as a list shows it. Where there is no name, older engines write `<none>:<none>`.
fn summary(listed: &Value) -> ImageSummary {
    let named = |key| texts(listed, key).into_iter().filter(|name| !name.starts_with("<none>")).collect();
    ImageSummary {
        id: text(listed, "Id").to_owned(),
        parent: Some(text(listed, "ParentId").to_owned()).filter(|parent| !parent.is_empty()),
        tags: named("RepoTags"),
        digests: named("RepoDigests"),
    }
}
