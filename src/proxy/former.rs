use serde::{Deserialize, Serialize};

use super::{Arrival, ClientGot};
use crate::error::{Error, Kind, Result};

/// What bgd had written before a deploy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// Each path that was looked at, inside the proxy's container, and its content; `None` for a file that was not there.
    /// What is not listed was not looked at, so that it is not known whether it was there.
    pub files: Vec<(String, Option<String>)>,
    /// By what the route was written that this was taken of. Snapshots of before there was this do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// The same of the route that the deploy moves away from, where both are one proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Box<Former>>,
    /// What a client of the app got before the deploy, to be compared with what it gets after the switch; nothing where the
    /// requests of no client change their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientGot>,
    /// Whether that client's request came to the release that was live; nothing where that cannot be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
}

/// What a snapshot says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Nothing: it was taken elsewhere.
    Not,
    /// There was no such file.
    Absent,
    /// There was one.
    Held,
}

impl Former {
    /// A snapshot of files.
    pub fn of(means: &str, files: Vec<(String, Option<String>)>) -> Self {
        Self { files, means: Some(means.to_owned()), left: None, client: None, arrival: None }
    }

    /// Whether a path was looked at, and what was found.
    pub fn looked(&self, path: &str) -> Looked {
        match self.files.iter().find(|(file, _)| file == path) {
            None => Looked::Not,
            Some((_, None)) => Looked::Absent,
            Some((_, Some(_))) => Looked::Held,
        }
    }

    /// What was in a file; `None` when there was none.
    ///
    /// # Errors
    /// Of kind `Stuck` for a path that was not looked at: what is there now may be what is live.
    pub fn content(&self, path: &str) -> Result<Option<&str>> {
        match self.looked(path) {
            Looked::Not => Err(self.elsewhere(path)),
            Looked::Absent | Looked::Held => {
                Ok(self.files.iter().find(|(file, _)| file == path).and_then(|(_, text)| text.as_deref()))
            }
        }
    }

    /// Refuses a snapshot that was not taken of what is to be put back.
    pub(super) fn elsewhere(&self, what: &str) -> Error {
        Error::new(
            Kind::Stuck,
            format!("the snapshot of the proxy says nothing of {what}: it was taken elsewhere"),
        )
        .hint("nothing was changed there")
    }

    /// Whether nothing of bgd's was there.
    pub fn is_nothing(&self) -> bool {
        self.files.iter().all(|(_, content)| content.is_none())
    }

    /// Whether a host is written in what was there: the name of a container, one of its aliases, or an address.
    pub fn names(&self, host: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let texts = self.files.iter().filter_map(|(_, text)| text.as_ref());
        texts.flat_map(|text| text.split(|c| !is_part(c))).any(|word| word == host)
    }

    /// The same places, with nothing there.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let files = self.files.iter().map(|(path, _)| (path.clone(), None)).collect();
        Self { files, means: self.means.clone(), left: None, client: None, arrival: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_no_absent_file() {
        let former =
            Former::of("nginx", vec![("/a".to_owned(), Some("x".to_owned())), ("/b".to_owned(), None)]);
        assert_eq!(former.content("/a").unwrap(), Some("x"));
        assert_eq!(former.content("/b").unwrap(), None);
        assert_eq!(former.content("/c").unwrap_err().kind(), Kind::Stuck);
        assert_eq!(former.looked("/c"), Looked::Not);
        let route =
            Former::of("nginx", vec![("/a".to_owned(), Some("server 10.0.0.3:80; # api-web".to_owned()))]);
        assert!(route.names("10.0.0.3") && route.names("api-web"));
        assert!(!route.names("10.0.0.30") && !route.names("api") && !former.names("b"));
        assert!(former.emptied().is_nothing() && !former.is_nothing());
    }

    #[test]
    fn a_snapshot_of_before_means_were_told_is_read() {
        let old: Former = serde_json::from_str(r#"{"files":[["/a",null]]}"#).unwrap();
        assert_eq!((&old.means, old.looked("/a")), (&None, Looked::Absent));
    }
}
