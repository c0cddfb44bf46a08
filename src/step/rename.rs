use super::{Context, client};
use crate::error::Result;
use crate::model::{Outcome, Slot};
use crate::own::{self, Owned};
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
    let known = known(context).await?;
    for wanted in wanted.iter().chain(&spare).flat_map(|name| [name.clone(), format!("{name}-aside")]) {
        if let Some(other) = context.engine.container(&wanted).await?
            && !known.iter().any(|one| one.id == other.id)
        {
            let free = own::free_name(context.engine.as_ref(), &wanted).await?;
            context.report.warn(
                format!("the live containers keep their names: {wanted} is another's, not of {}", app.name),
                Some(format!("rename it, which stops nothing: docker rename {wanted} {free}")),
            );
            return Ok("the live containers keep their names".to_owned());
        }
    }
    for (at, live) in present.containers.iter().enumerate() {
        if let Some(live) = live {
            make_way(context, &known, live, &wanted[at], &spare[at]).await?;
            target.containers[at].0.clone_from(&wanted[at]);
        }
    }
    target.outcome = Outcome::Deployed;
    context.records.update_release(&target)?;
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let live = Some(context.green_target().await?);
    context.green_proxy().verify(&crate::proxy::Route { live, idle: None }).await?;
    if let Some(worse) = client::after(context).await? {
        context.needed.replace(Some(
            worse.context(format!("clients of {} need the names that its containers had", app.name)),
        ));
    }
    Ok(format!("the live containers are {}", wanted.join(", ")))
}

/// Three renames, each of which can be found half done: `wanted` goes to a name of its own, the live container takes
/// `wanted`, and the first gets `spare`.
async fn make_way(
    context: &Context<'_>,
    known: &[Owned],
    live: &Owned,
    wanted: &str,
    spare: &str,
) -> Result<()> {
    let engine = context.engine.as_ref();
    let aside = format!("{wanted}-aside");
    if live.name != wanted {
        if let Some(other) = named(context, known, wanted).await? {
            // The live one stands aside itself when it is what an unfinished rename had moved out of the way.
            let way = if live.name == aside { spare } else { &aside };
            other.rename(engine, way).await?;
        }
        live.rename(engine, wanted).await?;
    }
    if let Some(other) = named(context, known, &aside).await? {
        other.rename(engine, spare).await?;
    }
    Ok(())
}

/// All containers that are proved to be of this app's releases.
async fn known(context: &Context<'_>) -> Result<Vec<Owned>> {
    let engine = context.engine.as_ref();
    let listed = own::labelled(engine, &own::app_label(&context.app().name)).await?;
    // What cannot be read is of no release that is known.
    let of_app = own::of_app(&listed, |number| Ok(context.records.release(number).ok().flatten()))?;
    Ok(of_app.look_up(engine, |_| true).await?.into_iter().map(|(_, one)| one).collect())
}

/// The one of the known containers that is called so now.
async fn named<'k>(context: &Context<'_>, known: &'k [Owned], name: &str) -> Result<Option<&'k Owned>> {
    let now = context.engine.container(name).await?;
    Ok(now.and_then(|now| known.iter().find(|one| one.id == now.id)))
}
