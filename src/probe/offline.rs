use std::io::Read;
use std::rc::Rc;

use async_trait::async_trait;

use super::{Answer, Failure, FailureKind, Request, Socket, Vantage};
use crate::docker::Engine;
use crate::error::{Context, Error, Kind, Result};

/// How many links to a file are followed.
const LINKS: usize = 8;

/// The files of a container that does not run, through the engine's archive API, which resolves the container's
/// mounts also then. Nobody reads the files meanwhile, so a write needs no rename to be whole for a reader.
pub(super) struct Offline {
    engine: Rc<dyn Engine>,
    id: String,
    name: String,
}

impl Offline {
    pub(super) fn new(engine: Rc<dyn Engine>, container: &crate::docker::Container) -> Self {
        Self { engine, id: container.id.clone(), name: container.name.clone() }
    }

    fn stopped(&self) -> String {
        format!("container {} does not run", self.name)
    }
}

#[async_trait(?Send)]
impl Vantage for Offline {
    async fn request(&self, _: &Request) -> Result<Answer, Failure> {
        Err(Failure { kind: FailureKind::Vantage, message: self.stopped() })
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let doing = || format!("cannot read {path} in {}", self.name);
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            let Some(archive) = self.engine.download(&self.id, &at).await? else { return Ok(None) };
            match first(&archive).or_error(Kind::Proxy, doing)? {
                First::File(content) => return Ok(Some(content)),
                // The engine keeps what it resolves inside the container.
                First::Link(target) if target.starts_with('/') => at = target,
                First::Link(target) => at = format!("{}/../{target}", at.trim_end_matches('/')),
                First::Other => break,
            }
        }
        Err(Error::new(Kind::Proxy, format!("{}: it is not a regular file", doing())))
    }

    async fn list(&self, folder: &str) -> Result<Option<Vec<String>>> {
        // With the dot at its end a link to a folder is followed.
        let inside = format!("{}/.", folder.trim_end_matches('/'));
        let Some(archive) = self.engine.download(&self.id, &inside).await? else { return Ok(None) };
        names(&archive).or_error(Kind::Proxy, || format!("cannot list {folder} in {}", self.name)).map(Some)
    }

    async fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        let doing = || format!("cannot write {path} in {}", self.name);
        let Some((folder, name)) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty()) else {
            return Err(Error::new(
                Kind::Proxy,
                format!("{}: it is not the absolute path of a file", doing()),
            ));
        };
        let archive = single(name, content, 0o644).or_error(Kind::Proxy, doing)?;
        let folder = if folder.is_empty() { "/" } else { folder };
        self.engine.upload(&self.id, folder, archive).await.map_err(|error| {
            let read_only = error.one_line().contains("read-only");
            let error = error.with_kind(Kind::Proxy).context(doing());
            if read_only {
                error.hint(format!(
                    "mount {folder} into {} without \":ro\", or without --read-only",
                    self.name
                ))
            } else {
                error
            }
        })
    }

    async fn delete(&self, path: &str) -> Result<()> {
        if self.engine.download(&self.id, path).await?.is_none() {
            return Ok(());
        }
        // The archive API has no way to remove a file, and an empty one in its place can mean something.
        Err(Error::new(Kind::Proxy, format!("cannot delete {path}: {}", self.stopped()))
            .hint(format!("start it with: docker start {}", self.name)))
    }

    async fn sockets(&self) -> Result<Vec<Socket>> {
        Err(Error::new(Kind::Proxy, self.stopped())
            .hint(format!("start it with: docker start {}", self.name)))
    }
}

/// An archive of one file that belongs to root.
pub(super) fn single(name: &str, content: &[u8], mode: u32) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::with_capacity(content.len() + 4096));
    archive.append_data(&mut header, name, content)?;
    archive.into_inner()
}

/// What an archive begins with.
enum First {
    File(Vec<u8>),
    Link(String),
    Other,
}

fn first(archive: &[u8]) -> std::io::Result<First> {
    let mut archive = tar::Archive::new(archive);
    let Some(mut entry) = archive.entries()?.next().transpose()? else { return Ok(First::Other) };
    Ok(match entry.header().entry_type() {
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            First::File(content)
        }
        tar::EntryType::Symlink => match entry.link_name()? {
            Some(target) => First::Link(target.to_string_lossy().into_owned()),
            None => First::Other,
        },
        _ => First::Other,
    })
}

/// The names directly in the folder that was packed. The archive's first part of every path is the folder itself.
fn names(archive: &[u8]) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let entry = entry?;
        let path = entry.path()?;
        let mut parts = path.components().skip(1);
        if let (Some(name), None) = (parts.next(), parts.next()) {
            names.push(name.as_os_str().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_directly_in_a_folder_are_listed() {
        let mut archive = tar::Builder::new(Vec::new());
        for path in ["conf.d/b.conf", "conf.d/a.conf", "conf.d/deep/c.conf", "conf.d/deep"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            archive.append_data(&mut header, path, std::io::empty()).unwrap();
        }
        assert_eq!(names(&archive.into_inner().unwrap()).unwrap(), ["a.conf", "b.conf", "deep"]);
    }

    #[test]
    fn a_file_survives_its_archive() {
        let packed = single("a.conf", b"content", 0o644).unwrap();
        let mut archive = tar::Archive::new(packed.as_slice());
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("a.conf"));
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        assert_eq!(content, "content");
    }
}
