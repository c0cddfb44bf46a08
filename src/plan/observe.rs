use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::docker::{Engine, Summary};
use crate::error::{Error, Result};
use crate::model::{App, Release, ReleaseNumber, Slot, former_slot_host, label};
use crate::own::{self, OfApp, Owned};
use crate::proxy::{Live, Proxies, Routes};
use crate::record::{AppState, AppStore};

/// What is there before a deploy.
#[derive(Debug, Clone)]
pub struct Observation {
    /// What the proxy of the live release says is live.
    pub live: Option<Live>,
    /// What all proxies of the app's records route to.
    pub routes: Routes,
    /// The release behind that, from the records.
    pub former: Option<Release>,
    /// All containers that carry the app's label as their own.
    pub labelled: Vec<Summary>,
    /// The same by whether the records know them.
    pub of_app: OfApp,
    /// For each running container that the records do not know, by its name, a free one under which it makes way.
    pub aside: BTreeMap<String, String>,
    /// The names of what is adopted, and of containers that are called as a slot: they are not free.
    pub reserved: Vec<String>,
    /// Which releases were live.
    pub state: AppState,
    /// The number of the next release.
    pub next: ReleaseNumber,
}

/// The containers of a release as they are, in the order of the record.
#[derive(Debug, Clone, Default)]
pub struct Present {
    /// One for each of the record's; `None` where there is none that is proved to be its.
    pub containers: Vec<Option<Owned>>,
}

impl Present {
    /// Those that exist.
    pub fn iter(&self) -> impl Iterator<Item = &Owned> {
        self.containers.iter().flatten()
    }

    /// Whether every container exists.
    pub fn is_whole(&self) -> bool {
        self.containers.iter().all(Option::is_some)
    }

    /// Whether every container exists and runs.
    pub fn all_running(&self) -> bool {
        self.is_whole() && self.iter().all(|container| container.state.running)
    }

    /// Whether every container runs and is known on a network by all of these names, so that a proxy finds it there.
    pub fn is_found_as(&self, names: &[&str], network: &str) -> bool {
        self.all_running()
            && self.iter().all(|container| {
                let attached = container.spec.networks.iter().find(|one| one.name == network);
                let is_known = |name: &&str| {
                    container.name == **name
                        || attached.is_some_and(|one| one.aliases.iter().any(|alias| alias == *name))
                };
                container.addresses.contains_key(network) && names.iter().all(is_known)
            })
    }

    /// The addresses on a network of those that run.
    pub fn addresses(&self, network: &str) -> Vec<IpAddr> {
        self.iter().filter_map(|container| container.addresses.get(network).copied()).collect()
    }
}

/// All releases whose records can be read, newest first, with their proxies as these are called today. `app` is the
/// configuration of today.
///
/// # Errors
/// When Docker or the records cannot be asked.
pub async fn located(proxies: &Proxies, store: &AppStore, app: &App) -> Result<Vec<Release>> {
    let survey = store.survey()?;
    let state = store.state()?;
    let live = survey.read().find(|release| Some(release.number) == state.live()).cloned();
    let known: Vec<&App> = [Some(app), live.as_ref().map(|live| &live.app)].into_iter().flatten().collect();
    let mut all = Vec::new();
    for release in survey.read() {
        all.push(proxies.locate(release, &known).await?);
    }
    all.sort_by_key(|release| std::cmp::Reverse(release.number));
    Ok(all)
}

/// The configurations whose proxies are asked, that of the live release first, then that of `app`.
fn asked_of<'a>(store: &AppStore, recorded: &'a [Release], app: &'a App) -> Result<Vec<&'a App>> {
    let state = store.state()?;
    let live = recorded.iter().filter(|release| Some(release.number) == state.live());
    let mut apps: Vec<&App> = live.map(|release| &release.app).collect();
    apps.push(app);
    apps.extend(recorded.iter().map(|release| &release.app));
    Ok(apps)
}

/// What is live: the word of the proxy of the release that is recorded as such, else that of the proxy of `app`. What a move
/// has left elsewhere is not what is live.
fn live_by(routes: &Routes, store: &AppStore, recorded: &[Release], app: &App) -> Result<Option<Live>> {
    let state = store.state()?;
    let live = recorded.iter().find(|release| Some(release.number) == state.live());
    let routed = live.and_then(|release| routes.at(&release.app)).or_else(|| routes.at(app));
    Ok(routed.map(|routed| routed.live))
}

/// What all proxies of an app route to.
///
/// # Errors
/// When Docker, a proxy or the records cannot be asked.
pub async fn routes(proxies: &Proxies, store: &AppStore, app: &App) -> Result<Routes> {
    let recorded = located(proxies, store, app).await?;
    Routes::ask(proxies, app, asked_of(store, &recorded, app)?).await
}

/// Asks Docker, the proxies of all records and the records what is there.
///
/// # Errors
/// When one of them cannot be asked.
pub async fn observe(
    engine: &dyn Engine,
    proxies: &Proxies,
    store: &AppStore,
    app: &App,
) -> Result<Observation> {
    let recorded = located(proxies, store, app).await?;
    let routes = Routes::ask(proxies, app, asked_of(store, &recorded, app)?).await?;
    let live = live_by(&routes, store, &recorded, app)?;
    let labelled = own::labelled(engine, &own::app_label(&app.name)).await?;
    let state = store.state()?;
    let next = next_number(&store.numbers()?, &state, &labelled, live.as_ref());
    let mut former = former(store, &state, live.as_ref(), &labelled)?;
    if let Some(former) = &mut former {
        if let Some(there) = recorded.iter().find(|release| release.number == former.number) {
            former.app.proxy.clone_from(&there.app.proxy);
        }
        name_as_called(former, &labelled);
        name_adopted_as_called(engine, former).await?;
    }
    // What cannot be read is told where it is needed; what it knows is kept as long as that is not known.
    let of_app = own::of_app(&labelled, |number| Ok(store.release(number).ok().flatten()))?;
    let aside = aside(engine, &of_app).await?;
    let mut reserved = Vec::new();
    if let Ok(Some(adopted)) = store.release(ReleaseNumber(0))
        && super::names::is_foreign(&adopted)
    {
        reserved.extend(present(engine, &adopted).await?.iter().map(|container| container.name.clone()));
    }
    if let Some(former) = former.as_ref().filter(|former| super::names::keeps_former_slot_host(former)) {
        for slot in [Slot::Blue, Slot::Green] {
            let name = former_slot_host(&former.app.name, slot);
            reserved.extend(engine.container(&name).await?.map(|other| other.name));
        }
    }
    Ok(Observation { live, routes, former, labelled, of_app, aside, reserved, state, next })
}

/// A free name for each running container that the records do not know.
async fn aside(engine: &dyn Engine, of_app: &OfApp) -> Result<BTreeMap<String, String>> {
    let mut aside = BTreeMap::new();
    for one in of_app.unknown.iter().filter(|one| !super::prune::is_stopped(one)) {
        aside.insert(one.name.clone(), own::free_name(engine, &one.name).await?);
    }
    Ok(aside)
}

/// Why nothing of an app can be begun, when containers of it run that no record here knows. A record that is damaged knows
/// nothing.
///
/// # Errors
/// When Docker cannot be asked.
pub(crate) async fn run_by_others(engine: &dyn Engine, store: &AppStore, app: &App) -> Result<Option<Error>> {
    let labelled = own::labelled(engine, &own::app_label(&app.name)).await?;
    let of_app = own::of_app(&labelled, |number| Ok(store.release(number).ok().flatten()))?;
    let aside = aside(engine, &of_app).await?;
    Ok(super::build::unknown(app, &of_app.unknown, &aside))
}

/// Gives a release the names that its containers have now: somebody may have renamed them, and a rename that was interrupted,
/// and not finished because the release died, is not in its record. A name that is in use is no name for another one.
fn name_as_called(release: &mut Release, labelled: &[Summary]) {
    let now = |replica| own::replica_of(labelled, release, replica).map(|summary| summary.name.clone());
    let names: Vec<_> = (1..=release.containers.len()).map(now).collect();
    for (at, (name, _)) in release.containers.iter_mut().enumerate() {
        if let Some(name_now) = names.get(at).and_then(Option::as_ref) {
            name.clone_from(name_now);
        }
    }
}

/// The same for an adopted release, whose containers carry no label by which they are found in a list. Where another
/// container has the name of one, the proxy routes to that.
///
/// # Errors
/// When Docker cannot be asked.
pub(crate) async fn name_adopted_as_called(engine: &dyn Engine, release: &mut Release) -> Result<()> {
    if !super::names::is_foreign(release) {
        return Ok(());
    }
    let found = present(engine, release).await?;
    for (entry, container) in release.containers.iter_mut().zip(&found.containers) {
        if let Some(container) = container
            && engine.container(&entry.0).await?.is_none()
        {
            entry.0.clone_from(&container.name);
        }
    }
    Ok(())
}

/// A number that no release has had, even when records were pruned or lost: the state, containers and the proxy still
/// know theirs, and a number that was used twice would make bgd take another release's containers for the new one's.
fn next_number(
    recorded: &[ReleaseNumber],
    state: &AppState,
    labelled: &[Summary],
    live: Option<&Live>,
) -> ReleaseNumber {
    let on_containers = labelled
        .iter()
        .filter_map(|summary| summary.labels.get(label::RELEASE)?.parse().ok())
        .map(ReleaseNumber);
    let recorded = recorded.iter().copied().chain(state.known());
    let known = recorded.chain(on_containers).chain(live.and_then(|live| live.release));
    known.max().map_or(ReleaseNumber(1), ReleaseNumber::next)
}

/// Finds the record of what is live. The proxy's word counts; where it knows only slots, the labels of what runs in
/// that slot tell the release; where it knows nothing of the app, the records do.
fn former(
    store: &AppStore,
    state: &AppState,
    live: Option<&Live>,
    labelled: &[Summary],
) -> Result<Option<Release>> {
    let Some(live) = live else {
        return state.live().map_or(Ok(None), |number| store.release(number));
    };
    // The adopted one carries no label; another container may run in its slot, kept warm.
    let recorded = state.live().and_then(|number| store.release(number).ok().flatten());
    let is_adopted = |release: &Release| release.slot == live.slot && super::names::is_foreign(release);
    if live.release.is_none()
        && let Some(adopted) = recorded.filter(is_adopted)
    {
        return Ok(Some(adopted));
    }
    let running_there = || {
        let here = |summary: &&Summary| {
            summary.status == "running"
                && summary.labels.get(label::SLOT).is_some_and(|s| s == live.slot.as_str())
        };
        labelled.iter().find(here)?.labels.get(label::RELEASE)?.parse().ok().map(ReleaseNumber)
    };
    let number = live.release.or_else(running_there);
    if let Some(number) = number {
        return Ok(store.release(number)?.filter(|release| own::is_of_record(labelled, release)));
    }
    for activation in state.activations.iter().rev() {
        if let Some(release) = store.release(activation.release)?
            && release.slot == live.slot
        {
            return Ok(Some(release));
        }
    }
    Ok(None)
}

/// Looks up the containers of a release, all at once: those that are proved to be its, whatever they are called now.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn present(engine: &dyn Engine, release: &Release) -> Result<Present> {
    Ok(Present { containers: own::of_release(engine, release).await? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_never_used_twice_even_when_records_were_lost() {
        let summary = Summary {
            id: "x".to_owned(),
            name: "api-blue".to_owned(),
            image: "api".to_owned(),
            image_id: String::new(),
            created: None,
            status: "running".to_owned(),
            status_text: "Up".to_owned(),
            labels: BTreeMap::from([(label::RELEASE.to_owned(), "4".to_owned())]),
            addresses: BTreeMap::new(),
        };
        let live = Live { slot: Slot::Blue, release: Some(ReleaseNumber(6)) };
        let none = AppState::default();
        assert_eq!(next_number(&[], &none, &[], None), ReleaseNumber(1));
        assert_eq!(next_number(&[ReleaseNumber(0)], &none, &[], None), ReleaseNumber(1));
        assert_eq!(next_number(&[], &none, std::slice::from_ref(&summary), None), ReleaseNumber(5));
        assert_eq!(next_number(&[ReleaseNumber(2)], &none, &[summary], Some(&live)), ReleaseNumber(7));
        let pruned = AppState { highest: Some(ReleaseNumber(9)), ..none };
        assert_eq!(next_number(&[ReleaseNumber(2)], &pruned, &[], Some(&live)), ReleaseNumber(10));
    }
}
