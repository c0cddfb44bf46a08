use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use crate::docker::Engine;
use crate::error::{Error, Kind, Result};
use crate::model::AppName;
use crate::probe::{FailureKind, Vantage};
use crate::proxy::Live;

use super::marker;
use super::processes::{Processes, complaints};
use crate::proxy::seat::Seat;

/// How long nginx may take until a reload has taken effect everywhere: long configurations, a busy host.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(8);
/// Fresh connections in a row that have to be answered by the new configuration.
const STREAK: usize = 5;
/// Connections at once, where one answer of the new configuration is enough.
pub const BURST: usize = 8;
/// nginx lets both generations accept for 100 ms (`ngx_process_cycle.c`): there is no use in looking before.
const BOTH_ACCEPT: Duration = Duration::from_millis(85);
/// After this time without the new configuration nginx is told once more: a master that is just starting can miss the
/// signal, because it looks at what it was told only when the next signal comes (`ngx_master_process_cycle`).
const TELL_AGAIN: Duration = Duration::from_secs(2);
/// How long only new answers may come when nobody remembers which workers are old.
const BLIND_WAIT: Duration = Duration::from_millis(400);

/// A file that is to be, or not to be.
pub type Change = (String, Option<String>);

/// When nginx is asked whether it takes a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Before it is told to load it.
    Before,
    /// By [`confirm`] only: nginx has just taken the same text, with a server `down` that is not any more.
    Afterwards {
        /// Nginx is not told before.
        not_before: Instant,
    },
}

/// Brings files to disk and has nginx load them. When nginx refuses, or cannot be told, the former bytes are put back
/// before this returns. Returns the workers that there were before, also those that were leaving.
///
/// Success means that nginx has accepted the files and was told: [`confirm`] proves that it uses them.
///
/// # Errors
/// Of the kind `Proxy`, with nginx's own lines, when it refuses.
pub async fn load(engine: &dyn Engine, seat: &Seat, changes: &[Change], asks: Asks) -> Result<Vec<i32>> {
    let vantage = &*seat.vantage;
    let former = read_all(vantage, changes.iter().map(|(path, _)| path.as_str())).await?;
    let (processes, put) = tokio::join!(Processes::look(engine, seat), put_all(vantage, changes));
    if let Asks::Afterwards { not_before } = asks {
        sleep_until(not_before).await;
        if put.is_ok()
            && let Ok(processes) = &processes
            && processes.tell_directly(vantage).await?
        {
            return Ok(processes.all());
        }
    }
    let outcome = match (put, &processes) {
        (Ok(()), Ok(processes)) => processes.run(engine, &seat.container.id, &["-s", "reload"]).await,
        (Err(error), _) => Err(error),
        (Ok(()), Err(error)) => Err(Error::new(error.kind(), error.one_line())),
    };
    let refusal = match outcome {
        Ok(output) if output.code == 0 => return Ok(processes.map(|p| p.all()).unwrap_or_default()),
        Ok(output) => {
            Error::new(Kind::Proxy, format!("nginx in {} refuses its configuration", seat.container.name))
                .detail("nginx says", complaints(&output.output))
        }
        Err(error) => error.context(format!("nginx in {} could not be told to reload", seat.container.name)),
    };
    match put_all(vantage, &former).await {
        Ok(()) => Err(refusal.hint("the former files are back; nginx runs on unchanged")),
        Err(error) => Err(refusal.detail("the former files could not be put back", error.one_line())),
    }
}

/// Reads files, so that they can be put back.
///
/// # Errors
/// Those of the vantage point.
pub async fn read_all(vantage: &dyn Vantage, paths: impl Iterator<Item = &str>) -> Result<Vec<Change>> {
    let mut all = Vec::new();
    for path in paths {
        all.push((path.to_owned(), read_text(vantage, path).await?));
    }
    Ok(all)
}

/// Reads a file as text; `None` when it is not there.
///
/// # Errors
/// Those of the vantage point.
pub async fn read_text(vantage: &dyn Vantage, path: &str) -> Result<Option<String>> {
    let bytes = vantage.read(path).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Brings files to disk in this order; those that are as they should be are left alone.
///
/// # Errors
/// Those of the vantage point.
pub async fn put_all(vantage: &dyn Vantage, changes: &[Change]) -> Result<()> {
    for (path, content) in changes {
        let now = vantage.read(path).await?;
        match content {
            Some(text) if now.as_deref() == Some(text.as_bytes()) => {}
            Some(text) => vantage.write(path, text.as_bytes()).await?,
            None if now.is_none() => {}
            None => vantage.delete(path).await?,
        }
    }
    Ok(())
}

/// What nginx has to say until a reload counts.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The app.
    pub app: &'a AppName,
    /// The generation that has to answer.
    pub generation: &'a str,
    /// What has to be live, where that matters.
    pub live: Option<Option<Live>>,
    /// The workers that served before, none of which may go on serving.
    pub before: Before<'a>,
}

/// What is known of the workers that served before a reload.
#[derive(Debug, Clone, Copy)]
pub enum Before<'a> {
    /// These served.
    Known(&'a [i32]),
    /// Another process told nginx, and its memory is gone.
    Forgotten,
    /// They may go on serving, because what is live has not changed.
    Irrelevant,
}

/// Waits for the proof that only the new configuration answers fresh connections.
///
/// # Errors
/// Of the kind `Proxy`, saying what was seen instead until the deadline.
pub async fn confirm(engine: &dyn Engine, seat: &Seat, expected: &Expected<'_>) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    // Where nothing that is live changes, one answer tells that the master has taken the new configuration.
    let is_telling = matches!(expected.before, Before::Irrelevant) && expected.live.is_none();
    let mut only_new_since = None;
    let mut told = Instant::now();
    let mut is_first = true;
    loop {
        let mut seen = if is_telling {
            any(&*seat.vantage, expected).await?
        } else {
            ask(&*seat.vantage, expected).await?
        };
        if seen.is_none()
            && std::mem::take(&mut is_first)
            && matches!(expected.before, Before::Known(_))
            && still_old(engine, seat, expected.before, Instant::now()).await?.is_some()
        {
            sleep(BOTH_ACCEPT).await;
        }
        for _ in 1..STREAK {
            if seen.is_none() && !is_telling {
                seen = ask(&*seat.vantage, expected).await?;
            }
        }
        let seen = match seen {
            None => {
                let since = *only_new_since.get_or_insert_with(Instant::now);
                match still_old(engine, seat, expected.before, since).await? {
                    None => return Ok(()),
                    Some(old) => old,
                }
            }
            Some(other) => {
                only_new_since = None;
                other
            }
        };
        if Instant::now() >= deadline {
            let message = format!(
                "nginx in {} did not take its new configuration within {} s: {seen}",
                seat.container.name,
                DEADLINE.as_secs()
            );
            return Err(why(engine, seat, Error::new(Kind::Proxy, message)).await);
        }
        if only_new_since.is_none() && told.elapsed() >= TELL_AGAIN {
            told = Instant::now();
            tell_again(engine, seat).await?;
        }
        sleep(PAUSE).await;
    }
}

async fn tell_again(engine: &dyn Engine, seat: &Seat) -> Result<()> {
    let processes = Processes::look(engine, seat).await?;
    let output = processes.run(engine, &seat.container.id, &["-s", "reload"]).await?;
    if output.code == 0 {
        return Ok(());
    }
    let name = &seat.container.name;
    Err(Error::new(Kind::Proxy, format!("nginx in {name} refuses its configuration"))
        .detail("nginx says", complaints(&output.output)))
}

/// Says which workers of a former configuration may still accept; `None` when there are none.
async fn still_old(
    engine: &dyn Engine,
    seat: &Seat,
    before: Before<'_>,
    only_new_since: Instant,
) -> Result<Option<String>> {
    match before {
        Before::Irrelevant => Ok(None),
        Before::Forgotten => {
            let long_enough = only_new_since.elapsed() >= BLIND_WAIT;
            Ok((!long_enough).then(|| "new answers for too short a time".to_owned()))
        }
        Before::Known(before) => {
            let now = Processes::look(engine, seat).await?;
            let old = now.serving.iter().filter(|pid| before.contains(pid)).count();
            let is_done = old == 0 && !now.serving.is_empty();
            Ok((!is_done).then(|| format!("{old} former workers still accept connections")))
        }
    }
}

/// Asks on several connections at once, of which one answer is enough.
///
/// While both generations accept, an idle nginx gives single connections to a former worker each time: those wait
/// longest, and the kernel wakes the first that waits.
async fn any(vantage: &dyn Vantage, expected: &Expected<'_>) -> Result<Option<String>> {
    let mut seen = None;
    for answer in join_all((0..BURST).map(|_| ask(vantage, expected))).await {
        match answer? {
            None => return Ok(None),
            other => seen = other,
        }
    }
    Ok(seen)
}

/// Whether nginx's master has taken this generation. Former workers may still accept beside the new ones.
///
/// # Errors
/// Of the kind `Proxy` when nginx cannot be asked.
pub async fn is_loaded(vantage: &dyn Vantage, app: &AppName, generation: &str) -> Result<bool> {
    let expected = Expected { app, generation, live: None, before: Before::Irrelevant };
    Ok(any(vantage, &expected).await?.is_none())
}

/// Asks on a fresh connection; an answer that is not the expected one is returned.
async fn ask(vantage: &dyn Vantage, expected: &Expected<'_>) -> Result<Option<String>> {
    let marker = match marker::ask(vantage, expected.app).await {
        Ok(Some(marker)) => marker,
        Ok(None) => return Ok(Some(format!("it does not know {}", expected.app))),
        Err(failure) if failure.kind == FailureKind::Vantage => return Err(marker::unanswered(failure)),
        // A worker that is told to quit may close a connection that it has just accepted.
        Err(failure) => return Ok(Some(failure.to_string())),
    };
    if marker.generation != expected.generation {
        return Ok(Some(format!("generation {} still answers", marker.generation)));
    }
    if expected.live.is_some_and(|live| live != marker.live) {
        let live = marker.live.map_or_else(|| "nothing".to_owned(), |live| live.slot.to_string());
        return Ok(Some(format!("{live} is live")));
    }
    Ok(None)
}

/// Adds nginx's own reasons to an error: the verdict of `nginx -t` and the end of its log.
pub async fn why(engine: &dyn Engine, seat: &Seat, error: Error) -> Error {
    let container = &seat.container.id;
    let processes = Processes::look(engine, seat).await.unwrap_or_default();
    let test = processes.run(engine, container, &["-t"]).await;
    let test = test.map_or_else(|error| error.one_line(), |output| complaints(&output.output));
    let log = engine.log_tail(container, 20).await.unwrap_or_default();
    error
        .detail("nginx -t says", test)
        .detail(format!("last lines of {}", seat.container.name), complaints(&log))
}
