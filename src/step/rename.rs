use super::Context;
use crate::docker::Container;
use crate::error::Result;
use crate::model::{Outcome, Slot};
use crate::plan::{container_names, is_foreign};

/// Gives the live containers the names of the first slot, `NAME-blue`, and what was called so the other ones.
///
/// The proxy routes by names that belong to releases and slots, never by names of containers, so a rename moves no
/// request; it is verified all the same.
pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let app = context.app();
    let wanted = container_names(&app.name, Slot::Blue, app.replicas);
    let spare = container_names(&app.name, Slot::Green, app.replicas);
    let mut target = context.plan.target.clone();
    if is_foreign(&target) {
        return Ok("an adopted container keeps its name".to_owned());
    }
    context.insist_blue_is_left().await?;
    // By their labels: after an interruption the names may have changed hands already.
    let present = context.green().await?;
    for (at, live) in present.containers.iter().enumerate() {
        if let Some(live) = live {
            make_way(context, live, &wanted[at], &spare[at]).await?;
            target.containers[at].0.clone_from(&wanted[at]);
        }
    }
    target.outcome = Outcome::Deployed;
    context.records.put_release(&target)?;
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let live = Some(context.green_target().await?);
    context.green_proxy().verify(&crate::proxy::Route { live, idle: None }).await?;
    Ok(format!("the live containers are {}", wanted.join(", ")))
}

/// Three renames, each of which can be found half done: `wanted` goes to a name of its own, the live container takes
/// `wanted`, and the first gets `spare`.
async fn make_way(context: &Context<'_>, live: &Container, wanted: &str, spare: &str) -> Result<()> {
    let aside = format!("{wanted}-aside");
    if live.name != wanted {
        if let Some(other) = context.engine.container(wanted).await? {
            // The live one stands aside itself when it is what an unfinished rename had moved out of the way.
            let way = if live.name == aside { spare } else { &aside };
            context.engine.rename(&other.id, way).await?;
        }
        context.engine.rename(&live.id, wanted).await?;
    }
    if let Some(other) = context.engine.container(&aside).await? {
        context.engine.rename(&other.id, spare).await?;
    }
    Ok(())
}
