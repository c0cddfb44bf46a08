use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::inside::{Ask, Got, Place, Trouble, TroubleKind, perform};
use super::{ASIDE, Answer, Connection, Failure, FailureKind, Request, Socket, Vantage};
use crate::docker::Process;
use crate::error::{Error, Kind, Result};

/// Longer than any file operation takes on a disk that works, a sync of a busy one included.
const FILE_LIMIT: Duration = Duration::from_secs(60);
/// What a request may take above its own limit, for the way to the helper and back.
const GRACE: Duration = Duration::from_secs(10);

/// The way to where the work is done: a call in this process, or a helper container.
#[async_trait(?Send)]
pub(super) trait Channel {
    /// Whether it is known to be dead.
    fn is_dead(&self) -> bool {
        false
    }

    /// Has the work done.
    ///
    /// # Errors
    /// The answer did not come back: the channel is dead.
    async fn ask(&self, ask: Ask) -> Result<Got>;
}

/// Work that this process does itself.
pub(super) struct Here(pub(super) Arc<Place>);

#[async_trait(?Send)]
impl Channel for Here {
    async fn ask(&self, ask: Ask) -> Result<Got> {
        Ok(perform(Arc::clone(&self.0), ask).await)
    }
}

/// A vantage point inside a running container, whichever way the work gets there.
pub(super) struct Standing<C> {
    channel: C,
    container: String,
}

impl<C: Channel> Standing<C> {
    /// Stands inside a container, which is named in errors.
    pub(super) fn new(channel: C, container: &str) -> Self {
        Self { channel, container: container.to_owned() }
    }

    async fn asked(&self, doing: impl Fn() -> String, ask: Ask) -> Result<Got> {
        // What is read from the container's process is gone when that is.
        let of_process = matches!(ask, Ask::Connections | Ask::Sockets);
        let got = tokio::time::timeout(FILE_LIMIT, self.channel.ask(ask)).await;
        match got {
            Ok(Ok(Got::Trouble(trouble))) if of_process && trouble.kind == TroubleKind::NoFolder => {
                Err(self.explain(&doing(), &Trouble { kind: TroubleKind::Gone, ..trouble }))
            }
            Ok(Ok(Got::Trouble(trouble))) => Err(self.explain(&doing(), &trouble)),
            Ok(Ok(got)) => Ok(got),
            Ok(Err(error)) => Err(error.context(format!("cannot {} in {}", doing(), self.container))),
            Err(_) => Err(Error::new(
                Kind::Proxy,
                format!(
                    "cannot {} in {}: no answer within {} s",
                    doing(),
                    self.container,
                    FILE_LIMIT.as_secs()
                ),
            )),
        }
    }

    async fn write_by(&self, path: &str, content: &[u8], aside: bool) -> Result<()> {
        let ask = Ask::Write { path: path.to_owned(), content: content.to_vec(), aside };
        match self.asked(|| format!("write {path}"), ask).await? {
            Got::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    fn explain(&self, doing: &str, trouble: &Trouble) -> Error {
        let container = &self.container;
        let (what, hint) = match trouble.kind {
            TroubleKind::Gone => (
                "it no longer runs".to_owned(),
                Some(format!("see why it stopped with: docker logs --tail 50 {container}")),
            ),
            TroubleKind::NoFolder => (
                "there is no such folder".to_owned(),
                Some(format!(
                    "look which folders it has with: docker inspect -f '{{{{json .Mounts}}}}' {container}"
                )),
            ),
            TroubleKind::ReadOnly => (
                "it is mounted read-only".to_owned(),
                Some(format!("mount the folder into {container} without \":ro\", or without --read-only")),
            ),
            TroubleKind::Mounted => (
                "a mount lies on that very file, so it cannot be replaced".to_owned(),
                Some("mount the folder instead of the single file".to_owned()),
            ),
            TroubleKind::NotAFile => (trouble.message.clone(), None),
            TroubleKind::Denied => (
                trouble.message.clone(),
                Some("look at the owner of the folder, and at SELinux or AppArmor".to_owned()),
            ),
            TroubleKind::Full => (trouble.message.clone(), Some("free some space on that disk".to_owned())),
            TroubleKind::Other => (trouble.message.clone(), None),
        };
        let error = Error::new(Kind::Proxy, format!("cannot {doing} in {container}: {what}"));
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn unexpected() -> Error {
    Error::new(Kind::Other, "an answer that does not belong to the question")
}

#[async_trait(?Send)]
impl<C: Channel> Vantage for Standing<C> {
    fn stands(&self) -> bool {
        !self.channel.is_dead()
    }

    async fn request(&self, request: &Request) -> Result<Answer, Failure> {
        let lost = |message: String| Failure { kind: FailureKind::Vantage, message };
        let asked = self.channel.ask(Ask::Request(request.clone()));
        match tokio::time::timeout(request.limit + GRACE, asked).await {
            Ok(Ok(Got::Answer(answer))) => Ok(answer),
            Ok(Ok(Got::NoAnswer(failure))) => Err(failure),
            Ok(Ok(_)) => Err(lost(unexpected().to_string())),
            Ok(Err(error)) => Err(lost(error.one_line())),
            Err(_) => Err(lost(format!("no answer from inside {}", self.container))),
        }
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.asked(|| format!("read {path}"), Ask::Read(path.to_owned())).await? {
            Got::File(content) => Ok(content),
            _ => Err(unexpected()),
        }
    }

    async fn list(&self, folder: &str) -> Result<Option<Vec<String>>> {
        match self.asked(|| format!("list {folder}"), Ask::List(folder.to_owned())).await? {
            Got::Names(names) => Ok(names),
            _ => Err(unexpected()),
        }
    }

    async fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        self.write_by(path, content, false).await
    }

    async fn write_aside(&self, path: &str, content: &[u8]) -> Result<()> {
        self.write_by(path, content, true).await
    }

    async fn make_aside(&self, folder: &str) -> Result<()> {
        let doing = || format!("make the folder {ASIDE} in {folder}");
        match self.asked(doing, Ask::MakeAside(folder.to_owned())).await? {
            Got::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    async fn delete(&self, path: &str) -> Result<()> {
        match self.asked(|| format!("delete {path}"), Ask::Delete(path.to_owned())).await? {
            Got::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    async fn hang_up(&self, title: &str) -> Result<bool> {
        // Whatever stands in the way, there is another way.
        Ok(matches!(self.channel.ask(Ask::HangUp(title.to_owned())).await, Ok(Got::Done)))
    }

    async fn processes(&self, container: &str) -> Option<Vec<Process>> {
        match self.channel.ask(Ask::Processes(container.to_owned())).await {
            Ok(Got::Processes(processes)) => Some(processes),
            _ => None,
        }
    }

    async fn connections(&self) -> Result<Vec<Connection>> {
        match self.asked(|| "list the connections".to_owned(), Ask::Connections).await? {
            Got::Connections(connections) => Ok(connections),
            _ => Err(unexpected()),
        }
    }

    async fn sockets(&self) -> Result<Vec<Socket>> {
        match self.asked(|| "list the connections".to_owned(), Ask::Sockets).await? {
            Got::Sockets(sockets) => Ok(sockets),
            _ => Err(unexpected()),
        }
    }
}
