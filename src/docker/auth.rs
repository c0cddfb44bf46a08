//! Credentials for registries, from where `docker login` stored them.

use std::path::PathBuf;

use bollard::auth::DockerCredentials;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde_json::Value;

use super::json::some_text;
use crate::error::{Error, Kind, Result};

/// The name under which Docker stores the credentials of Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The credentials for a registry; `None`, which is an anonymous pull, when nothing is stored for it.
///
/// # Errors
/// Of the kind `Docker`: Docker's configuration is there and cannot be read, or its credential helper failed.
pub(super) async fn credentials(registry: &str) -> Result<Option<DockerCredentials>> {
    if !config_file().is_some_and(|file| file.exists()) {
        return Ok(None);
    }
    let server = server(registry).to_owned();
    let asked = server.clone();
    // A helper is a program that may ask a keychain or a cloud.
    let found = tokio::task::spawn_blocking(move || docker_credential::get_credential(&asked))
        .await
        .map_err(|error| failed(registry).caused_by(error))?;
    match found {
        Ok(credential) => Ok(Some(header(credential, server))),
        Err(error) => match why(error) {
            None => Ok(None),
            Some(why) => Err(failed(registry).caused_by(why).hint(format!("`docker login {registry}`"))),
        },
    }
}

/// The context that the Docker client would use, when it is not the default one.
pub(super) fn current_context() -> Option<String> {
    let named = std::env::var("DOCKER_CONTEXT").ok().filter(|name| !name.is_empty());
    let stored = || {
        let text = std::fs::read(config_file()?).ok()?;
        some_text(&serde_json::from_slice::<Value>(&text).ok()?, "currentContext")
    };
    named.or_else(stored).filter(|context| context != "default")
}

fn server(registry: &str) -> &str {
    if matches!(registry, "docker.io" | "index.docker.io") { DOCKER_HUB } else { registry }
}

fn header(credential: DockerCredential, server: String) -> DockerCredentials {
    let base = DockerCredentials { serveraddress: Some(server), ..Default::default() };
    match credential {
        DockerCredential::IdentityToken(token) => DockerCredentials { identitytoken: Some(token), ..base },
        DockerCredential::UsernamePassword(username, password) => {
            DockerCredentials { username: Some(username), password: Some(password), ..base }
        }
    }
}

/// What went wrong, without the helper's own output, which may hold a secret; `None` for "nothing stored".
fn why(error: CredentialRetrievalError) -> Option<String> {
    use CredentialRetrievalError as E;
    match error {
        E::NoCredentialConfigured | E::ConfigNotFound => None,
        // The words that all helpers share: docker-credential-helpers, credentials/error.go.
        E::HelperFailure { stdout, stderr, .. }
            if format!("{stdout}{stderr}").to_ascii_lowercase().contains("credentials not found") =>
        {
            None
        }
        E::HelperFailure { helper, .. } => Some(format!("the credential helper {helper} failed")),
        E::ConfigReadError => Some("Docker's config.json cannot be read".to_owned()),
        other => Some(other.to_string()),
    }
}

fn failed(registry: &str) -> Error {
    Error::new(Kind::Docker, format!("cannot get the credentials for {registry}"))
}

fn config_file() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker")))?;
    Some(folder.join("config.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stored_is_anonymous_and_a_failing_helper_keeps_its_output_to_itself() {
        use CredentialRetrievalError as E;
        assert_eq!(why(E::NoCredentialConfigured), None);
        let failure = |stdout: &str| E::HelperFailure {
            helper: "docker-credential-x".into(),
            stdout: stdout.into(),
            stderr: String::new(),
        };
        assert_eq!(why(failure("credentials not found in native keychain\n")), None);
        let told = why(failure("token=hunter2")).unwrap();
        assert!(told.contains("docker-credential-x") && !told.contains("hunter2"));
    }

    #[test]
    fn docker_hub_is_asked_for_under_its_old_name() {
        assert_eq!(server("docker.io"), DOCKER_HUB);
        assert_eq!(server("ghcr.io"), "ghcr.io");
        let sent = header(DockerCredential::IdentityToken("t".into()), "ghcr.io".into());
        assert_eq!((sent.identitytoken.as_deref(), sent.password), (Some("t"), None));
    }
}
