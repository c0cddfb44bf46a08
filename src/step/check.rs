//! One run of a health check.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::Context;
use crate::error::Error;
use crate::model::{Health, shown_path};
use crate::probe::{Answer, Asked, Failure};

/// How long an app without a check may take to answer at all.
const NONE_LIMIT: Duration = Duration::from_secs(2);

/// Why a check did not pass.
pub(super) enum NotReady {
    /// As it is while a container comes up: only the deadline ends that.
    NotYet(String),
    /// An answer that is not good: some in a row end it.
    Bad(String),
}

/// Runs the check once.
pub(super) async fn attempt(context: &Context<'_>, name: &str) -> Result<(), NotReady> {
    let app = context.app();
    match &app.health {
        Health::None => match ask(context, name, &Asked::new("/", &BTreeMap::new()), NONE_LIMIT).await? {
            // Whatever it says: something listens there.
            Err(failure) if !failure.kind.has_connected() => {
                Err(NotReady::NotYet(format!("port {}: {failure}", app.port)))
            }
            Ok(_) | Err(_) => Ok(()),
        },
        Health::Http { path, headers, timing } => {
            let asked = format!("GET {} on port {}", shown_path(path), app.port);
            match ask(context, name, &Asked::new(path, headers), timing.timeout).await? {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
                Ok(answer) if matches!(answer.status, 502 | 503) => {
                    Err(NotReady::NotYet(format!("{asked} answered {}", answer.status)))
                }
                Ok(answer) => Err(NotReady::Bad(format!("{asked} answered {}", answer.status))),
                Err(failure) => Err(NotReady::NotYet(format!("{asked}: {failure}"))),
            }
        }
        Health::Command { test, timing } => exec(context, name, test, timing.timeout).await,
        Health::Image { .. } => {
            let image =
                context.engine.image(&context.plan.target.image_id).await.map_err(|error| not_yet(&error))?;
            let test = image.and_then(|image| image.health_test).unwrap_or_default();
            exec(context, name, &test, Duration::from_secs(30)).await
        }
    }
}

/// Asks a container from the proxy's network, as the proxy would.
async fn ask(
    context: &Context<'_>,
    name: &str,
    asked: &Asked<'_>,
    limit: Duration,
) -> Result<Result<Answer, Failure>, NotReady> {
    let app = context.app();
    let container = context.engine.container(name).await.map_err(|error| not_yet(&error))?;
    let address = container.and_then(|container| container.addresses.get(app.network.as_str()).copied());
    let address =
        address.ok_or_else(|| NotReady::NotYet("it has no address on the proxy's network".to_owned()))?;
    let to = SocketAddr::new(address, app.port);
    let manner = context.green_proxy().manner().await;
    let request = asked.request(to, &manner, &app.name, limit);
    let vantage = context.green_proxy().vantage().await.map_err(|error| not_yet(&error))?;
    Ok(vantage.request(&request).await)
}

/// Docker itself counts how often the check fails.
async fn exec(context: &Context<'_>, name: &str, test: &[String], limit: Duration) -> Result<(), NotReady> {
    let none = || NotReady::Bad("there is no health check to run".to_owned());
    let command = check_command(test).ok_or_else(none)?;
    match context.engine.exec(name, &command, limit).await {
        Ok(output) if output.code == 0 => Ok(()),
        Ok(output) => {
            let said = output.output.trim().lines().last().unwrap_or_default();
            let said: String = said.chars().take(160).collect();
            Err(NotReady::NotYet(format!("its health check ended with exit code {}: {said}", output.code)))
        }
        Err(error) => Err(not_yet(&error)),
    }
}

fn not_yet(error: &Error) -> NotReady {
    NotReady::NotYet(error.one_line())
}

/// The argument list of a health check's test as the API writes it; `None` when there is no check.
pub fn check_command(test: &[String]) -> Option<Vec<String>> {
    match test.split_first() {
        Some((kind, rest)) if kind == "CMD" && !rest.is_empty() => Some(rest.to_vec()),
        Some((kind, [script])) if kind == "CMD-SHELL" => {
            Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), script.clone()])
        }
        _ => None,
    }
}
