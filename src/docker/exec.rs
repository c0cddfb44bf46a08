//! Commands inside a container, and what a container wrote.

use std::time::Duration;

use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::LogsOptions;
use futures_util::StreamExt;

use super::ExecOutput;
use super::daemon::{Daemon, is_name, no_such_container};
use super::fail::{failed, status};
use crate::error::{Error, Kind, Result};

/// How much of a command's output is kept, in bytes. Docker keeps 4 KiB of a health check's.
const OUTPUT: usize = 64 * 1024;

impl Daemon {
    pub(super) async fn run(
        &self,
        container: &str,
        command: &[String],
        limit: Duration,
    ) -> Result<ExecOutput> {
        // The arguments may hold secrets, the program does not.
        let program = command.first().map(String::as_str).unwrap_or_default();
        let tried = || format!("cannot run {program} in {container}");
        if !is_name(container) {
            return Err(no_such_container(container).context(tried()));
        }
        let run = async {
            let options = CreateExecOptions {
                attach_stdout: Some(true),
                attach_stderr: Some(true),
                cmd: Some(command.to_vec()),
                ..Default::default()
            };
            let exec =
                self.client.create_exec(container, options).await.map_err(|error| failed(error, tried()))?;
            let output = self.output_of(&exec.id).await.map_err(|error| failed(error, tried()))?;
            let code = self.exit_code_of(&exec.id).await.map_err(|error| failed(error, tried()))?;
            Ok(ExecOutput { code, output })
        };
        tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
            Err(Error::new(Kind::Docker, tried()).caused_by(format!("it took longer than {limit:?}")))
        })
    }

    async fn output_of(&self, exec: &str) -> Result<String, bollard::errors::Error> {
        let StartExecResults::Attached { mut output, input: _input } =
            self.client.start_exec(exec, None::<StartExecOptions>).await?
        else {
            return Ok(String::new());
        };
        let mut kept = Bounded::default();
        while let Some(piece) = output.next().await {
            kept.push(&piece?.into_bytes());
        }
        Ok(kept.into_text())
    }

    async fn exit_code_of(&self, exec: &str) -> Result<i64, bollard::errors::Error> {
        loop {
            // The output can end a moment before the engine has taken note of the exit.
            let state = self.client.inspect_exec(exec).await?;
            if let (Some(code), Some(false) | None) = (state.exit_code, state.running) {
                return Ok(code);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn read_log(&self, container: &str, lines: usize) -> Result<String> {
        if !is_name(container) {
            return Err(no_such_container(container));
        }
        let options =
            LogsOptions { stdout: true, stderr: true, tail: lines.to_string(), ..Default::default() };
        let mut pieces = self.client.logs(container, Some(options));
        let mut text = Vec::new();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => text.extend_from_slice(&piece.into_bytes()),
                Err(error) if status(&error) == Some(404) => return Err(no_such_container(container)),
                // A log that cannot be read must not hide the failure that it was to explain.
                Err(error) => {
                    let error = failed(error, "the log cannot be read");
                    text.extend_from_slice(format!("({})\n", error.one_line()).as_bytes());
                    break;
                }
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The beginning of an output, and whether there was more.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    cut: bool,
}

impl Bounded {
    fn push(&mut self, piece: &[u8]) {
        let room = OUTPUT - self.bytes.len();
        self.cut |= piece.len() > room;
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn into_text(self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.cut {
            text.push_str("\n… (cut)\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_output_is_cut() {
        let mut kept = Bounded::default();
        for _ in 0..100 {
            kept.push(&[b'x'; 1000]);
        }
        let text = kept.into_text();
        assert!(text.ends_with("(cut)\n") && text.len() < OUTPUT + 20);
    }
}
