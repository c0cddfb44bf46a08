use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::pin::Pin;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, oneshot};

use super::serve::COMMAND;
use super::wire::{Call, Reply, line};
use crate::docker::{Attached, Container, Engine};
use crate::error::{Context, Error, Kind, Result};
use crate::model::{ContainerSpec, LogDriver, Restart, label};
use crate::own;
use crate::probe::inside::{Ask, Got};
use crate::probe::standing::Channel;

/// How many seconds a helper may be there before it is started.
const MOMENTS: i64 = 120;

/// bgd's end of the line to a helper container. The helper ends when this is dropped.
pub(crate) struct Helper {
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, oneshot::Sender<Got>>>,
    input: Mutex<Input>,
    output: Mutex<Output>,
    dead: Cell<bool>,
}

struct Input {
    stream: Pin<Box<dyn AsyncWrite>>,
    /// What still has to be written. A caller that gives up leaves the rest of its line here for the next one.
    rest: VecDeque<u8>,
}

struct Output {
    stream: Pin<Box<dyn AsyncBufRead>>,
    /// The beginning of a line whose reader gave up.
    begun: Vec<u8>,
}

impl Helper {
    /// Starts a helper inside a running container.
    pub(crate) async fn start(engine: &dyn Engine, container: &Container, image: &str) -> Result<Self> {
        sweep(engine, container).await;
        let name = format!("bgd-helper-{:016x}", RandomState::new().build_hasher().finish());
        let attached =
            engine.attach(&name, &spec(container, image), Some(&container.id)).await.map_err(|error| {
                let foreign = error.one_line().contains("exec format error");
                let error =
                    error.context(format!("cannot start a helper container beside {}", container.name));
                if foreign {
                    error.hint("run bgd on the Docker host, or use the bgd that is built for its processor")
                } else {
                    error
                }
            })?;
        Ok(Self::on(attached))
    }

    fn on(attached: Attached) -> Self {
        Self {
            next: Cell::new(1),
            waiting: RefCell::default(),
            input: Mutex::new(Input { stream: attached.input, rest: VecDeque::new() }),
            output: Mutex::new(Output { stream: attached.output, begun: Vec::new() }),
            dead: Cell::new(false),
        }
    }
}

/// Removes helpers that were created and never started: bgd was killed in between, and nothing else would remove them.
async fn sweep(engine: &dyn Engine, container: &Container) {
    let label = format!("{}={}", label::HELPER, container.name);
    // What stays is in nobody's way.
    for left in own::all(engine, &[label]).await.unwrap_or_default() {
        if is_left_over(&left.state.status, left.created, Timestamp::now())
            && let Err(error) = left.discard(engine).await
        {
            tracing::debug!("{} stays for now: {}", left.name, error.one_line());
        }
    }
}

/// Whether nobody will start a helper any more. Another bgd starts its own within moments.
fn is_left_over(status: &str, created: Option<Timestamp>, now: Timestamp) -> bool {
    let since = |created| now.duration_since(created).as_secs();
    status == "created" && created.is_some_and(|created| since(created) > MOMENTS)
}

fn spec(container: &Container, image: &str) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        command: Some(vec![COMMAND.to_owned(), container.id.clone()]),
        network_mode: Some(format!("container:{}", container.id)),
        labels: [(label::HELPER.to_owned(), container.name.clone())].into(),
        restart: Restart::No,
        read_only: true,
        // Its answers hold whole responses of the app and files of the proxy: they must not reach a log of the engine.
        log: Some(LogDriver { driver: "none".to_owned(), options: BTreeMap::new() }),
        // To see the root of a process that runs as another user, and to write where another user owns the folder.
        cap_drop: vec!["ALL".to_owned()],
        cap_add: vec!["SYS_PTRACE".to_owned(), "DAC_OVERRIDE".to_owned()],
        ..ContainerSpec::default()
    }
}

impl Input {
    async fn send(&mut self, line: Vec<u8>) -> io::Result<()> {
        self.rest.extend(line);
        while !self.rest.is_empty() {
            if self.stream.write_buf(&mut self.rest).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.stream.flush().await
    }
}

impl Output {
    async fn next(&mut self) -> Result<Reply> {
        let ended =
            || Error::new(Kind::Proxy, "the helper container has ended, or the container beside it has");
        let broken = || "the helper container does not answer properly".to_owned();
        let read = self.stream.read_until(b'\n', &mut self.begun).await;
        if read.map_err(|error| ended().caused_by(error))? == 0 || !self.begun.ends_with(b"\n") {
            return Err(ended());
        }
        let reply = serde_json::from_slice(&self.begun);
        self.begun.clear();
        reply.or_error(Kind::Proxy, broken)
    }
}

/// Forgets a call when its caller no longer waits.
struct Waiting<'a>(&'a Helper, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.borrow_mut().remove(&self.1);
    }
}

#[async_trait(?Send)]
impl Channel for Helper {
    fn is_dead(&self) -> bool {
        self.dead.get()
    }

    async fn ask(&self, ask: Ask) -> Result<Got> {
        let got = self.call(ask).await;
        self.dead.set(self.dead.get() || got.is_err());
        got
    }
}

impl Helper {
    async fn call(&self, ask: Ask) -> Result<Got> {
        let id = self.next.replace(self.next.get() + 1);
        let call =
            line(&Call { id, ask }).or_error(Kind::Other, || "the question cannot be written".to_owned())?;
        let (sender, mut mine) = oneshot::channel();
        self.waiting.borrow_mut().insert(id, sender);
        let _waiting = Waiting(self, id);
        self.input.lock().await.send(call).await.map_err(|error| {
            Error::new(Kind::Proxy, "the helper container has ended, or the container beside it has")
                .caused_by(error)
        })?;
        // Whoever waits and gets hold of the output reads for all.
        loop {
            tokio::select! {
                biased;
                Ok(got) = &mut mine => return Ok(got),
                mut output = self.output.lock() => {
                    if let Ok(got) = mine.try_recv() {
                        return Ok(got);
                    }
                    let reply = output.next().await?;
                    let sender = self.waiting.borrow_mut().remove(&reply.id);
                    if reply.id == id {
                        return Ok(reply.got);
                    }
                    if let Some(sender) = sender {
                        // Its caller may have given up just now.
                        drop(sender.send(reply.got));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{BufReader, DuplexStream};

    fn pair() -> (Helper, BufReader<tokio::io::ReadHalf<DuplexStream>>, tokio::io::WriteHalf<DuplexStream>) {
        let (near, far) = tokio::io::duplex(64);
        let (read, write) = tokio::io::split(near);
        let attached =
            Attached { id: String::new(), input: Box::pin(write), output: Box::pin(BufReader::new(read)) };
        let (calls, replies) = tokio::io::split(far);
        (Helper::on(attached), BufReader::new(calls), replies)
    }

    async fn called(calls: &mut (impl AsyncBufRead + Unpin)) -> Call {
        let mut text = String::new();
        calls.read_line(&mut text).await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[tokio::test]
    async fn answers_in_another_order_reach_their_callers() {
        let (helper, mut calls, mut replies) = pair();
        let far = async {
            let mut asked =
                vec![called(&mut calls).await, called(&mut calls).await, called(&mut calls).await];
            asked.reverse();
            for Call { id, ask } in asked {
                let Ask::Read(path) = ask else { panic!("{ask:?}") };
                let got = Got::File(Some(path.into_bytes()));
                replies.write_all(&line(&Reply { id, got }).unwrap()).await.unwrap();
            }
        };
        let read = |path: &str| helper.ask(Ask::Read(path.to_owned()));
        let (a, b, c, ()) = tokio::join!(read("/a"), read("/b"), read("/c"), far);
        for (got, path) in [(a, "/a"), (b, "/b"), (c, "/c")] {
            assert_eq!(got.unwrap(), Got::File(Some(path.into())));
        }
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_breaks_nothing() {
        let (helper, mut calls, mut replies) = pair();
        // Longer than the pipe holds, so that it stops in the middle of a line.
        let long = helper.ask(Ask::Read("x".repeat(500)));
        assert!(tokio::time::timeout(Duration::from_millis(20), long).await.is_err());
        let far = async {
            let first = called(&mut calls).await;
            let second = called(&mut calls).await;
            for id in [first.id, second.id] {
                replies.write_all(&line(&Reply { id, got: Got::Done }).unwrap()).await.unwrap();
            }
        };
        let (got, ()) = tokio::join!(helper.ask(Ask::Sockets), far);
        assert_eq!(got.unwrap(), Got::Done);
        assert!(helper.waiting.borrow().is_empty());
    }

    #[tokio::test]
    async fn a_helper_that_ends_is_an_error_for_all_who_wait() {
        let (helper, mut calls, replies) = pair();
        let far = async move {
            called(&mut calls).await;
            called(&mut calls).await;
            drop((calls, replies));
        };
        let (a, b, ()) = tokio::join!(helper.ask(Ask::Sockets), helper.ask(Ask::Sockets), far);
        assert!(a.unwrap_err().to_string().contains("has ended"));
        assert!(b.unwrap_err().to_string().contains("has ended"));
    }

    #[test]
    fn only_what_was_not_started_for_long_is_left_over() {
        let now = Timestamp::UNIX_EPOCH;
        let ago = |seconds: Option<i64>| seconds.map(|ago| Timestamp::from_second(-ago).unwrap());
        assert!(is_left_over("created", ago(Some(MOMENTS + 1)), now));
        for (status, seconds) in [("created", Some(1)), ("created", None), ("running", Some(3600))] {
            assert!(!is_left_over(status, ago(seconds), now), "{status} {seconds:?}");
        }
    }
}
