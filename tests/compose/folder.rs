//! Compose files, right and wrong, against the apps and diagnostics that they give without compose.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{SECRET, read, said};

fn projects(kind: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose").join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    assert!(files.len() >= 4, "{} has lost its files", folder.display());
    files.into_iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// A folder with the project and the files that it names.
fn laid_out(path: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(path, folder.path().join("compose.yaml")).unwrap();
    for name in ["app.env", "broken.env"] {
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
        match read(folder.path()) {
            Ok(app) => snapshot("right", &name, folder.path(), &format!("{app:#?}")),
            Err(error) => panic!("{name} was refused: {}", said(&error)),
        }
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
