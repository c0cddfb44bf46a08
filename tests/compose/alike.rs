//! The right projects mean the same to bgd's own reader as with each version of compose.

use std::path::Path;

use bgd_testkit::Compose;

use crate::folder::{laid_out, projects};
use crate::tools::{env_of, read_with};

#[test]
fn the_right_projects_mean_the_same_with_each_compose() {
    alike("right");
}

#[test]
fn files_like_those_of_well_known_projects_mean_the_same_with_each_compose() {
    alike("known");
}

#[track_caller]
fn alike(kind: &str) {
    let (mut differ, mut compared) = (Vec::new(), 0);
    for (name, path) in projects(kind) {
        let folder = laid_out(&path);
        std::fs::write(
            folder.path().join(".env"),
            "TAG=1.0\nLEVEL=debug\nDB_PASSWORD=x\nSECRET_KEY_BASE=y\nTOKEN=hunter2\n",
        )
        .unwrap();
        std::fs::write(folder.path().join(".env.app"), "export DEBUG=\"false\" # c\n").unwrap();
        // A hash loses its end to Compose 2, and to it alone.
        let dotenv = folder.path().join("dotenv.env");
        let lines = std::fs::read_to_string(&dotenv).unwrap().replace("HASH=", "#HASH=");
        std::fs::write(&dotenv, lines).unwrap();
        let own = read(&[("BGD_COMPOSE", "none".to_owned())], folder.path());
        for compose in Compose::all() {
            let version = compose.version();
            let with = read(&env_of(&compose), folder.path());
            let told = |read: &serde_json::Value| read["error"].as_str().map(str::to_owned);
            match (told(&own), told(&with)) {
                (None, None) => {
                    compared += 1;
                    if with != own {
                        differ.push(format!("{name} by compose {version}: {with:#}\nby bgd: {own:#}"));
                    }
                }
                (Some(_), Some(_)) => compared += 1,
                // Version 1 does not know all that the newer one does.
                (_, Some(error)) if error.contains("does not take the project's files") => {
                    assert!(version.starts_with("1."), "{name} by compose {version}: {error}");
                }
                (own, with) => differ.push(format!("{name} by compose {version}: {with:?}\nby bgd: {own:?}")),
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    assert!(compared > 9, "only {compared} readings were compared");
}

fn read(env: &[(&str, String)], folder: &Path) -> serde_json::Value {
    let mut read = read_with(env, folder, "compose.yaml");
    if let Some(compose) = read.get_mut("compose") {
        compose["command"] = serde_json::Value::Null;
    }
    // Compose 2 sorts them; the first one is the proxy's, as it is in each reading.
    if let Some(networks) = read.pointer_mut("/container/networks").and_then(|all| all.as_array_mut()) {
        networks.sort_by_key(|network| network["name"].to_string());
    }
    read
}
