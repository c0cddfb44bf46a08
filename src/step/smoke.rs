use std::net::SocketAddr;

use super::{Context, Step};
use crate::docker::Container;
use crate::error::{Error, Result};
use crate::model::SmokeTest;
use crate::probe::smoke::{self, SmokeFailure};

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let app = context.app();
    let present = context.green().await?;
    context.green_addresses().await?;
    let vantage = context.green_proxy().vantage().await?;
    let manner = context.green_proxy().manner().await;
    let total = present.containers.len() * app.smoke.len();
    let mut done = 0;
    for container in present.iter() {
        let Some(address) = container.addresses.get(app.network.as_str()) else { continue };
        let at = SocketAddr::new(*address, app.port);
        for test in &app.smoke {
            if let Err(failure) = smoke::run(test, at, (&manner, &app.name), vantage.as_ref()).await {
                return Err(explain(context, container, failure).await);
            }
            done += 1;
            let message = format!("{} {}", test.method.as_str(), crate::model::shown_path(&test.path));
            context.progress(Step::Smoke, done as u64, Some(total as u64), message);
        }
    }
    Ok(format!("{done} of {total} requests answered as expected"))
}

async fn explain(context: &Context<'_>, container: &Container, failure: SmokeFailure) -> Error {
    let failure = listening(context, container, failure).await;
    let log = context.engine.log_tail(&container.id, 20).await.unwrap_or_else(|error| error.one_line());
    Error::from(failure).detail(format!("last lines of {}", container.name), log)
}

/// Says on which ports the container really listens, when that explains a failure.
async fn listening(context: &Context<'_>, container: &Container, failure: SmokeFailure) -> SmokeFailure {
    if !failure.wants_sockets() {
        return failure;
    }
    match crate::probe::open(context.engine.clone(), container).await {
        Ok(inside) => match inside.sockets().await {
            Ok(sockets) => failure.explain(&sockets),
            Err(_) => failure,
        },
        Err(_) => failure,
    }
}

/// Asks a test once more and says in words what is wrong; `None` when it passes now.
pub(super) async fn diagnose(
    context: &Context<'_>,
    container: &Container,
    test: &SmokeTest,
) -> Option<(String, Option<String>)> {
    let app = context.app();
    let at = SocketAddr::new(*container.addresses.get(app.network.as_str())?, app.port);
    let vantage = context.green_proxy().vantage().await.ok()?;
    let manner = context.green_proxy().manner().await;
    let failure = smoke::run(test, at, (&manner, &app.name), vantage.as_ref()).await.err()?;
    let failure = listening(context, container, failure).await;
    Some((failure.message.clone(), failure.hint))
}
