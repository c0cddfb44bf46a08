use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

use super::wire::{Call, Reply, line};
use crate::probe::inside::{Net, Place, perform};

/// The hidden command with which bgd's binary becomes a helper, followed by the id of the container that it serves.
pub const COMMAND: &str = "__helper";

/// Serves the container of this id from inside its namespaces, over standard input and output, until input ends.
pub fn main(container: &str) -> ExitCode {
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(on_standard_streams(container)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn on_standard_streams(container: &str) -> io::Result<()> {
    let place = find(container)?;
    let input = BufReader::new(stream(io::stdin().as_fd())?);
    serve(place, input, stream(io::stdout().as_fd())?).await
}

fn stream(fd: BorrowedFd<'_>) -> io::Result<tokio::fs::File> {
    Ok(tokio::fs::File::from_std(File::from(fd.try_clone_to_owned()?)))
}

/// Answers calls side by side, each as soon as it is done, so that a slow one holds up no other.
///
/// # Errors
/// A line that is no call, or a stream that breaks.
pub async fn serve(
    place: Place,
    mut input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let place = Arc::new(place);
    let mut running = JoinSet::new();
    let mut buffer = Vec::new();
    loop {
        tokio::select! {
            // What a cancelled read has got so far stays in the buffer.
            read = input.read_until(b'\n', &mut buffer) => {
                if read? == 0 {
                    return Ok(());
                }
                let Call { id, ask } = serde_json::from_slice(&buffer)?;
                buffer.clear();
                let place = Arc::clone(&place);
                running.spawn(async move { Reply { id, got: perform(place, ask).await } });
            }
            Some(done) = running.join_next() => {
                output.write_all(&line(&done.map_err(io::Error::other)?)?).await?;
                output.flush().await?;
            }
        }
    }
}

/// The first process of the container among those that this one sees.
///
/// Mostly that is process 1. A container that shares the host's processes, or another container's, has it elsewhere.
fn find(container: &str) -> io::Result<Place> {
    let mut ids: Vec<u32> = std::fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| *id != std::process::id())
        .collect();
    ids.sort_unstable();
    for id in ids {
        // Processes end while they are looked through.
        if let Ok(place) = Place::hold(&PathBuf::from(format!("/proc/{id}")), Net::Current)
            && place.belongs_to(container)
        {
            return Ok(place);
        }
    }
    Err(io::Error::other("no process of the container is in sight"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Request;
    use crate::probe::inside::{Ask, Got};
    use std::path::Path;
    use std::time::Duration;

    async fn call(stream: &mut (impl AsyncWrite + Unpin), id: u64, ask: Ask) {
        stream.write_all(&line(&Call { id, ask }).unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_call_holds_up_no_other_and_the_end_of_input_ends_it() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.conf").to_str().unwrap().to_owned();
        let place = Place::hold(Path::new("/proc/self"), Net::Current).unwrap();
        let (mut near, far) = tokio::io::duplex(1024);
        let (input, output) = tokio::io::split(far);
        let served = tokio::spawn(serve(place, BufReader::new(input), output));

        let slow = Request::get(silent.local_addr().unwrap(), "x", "/", Duration::from_millis(300));
        call(&mut near, 1, Ask::Request(slow)).await;
        call(&mut near, 2, Ask::Write { path: file.clone(), content: b"x".to_vec(), aside: false }).await;
        let mut near = BufReader::new(near);
        let mut ids = Vec::new();
        for _ in 0..2 {
            let mut text = String::new();
            near.read_line(&mut text).await.unwrap();
            let reply: Reply = serde_json::from_str(&text).unwrap();
            ids.push(reply.id);
            if reply.id == 2 {
                assert_eq!(reply.got, Got::Done);
            }
        }
        assert_eq!(ids, [2, 1]);
        assert_eq!(std::fs::read(file).unwrap(), b"x");
        drop(near);
        served.await.unwrap().unwrap();
    }
}
