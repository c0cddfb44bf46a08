//! Files of containers as tar archives, in both directions.

use bollard::query_parameters::{DownloadFromContainerOptions, UploadToContainerOptions};
use futures_util::StreamExt;

use super::daemon::{Daemon, is_name, no_such_container};
use super::fail::{failed, status};
use crate::error::Result;

impl Daemon {
    pub(super) async fn unpack(&self, container: &str, folder: &str, archive: Vec<u8>) -> Result<()> {
        if !is_name(container) {
            return Err(no_such_container(container));
        }
        let options = UploadToContainerOptions { path: folder.to_owned(), ..Default::default() };
        self.client
            .upload_to_container(container, Some(options), bollard::body_full(archive.into()))
            .await
            .map_err(|error| failed(error, format!("cannot write into {folder} of {container}")))
    }

    pub(super) async fn pack(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>> {
        if !is_name(container) {
            return Err(no_such_container(container));
        }
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let mut pieces = self.client.download_from_container(container, Some(options));
        let mut archive = Vec::new();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => archive.extend_from_slice(&piece),
                // 404 stands for a missing file and for a missing container.
                Err(error) if status(&error) == Some(404) => {
                    return match self.inspect(container).await? {
                        Some(_) => Ok(None),
                        None => Err(no_such_container(container)),
                    };
                }
                Err(error) => return Err(failed(error, format!("cannot read {path} of {container}"))),
            }
        }
        Ok(Some(archive))
    }

    /// Reads only as much of the archive as tells whether there is a second entry, after the folder itself: a volume can
    /// hold more than bgd could.
    pub(super) async fn holds_files(&self, container: &str, folder: &str) -> Result<bool> {
        if !is_name(container) {
            return Err(no_such_container(container));
        }
        let options = DownloadFromContainerOptions { path: format!("{}/.", folder.trim_end_matches('/')) };
        let mut pieces = self.client.download_from_container(container, Some(options));
        let mut archive = Vec::new();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => archive.extend_from_slice(&piece),
                Err(error) if status(&error) == Some(404) => return Ok(false),
                Err(error) => return Err(failed(error, format!("cannot read {folder} of {container}"))),
            }
            if has_a_second_entry(&archive) {
                return Ok(true);
            }
        }
        Ok(has_a_second_entry(&archive))
    }
}

fn has_a_second_entry(archive: &[u8]) -> bool {
    let mut archive = tar::Archive::new(archive);
    archive.entries().is_ok_and(|entries| entries.take(2).filter(Result::is_ok).count() == 2)
}
