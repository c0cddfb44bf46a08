//! A container whose standard streams are connected to bgd: its own helper.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bollard::container::LogOutput;
use bollard::query_parameters::AttachContainerOptions;
use futures_util::{Stream, StreamExt};
use hyper::body::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::Attached;
use super::create::body;
use super::daemon::Daemon;
use super::fail::failed;
use crate::error::Result;
use crate::model::ContainerSpec;

impl Daemon {
    pub(super) async fn attach_container(
        &self,
        name: &str,
        spec: &ContainerSpec,
        pid_of: Option<&str>,
    ) -> Result<Attached> {
        let mut body =
            body(spec, self.speaks(1, 44)).map_err(|error| error.context(format!("cannot create {name}")))?;
        body.open_stdin = Some(true);
        body.stdin_once = Some(true);
        body.attach_stdin = Some(true);
        body.attach_stdout = Some(true);
        let host = body.host_config.get_or_insert_default();
        host.auto_remove = Some(true);
        // Docker refuses a restart policy beside the automatic removal.
        host.restart_policy = None;
        host.pid_mode = pid_of.map(|container| format!("container:{container}"));
        let id = self.create_with(name, spec, body).await?;
        match self.attach_and_start(name, &id).await {
            Ok(attached) => Ok(attached),
            Err(error) => {
                // A container that never started is not removed by itself.
                let left = self.remove_container(&id, true).await.err();
                Err(match left {
                    Some(left) => error.hint(format!("{name} is left behind: {}", left.one_line())),
                    None => error,
                })
            }
        }
    }

    async fn attach_and_start(&self, name: &str, id: &str) -> Result<Attached> {
        let options =
            AttachContainerOptions { stream: true, stdin: true, stdout: true, ..Default::default() };
        // Attached first, or the first words of a quick process would be lost.
        let streams = self
            .client
            .attach_container(id, Some(options))
            .await
            .map_err(|error| failed(error, format!("cannot attach to {name}")))?;
        self.start_container(id).await.map_err(|error| error.context(format!("cannot start {name}")))?;
        let frames = streams.output.filter_map(|frame| async {
            match frame {
                Ok(LogOutput::StdOut { message }) => Some(Ok(message)),
                Ok(_) => None,
                Err(error) => Some(Err(io::Error::other(error))),
            }
        });
        Ok(Attached {
            id: id.to_owned(),
            input: Box::pin(Input(streams.input)),
            output: Box::pin(Output { frames: Box::pin(frames), current: Bytes::new() }),
        })
    }
}

/// The input; dropping it closes it. The connection has two halves, and dropping one alone would leave
/// the container waiting for more.
struct Input(Pin<Box<dyn AsyncWrite + Send>>);

impl AsyncWrite for Input {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(cx)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // Closing half of a socket does not wait, so one poll is enough.
        let _closed = self.0.as_mut().poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }
}

/// The frames of standard output as one stream of bytes.
struct Output {
    frames: Pin<Box<dyn Stream<Item = io::Result<Bytes>>>>,
    current: Bytes,
}

impl AsyncBufRead for Output {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.current.is_empty() {
            match ready!(this.frames.as_mut().poll_next(cx)) {
                Some(frame) => this.current = frame?,
                None => break,
            }
        }
        Poll::Ready(Ok(&this.current))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        let _read = self.current.split_to(count);
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = available.len().min(buffer.remaining());
        buffer.put_slice(&available[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}
