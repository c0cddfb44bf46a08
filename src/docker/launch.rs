//! A container that runs once by itself: the command of a hook.

use bollard::query_parameters::{AttachContainerOptions, LogsOptions};
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use tokio::io::AsyncWriteExt;

use super::create::body;
use super::daemon::{Daemon, is_name, no_such_container};
use super::fail::failed;
use crate::error::Result;
use crate::model::ContainerSpec;

impl Daemon {
    pub(super) async fn launch_container(
        &self,
        name: &str,
        spec: &ContainerSpec,
        input: &[u8],
    ) -> Result<String> {
        let mut body =
            body(spec, self.speaks(1, 44)).map_err(|error| error.context(format!("cannot create {name}")))?;
        body.open_stdin = Some(true);
        body.stdin_once = Some(true);
        body.attach_stdin = Some(true);
        let id = self.create_connected(name, spec, body).await?;
        // Attached first, or a quick process would find its input at its end.
        let options = AttachContainerOptions { stream: true, stdin: true, ..Default::default() };
        let mut streams = self
            .client
            .attach_container(&id, Some(options))
            .await
            .map_err(|error| failed(error, format!("cannot attach to {name}")))?;
        self.start_container(&id).await.map_err(|error| error.context(format!("cannot start {name}")))?;
        // One that does not read what it is told, or has ended by now, does nothing wrong.
        let _unread = streams.input.write_all(input).await;
        let _closed = streams.input.shutdown().await;
        Ok(id)
    }

    pub(super) fn output_stream(&self, container: &str) -> Result<LocalBoxStream<'static, Result<Vec<u8>>>> {
        if !is_name(container) {
            return Err(no_such_container(container));
        }
        let options = LogsOptions { follow: true, stdout: true, stderr: true, ..Default::default() };
        let what = format!("cannot read what {container} writes");
        let pieces = self.client.logs(container, Some(options));
        Ok(pieces
            .map(move |piece| {
                piece.map(|piece| piece.into_bytes().to_vec()).map_err(|error| failed(error, what.clone()))
            })
            .boxed_local())
    }
}
