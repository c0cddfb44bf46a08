//! Pulling and importing images.

use std::collections::BTreeMap;

use bollard::errors::Error as Bollard;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use futures_util::StreamExt;

use super::daemon::Daemon;
use super::fail::failed;
use super::{PullProgress, auth};
use crate::error::{Error, Kind, Result};
use crate::model::ImageRef;

impl Daemon {
    pub(super) async fn pull_image(
        &self,
        image: &ImageRef,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<()> {
        let image = image.clone().or_latest();
        if image.repository().is_empty() {
            return Err(Error::new(Kind::Docker, format!("cannot pull {image}"))
                .caused_by("an image id says nothing about a registry")
                .hint("name the image: registry/name:tag or registry/name@sha256:…"));
        }
        let credentials = auth::credentials(image.registry())
            .await
            .map_err(|error| error.context(format!("cannot pull {image}")))?;
        let anonymous = credentials.is_none();
        let options = CreateImageOptions {
            from_image: Some(image.repository().to_owned()),
            // With a digest the tag says nothing more; the engine takes either in this place.
            tag: image.digest().or(image.tag()).map(str::to_owned),
            ..Default::default()
        };
        let mut answers = self.client.create_image(Some(options), None, credentials);
        let mut layers = Layers::default();
        while let Some(answer) = answers.next().await {
            let answer = answer.map_err(|error| explained(error, &image, anonymous))?;
            if layers.take(&answer) {
                progress(layers.progress());
            }
        }
        Ok(())
    }

    pub(super) async fn import_image(&self, archive: Vec<u8>, name: &str, changes: &[String]) -> Result<()> {
        let tried = || format!("cannot import the image {name}");
        let image = ImageRef::parse(name)
            .map_err(|error| Error::new(Kind::Docker, tried()).caused_by(error))?
            .or_latest();
        let options = CreateImageOptions {
            from_src: Some("-".to_owned()),
            repo: Some(image.repository().to_owned()),
            tag: image.tag().map(str::to_owned),
            changes: changes.to_vec(),
            ..Default::default()
        };
        let body = bollard::body_full(archive.into());
        let mut answers = self.client.create_image(Some(options), Some(body), None);
        while let Some(answer) = answers.next().await {
            answer.map_err(|error| failed(error, tried()))?;
        }
        Ok(())
    }
}

/// A failed pull with the remedy that fits what the registry or the engine said.
fn explained(error: Bollard, image: &ImageRef, anonymous: bool) -> Error {
    let error = failed(error, format!("cannot pull {image}"));
    let said = error.causes().join(" ").to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let registry = image.registry();
    if says(&["toomanyrequests", "rate limit"]) {
        error.hint(format!("the registry limits pulls; `docker login {registry}` raises the limit"))
    } else if says(&["denied", "unauthorized", "authentication required", "no basic auth"]) {
        let error =
            error.hint(format!("check the name, or that the user of `docker login {registry}` may pull it"));
        if anonymous {
            error.hint(format!(
                "nothing is stored for {registry}: `docker login {registry}` (as the user who runs bgd)"
            ))
        } else {
            error
        }
    } else if says(&["manifest unknown", "not found", "no such image"]) {
        error.hint(format!("check the name and the tag: was it pushed to {registry}?"))
    } else if says(&["no matching manifest"]) {
        error.hint("the image was not built for this machine's platform")
    } else if says(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "network is unreachable",
        "deadline exceeded",
    ]) {
        error.hint(format!("the engine cannot reach {registry}: check its network, DNS and proxy settings"))
    } else if says(&["x509", "certificate", "gave http response to https"]) {
        error.hint(format!(
            "the engine does not trust {registry}: see `insecure-registries` and /etc/docker/certs.d"
        ))
    } else if says(&["no space left"]) {
        error.hint("free some space: `docker system df`, `docker image prune`")
    } else {
        error
    }
}

/// What is known of each layer.
#[derive(Debug, Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Debug, Default)]
struct Layer {
    done: bool,
    bytes: u64,
    total: u64,
}

impl Layers {
    /// Takes a line of the answer; whether it told something new.
    fn take(&mut self, line: &CreateImageInfo) -> bool {
        let (Some(id), Some(status)) = (&line.id, &line.status) else { return false };
        let layer = match status.as_str() {
            "Pulling fs layer" | "Waiting" | "Already exists" | "Downloading" | "Verifying Checksum"
            | "Download complete" | "Extracting" | "Pull complete" => self.0.entry(id.clone()).or_default(),
            _ => return false,
        };
        match status.as_str() {
            "Already exists" | "Pull complete" => layer.done = true,
            "Download complete" => layer.bytes = layer.total,
            "Downloading" => {
                let detail = line.progress_detail.clone().unwrap_or_default();
                let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
                layer.bytes = number(detail.current).unwrap_or(layer.bytes);
                layer.total = number(detail.total).unwrap_or(layer.total).max(layer.bytes);
            }
            _ => {}
        }
        true
    }

    fn progress(&self) -> PullProgress {
        PullProgress {
            layers_done: self.0.values().filter(|layer| layer.done).count(),
            layers: self.0.len(),
            bytes: self.0.values().map(|layer| layer.bytes).sum(),
            bytes_total: self.0.values().map(|layer| layer.total).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_adds_up_over_the_layers() {
        let mut layers = Layers::default();
        let lines = [
            r#"{"status":"Pulling from library/x","id":"1.0"}"#,
            r#"{"status":"Already exists","id":"a"}"#,
            r#"{"status":"Pulling fs layer","progressDetail":{},"id":"b"}"#,
            r#"{"status":"Downloading","progressDetail":{"current":40,"total":100},"id":"b"}"#,
        ];
        let take = |layers: &mut Layers, line: &str| layers.take(&serde_json::from_str(line).unwrap());
        assert_eq!(lines.map(|line| take(&mut layers, line)), [false, true, true, true]);
        assert_eq!(
            layers.progress(),
            PullProgress { layers_done: 1, layers: 2, bytes: 40, bytes_total: 100 }
        );
        take(&mut layers, r#"{"status":"Download complete","id":"b"}"#);
        take(&mut layers, r#"{"status":"Pull complete","id":"b"}"#);
        assert_eq!(
            layers.progress(),
            PullProgress { layers_done: 2, layers: 2, bytes: 100, bytes_total: 100 }
        );
    }

    #[test]
    fn a_failed_pull_names_its_remedy() {
        let image = ImageRef::parse("ghcr.io/a/b:1").unwrap();
        let hints = |words: &str, anonymous| {
            let error = Bollard::DockerResponseServerError { status_code: 500, message: words.into() };
            explained(error, &image, anonymous).hints().join(" ")
        };
        assert!(hints("pull access denied for a/b", true).contains("docker login ghcr.io"));
        assert!(hints("manifest unknown", false).contains("tag"));
        assert!(hints("dial tcp: lookup ghcr.io: no such host", false).contains("DNS"));
        assert!(hints("no matching manifest for linux/amd64", false).contains("platform"));
        assert!(hints("x509: unknown authority", false).contains("insecure-registries"));
    }
}
