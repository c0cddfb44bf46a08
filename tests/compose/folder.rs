//! Compose files, right and wrong, against the apps and diagnostics that they give without compose.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{SECRET, read, remarked_in, said};

pub fn projects(kind: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose").join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    assert!(files.len() >= 4, "{} has lost its files", folder.display());
    files.into_iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// A folder with the project and the files that it names.
pub fn laid_out(path: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(path, folder.path().join("compose.yaml")).unwrap();
    for name in ["app.env", "broken.env", "dotenv.env", "key.pem"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/fixtures").join(name);
        fs::copy(from, folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join(".env"), "TAG=1.0\nLEVEL=debug\n").unwrap();
    folder
}

#[track_caller]
fn snapshot(kind: &str, name: &str, folder: &Path, text: &str) {
    let text = text.replace(&folder.display().to_string(), "[folder]");
    assert!(!text.contains(SECRET), "{name} shows a secret:\n{text}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose").join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn wrong_services_say_everything_that_is_wrong() {
    for (name, path) in projects("wrong") {
        let folder = laid_out(&path);
        match read(folder.path()) {
            Ok(app) => panic!("{name} was accepted: {app:#?}"),
            Err(error) => snapshot("wrong", &name, folder.path(), &said(&error)),
        }
    }
}

#[test]
fn right_services_give_their_app() {
    for (name, path) in projects("right") {
        let folder = laid_out(&path);
        let (app, remarks) = remarked_in(folder.path());
        let told: String = remarks.iter().map(|one| format!("{one}\n\n")).collect();
        snapshot("right", &name, folder.path(), &format!("{told}{app:#?}"));
    }
}

#[test]
fn environment_files_are_read_by_composes_rules_and_environment_wins() {
    let folder = laid_out(&projects("right")[0].1);
    let text = "services:\n  api:\n    image: a\n    env_file: [app.env, { path: gone.env, required: false }]\n    environment: [\"BOTH=own\", TOKEN, GONE]\n    x-bgd: { port: 1, proxy: { nginx: { container: e, config_dir: /c, upstream: u } } }\n";
    fs::write(folder.path().join("compose.yaml"), text).unwrap();
    let app = read(folder.path()).unwrap_or_else(|error| panic!("{}", said(&error)));
    let env: Vec<(&str, &str)> =
        app.container.env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    let expected = [
        ("BOTH", "own"),
        ("LEVEL", "is debug"),
        ("QUOTED", "two words"),
        ("RAW", "$LEVEL"),
        ("TOKEN", SECRET),
    ];
    assert_eq!(env, expected);
}

/// The same file, and the same environment, as a bgd.yaml has in `tests/config/load.rs`.
#[test]
fn an_environment_file_means_the_same_here_as_in_a_bgd_yaml() {
    let folder = laid_out(&projects("right")[0].1);
    let proxy = "proxy: { nginx: { container: e, config_dir: /c, upstream: u } }";
    let text = format!(
        "services:\n  api:\n    image: a\n    env_file: dotenv.env\n    x-bgd: {{ port: 1, {proxy} }}\n"
    );
    fs::write(folder.path().join("compose.yaml"), text).unwrap();
    let here = read(folder.path()).unwrap_or_else(|error| panic!("{}", said(&error)));
    let own = folder.path().join("bgd.yaml");
    let text = format!("app: a\nimage: a\nport: 1\nnetwork: n\nenv_file: dotenv.env\n{proxy}\n");
    fs::write(&own, text).unwrap();
    let there = bgd::config::load(&own, &|_: &str| None).unwrap();
    assert_eq!(here.container.env, there.container.env);
    assert_eq!(here.container.env.len(), 10);
}

#[test]
fn a_platform_is_fine_where_it_is_the_hosts() {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let fine = crate::support::with(&format!("platform: linux/{machine}"));
    assert_eq!(
        crate::support::parsed(&fine).unwrap(),
        crate::support::parsed(&crate::support::with("")).unwrap()
    );
    let error = crate::support::parsed(&crate::support::with("platform: linux/s390y")).unwrap_err();
    assert!(said(&error).contains("\"linux/s390y\" is not a platform that runs here"), "{}", said(&error));
}

#[test]
fn a_name_that_does_not_fit_is_answered_with_one_that_does() {
    let text = crate::support::with("").replace("  api:", "  API_gateway.v2:");
    let folder = crate::support::folder(&text);
    let wanted = bgd::compose::Wanted {
        project: Some("my_company-very-long-project".to_owned()),
        ..Default::default()
    };
    let env: fn(&str) -> Option<String> = |name| (name == "BGD_COMPOSE").then(|| "none".to_owned());
    let open = || {
        let files = vec![folder.path().join("compose.yaml")];
        bgd::compose::Project::open(files, &wanted, env).unwrap()
    };
    let error = open().app("API_gateway.v2").unwrap_err();
    let hint = said(&error);
    let (_, name) = hint.split_once("write \"app: ").unwrap_or_else(|| panic!("{hint}"));
    let name = name.split('"').next().unwrap();
    assert_eq!(name, "my-company-very-long-api-gateway-v2");
    let path = folder.path().join("compose.yaml");
    fs::write(path, text.replacen("x-bgd:\n", &format!("x-bgd:\n      app: {name}\n"), 1)).unwrap();
    assert_eq!(open().app("API_gateway.v2").unwrap().name.as_str(), name);
}

/// Compose files in the likeness of those of well-known projects. The first line of each says whether bgd takes it, or what it
/// refuses and nothing else.
#[test]
fn files_like_those_of_well_known_projects_are_taken_or_refused_for_what_they_say() {
    let mut count = 0;
    for (name, path) in projects("known") {
        let folder = laid_out(&path);
        fs::write(folder.path().join(".env"), "DB_PASSWORD=x\nSECRET_KEY_BASE=y\n").unwrap();
        fs::write(folder.path().join(".env.app"), "export DEBUG=\"false\" # c\nHASH='$2y$10$abc'\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap().trim_start_matches("# ");
        let refused = match first.split_once(": ") {
            None => {
                assert_eq!(first, "accepted", "{name}");
                Vec::new()
            }
            Some((_, listed)) => listed.split(", ").collect(),
        };
        match read(folder.path()) {
            Ok(_) => assert!(refused.is_empty(), "{name} was accepted"),
            Err(error) => {
                let said = said(&error);
                for what in &refused {
                    let told = match what.split_once(' ') {
                        Some((kind, name)) => format!("the {kind} {name:?} is refused: "),
                        None => format!("{what:?} is refused: "),
                    };
                    assert!(said.contains(&told), "{name}: {told}\n{said}");
                }
                assert_eq!(said.matches("is refused: ").count(), refused.len(), "{name}: {said}");
                assert_eq!(error.places().len(), refused.len(), "{name}: {said}");
            }
        }
        count += 1;
    }
    assert!(count > 29, "files are missing");
}
