use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{SECRET, parsed, remarked};

/// The YAML files of a folder in their order.
fn configurations(folder: &str) -> Vec<(String, String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    assert!(files.len() > 5, "{} has lost its files", folder.display());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).unwrap(), folder.clone())
    };
    files.into_iter().map(read).collect()
}

fn snapshot(name: &str, folder: &Path, text: &str) {
    assert!(!text.contains(SECRET), "{name} shows a secret:\n{text}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn wrong_configurations_say_everything_that_is_wrong() {
    for (name, text, folder) in configurations("wrong") {
        match parsed(&text) {
            Ok(app) => panic!("{name} was accepted: {app:#?}"),
            Err(diagnostics) => snapshot(&name, &folder, &diagnostics.to_string()),
        }
    }
}

#[test]
fn right_configurations_give_their_app() {
    for (name, text, folder) in configurations("right") {
        match remarked(&text) {
            Ok((app, remarks)) => {
                let told = remarks.iter().map(|one| format!("{:?}: {one}\n\n", one.severity));
                snapshot(&name, &folder, &format!("{}{app:#?}", told.collect::<String>()));
            }
            Err(diagnostics) => panic!("{name} was refused: {diagnostics}"),
        }
    }
}
