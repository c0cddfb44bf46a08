//! What people do beside bgd.

use std::path::PathBuf;

use bgd::docker::Container;
use bgd::docker::fake::Behaviour;
use bgd::model::ContainerSpec;

use super::acts::is_proxy;
use super::chance::Chance;
use super::edges::NETWORK;
use super::land::Land;

/// Changes something by hand.
pub fn step(land: &mut Land, chance: &mut Chance) {
    let mut all = land.engine.all();
    all.retain(|one| !one.name.starts_with("bgd_lock_"));
    // Of what there is, the containers of apps are meant mostly.
    let of_apps: Vec<Container> = all.iter().filter(|one| !is_proxy(one)).cloned().collect();
    let among = if of_apps.is_empty() || chance.percent(20) { &all } else { &of_apps };
    let one = chance.one(among).clone();
    let name = one.name.clone();
    let engine = land.engine.clone();
    let what = match chance.below(11) {
        0 => told(format!("docker stop {name}"), engine.stop_by_hand(&name)),
        1 | 2 => told(format!("docker start {name}"), engine.start_by_hand(&name)),
        3 => {
            let to = format!("{name}-x");
            told(format!("docker rename {name} {to}"), engine.rename_by_hand(&name, &to))
        }
        4 if !is_proxy(&one) => told(format!("docker rm -f {name}"), engine.remove_by_hand(&name, true)),
        5 => replace(land, &one),
        6 if !is_proxy(&one) => commit(land, chance, &one),
        7 => told(format!("docker network disconnect {NETWORK} {name}"), engine.disconnect(&name, NETWORK)),
        8 => {
            let _ = engine.disconnect(&name, NETWORK);
            told(
                format!("docker network disconnect and connect {NETWORK} {name}"),
                engine.connect(&name, NETWORK, &[]),
            )
        }
        9 => told(format!("docker update --memory 1g {name}"), engine.limit_memory(&name, 1 << 30)),
        _ => take_a_name(land, chance),
    };
    land.say(format!("by hand: {what}"));
}

fn told(what: String, done: bgd::error::Result<()>) -> String {
    match done {
        Ok(()) => what,
        Err(error) => format!("{what} -> {}", error.one_line()),
    }
}

/// `docker rm -f X` and `docker run --name X` with the same image. A proxy gets its mounts again.
fn replace(land: &mut Land, one: &Container) -> String {
    let name = one.name.clone();
    let _ = land.engine.remove_by_hand(&name, true);
    if is_proxy(one) {
        let spec = ContainerSpec { mounts: one.mounts.clone(), ..one.spec.clone() };
        if let Ok(id) = land.engine.add_container(&name, &spec, true) {
            land.rules.made_by_hand(id);
        }
    } else if let Err(why) = land.add_container(&name, &one.image_id) {
        return format!("docker rm -f {name}; docker run --name {name} -> {why}");
    }
    format!("docker rm -f {name}; docker run --name {name}")
}

/// `docker commit X image`, and a container of that image, which has the labels of X.
fn commit(land: &mut Land, chance: &mut Chance, one: &Container) -> String {
    let (image, name) = (format!("debug:{}", chance.below(1000)), format!("{}-debug", one.name));
    let _ = land.engine.commit(&one.id, &image);
    let made = land.add_container(&name, &image);
    format!("docker commit {} {image}; docker run --name {name} -> {made:?}", one.name)
}

/// Somebody's container has a name that bgd would give.
fn take_a_name(land: &mut Land, chance: &mut Chance) -> String {
    let app = *chance.one(&land.apps.clone());
    let name = format!("{app}-{}{}", chance.one(&["blue", "green"]), chance.one(&["", "-old", "-1"]));
    let image = land.add_image("other", Behaviour::Runs);
    let made = land.add_container(&name, &image);
    format!("docker run --name {name} -> {made:?}")
}

/// Spoils what bgd has written: records, or a proxy's file.
pub fn spoil(land: &mut Land, chance: &mut Chance, (person, app): (usize, usize)) {
    let records = land.records(person, app);
    let what = match chance.below(6) {
        0 => gone(records.join("state.json")),
        1 => one_of(&records.join("releases"), chance).map_or_else(String::new, gone),
        2 => one_of(&records.join("releases"), chance).map_or_else(String::new, |path| {
            if let Ok(mut bytes) = std::fs::read(&path)
                && bytes.len() > 30
            {
                bytes[20] ^= 0x40;
                let _ = std::fs::write(&path, bytes);
            }
            format!("damage {}", short(&path))
        }),
        3 => gone(records),
        4 => place(land, chance).map_or_else(String::new, |place| {
            land.edges.edit(&place);
            format!("edit the file of {} in {}", place.1, place.0)
        }),
        _ => place(land, chance).map_or_else(String::new, |place| {
            land.edges.delete(&place);
            format!("rm the file of {} in {}", place.1, place.0)
        }),
    };
    if !what.is_empty() {
        land.say(format!("by hand: {what}"));
    }
}

fn place(land: &Land, chance: &mut Chance) -> Option<super::edges::Place> {
    let places = land.edges.places();
    (!places.is_empty()).then(|| chance.one(&places).clone())
}

fn one_of(folder: &std::path::Path, chance: &mut Chance) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    (!paths.is_empty()).then(|| chance.one(&paths).clone())
}

/// Moves a file or a folder away.
fn gone(path: PathBuf) -> String {
    let away = path.with_extension("away");
    let _ = std::fs::remove_dir_all(&away);
    let moved = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
    format!("rm -r {}{}", short(&path), if moved.is_ok() { "" } else { " -> it is not there" })
}

/// The end of a path, which is the same on every walk.
fn short(path: &std::path::Path) -> String {
    let parts: Vec<_> = path.iter().rev().take(4).collect();
    parts.iter().rev().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
