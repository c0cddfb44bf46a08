//! What several steps do with containers.

use crate::docker::Container;
use crate::error::{Error, Kind};
use crate::model::Mount;

use super::Context;

/// Describes why a container of green is not ready, with its log's tail and its last health output.
pub(super) async fn not_ready(context: &Context<'_>, name: &str, why: impl Into<String>) -> Error {
    let error = Error::new(Kind::NotReady, format!("{name} is not ready: {}", why.into()));
    let container = context.engine.container(name).await.ok().flatten();
    let log = context.engine.log_tail(name, 20).await.unwrap_or_else(|error| error.one_line());
    let health = container.as_ref().and_then(|container| container.state.health.as_ref()?.last.clone());
    let error = match health {
        Some((code, output)) => {
            error.detail(format!("last health check of {name}, exit code {code}"), output)
        }
        None => error,
    };
    let error = error.detail(format!("last lines of {name}"), log);
    match container {
        Some(container) => {
            let advised = with_advice(error, &container);
            match shared_volume(context).filter(|_| has_ended(&container)) {
                Some(hint) => advised.hint(hint),
                None => advised,
            }
        }
        None => error,
    }
}

/// Whether a container has ended by itself. Docker may have started it again.
fn has_ended(container: &Container) -> bool {
    let state = &container.state;
    (!state.running || state.restarting || state.restarts > 0) && !state.oom_killed && state.error.is_empty()
}

/// What both releases write to: many databases lock it, so that the second process ends.
fn shared_volume(context: &Context<'_>) -> Option<String> {
    let former = context.plan.former.as_ref()?;
    let of_blue: Vec<&Mount> = former.containers.iter().flat_map(|(_, spec)| &spec.mounts).collect();
    let mut of_green = context.plan.target.containers.iter().flat_map(|(_, spec)| &spec.mounts);
    let shared = of_green.find(|mount| {
        let is_it = |other: &&&Mount| other.source == mount.source && !other.read_only;
        !mount.source.is_empty() && !mount.read_only && of_blue.iter().any(|other| is_it(&other))
    })?;
    Some(format!(
        "release {} writes to {} as well, at {}: if only one process may use it, two releases cannot run side by side",
        former.number, shared.source, shared.target
    ))
}

fn with_advice(error: Error, container: &Container) -> Error {
    let state = &container.state;
    if state.oom_killed {
        return error.hint(
            "it was killed because it used more memory than it may: raise `memory`, or make it use less",
        );
    }
    match state.exit_code {
        125..=127 if !state.running => {
            error.hint("its command could not be run: check `command`, `entrypoint` and the image")
        }
        139 if !state.running => error.hint("it ended with a segmentation fault"),
        _ => error,
    }
}

/// Says how a container that does not run came to its end.
pub(super) fn end_of(container: &Container) -> String {
    let state = &container.state;
    if state.oom_killed {
        return "it was killed for its use of memory".to_owned();
    }
    if !state.error.is_empty() {
        return format!("it could not be started: {}", state.error);
    }
    let again = if state.restarting || state.restarts > 0 {
        format!(", and was restarted {} times", state.restarts)
    } else {
        String::new()
    };
    format!("it ended with exit code {}{again}", state.exit_code)
}
