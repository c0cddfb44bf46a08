use std::fmt;

use serde::{Deserialize, Serialize};

/// An image reference that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid image {value:?}: {rule}")]
pub struct InvalidImage {
    /// The text as given.
    pub value: String,
    /// What is wrong with it.
    pub rule: &'static str,
}

/// A reference to an image: `registry:5000/team/api:1.1`, `api@sha256:…`, or an image id `sha256:…`.
///
/// The grammar is that of the distribution project's `reference` package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageRef {
    /// Parses a reference.
    ///
    /// # Errors
    /// Says which part is not one that Docker accepts.
    pub fn parse(text: &str) -> Result<Self, InvalidImage> {
        let invalid = |rule| InvalidImage { value: text.to_owned(), rule };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None if text.starts_with("sha256:") => ("", Some(text)),
            None => (text, None),
        };
        if let Some(digest) = digest {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
                return Err(invalid("a digest reads sha256: and 64 hexadecimal digits"));
            }
        }
        let last_slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match rest[last_slash..].rfind(':') {
            Some(colon) => (&rest[..last_slash + colon], Some(&rest[last_slash + colon + 1..])),
            None => (rest, None),
        };
        if repository.is_empty() && (digest.is_none() || tag.is_some()) {
            return Err(invalid("the name is missing"));
        }
        if !repository.is_empty() && !is_repository(repository) {
            return Err(invalid(
                "a name has lower-case letters, digits, '.', '_', '-' and '/' between parts",
            ));
        }
        if let Some(tag) = tag
            && (tag.is_empty()
                || tag.len() > 128
                || tag.starts_with(['.', '-'])
                || !tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')))
        {
            return Err(invalid("a tag has up to 128 letters, digits, '_', '.' and '-'"));
        }
        Ok(Self {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// The name without tag and digest; empty for a bare image id.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, `sha256:…`, if one was written.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same image under `latest` when neither tag nor digest was written, as Docker does.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The registry's host; `docker.io` where none is written.
    pub fn registry(&self) -> &str {
        match self.repository.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
            _ => "docker.io",
        }
    }

    /// Whether both name the same repository, with Docker Hub's short forms taken as equal.
    pub fn same_repository(&self, other: &Self) -> bool {
        familiar(&self.repository) == familiar(&other.repository)
    }
}

fn familiar(repository: &str) -> &str {
    let short = repository.strip_prefix("docker.io/").or_else(|| repository.strip_prefix("index.docker.io/"));
    let short = short.unwrap_or(repository);
    short.strip_prefix("library/").unwrap_or(short)
}

fn is_repository(text: &str) -> bool {
    let mut parts = text.split('/').peekable();
    let mut first = true;
    let several = text.contains('/');
    parts.all(|part| {
        let is_host = std::mem::take(&mut first) && several;
        let (name, port) = match part.split_once(':') {
            Some((name, port)) if is_host => (name, Some(port)),
            Some(_) => return false,
            None => (part, None),
        };
        let upper_is_fine = is_host && (name.contains('.') || port.is_some());
        !name.is_empty()
            && !name.starts_with(['.', '_', '-'])
            && !name.ends_with(['.', '_', '-'])
            && name.bytes().all(|b| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || matches!(b, b'.' | b'_' | b'-')
                    || (upper_is_fine && b.is_ascii_uppercase())
            })
            && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    })
}

impl TryFrom<String> for ImageRef {
    type Error = InvalidImage;

    fn try_from(text: String) -> Result<Self, InvalidImage> {
        Self::parse(&text)
    }
}

impl From<ImageRef> for String {
    fn from(image: ImageRef) -> String {
        image.to_string()
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.repository.clone();
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            if !text.is_empty() {
                text.push('@');
            }
            text.push_str(digest);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_keep_their_parts() {
        let hex = "a".repeat(64);
        let cases = [
            ("api", "api", None, None),
            ("myorg/api:1.1", "myorg/api", Some("1.1"), None),
            ("localhost:5000/api", "localhost:5000/api", None, None),
            ("reg.example.com:5000/team/api:v1", "reg.example.com:5000/team/api", Some("v1"), None),
        ];
        for (text, repository, tag, digest) in cases {
            let image = ImageRef::parse(text).unwrap();
            assert_eq!((image.repository(), image.tag(), image.digest()), (repository, tag, digest));
            assert_eq!(image.to_string(), text);
        }
        for text in [format!("api@sha256:{hex}"), format!("api:1@sha256:{hex}"), format!("sha256:{hex}")] {
            let image = ImageRef::parse(&text).unwrap();
            assert_eq!(image.digest(), Some(format!("sha256:{hex}").as_str()));
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn references_that_docker_refuses_are_refused() {
        for bad in ["", ":1", "API", "a//b", "a:", "a b", "a:b:c", "api@sha256:12", "-a", "a;b", "a\n"] {
            assert!(ImageRef::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_short_forms_of_docker_hub_are_one_repository() {
        let a = ImageRef::parse("docker.io/library/nginx:1").unwrap();
        let b = ImageRef::parse("nginx:2").unwrap();
        assert!(a.same_repository(&b));
        assert!(!b.same_repository(&ImageRef::parse("myorg/nginx").unwrap()));
        assert_eq!(b.registry(), "docker.io");
        assert_eq!(ImageRef::parse("ghcr.io/a/b").unwrap().registry(), "ghcr.io");
    }
}
