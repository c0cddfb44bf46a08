use std::path::Path;

use bgd::compose::{Project, Wanted};
use bgd::error::Error;
use bgd::model::App;
use tempfile::TempDir;

/// What no diagnostic may ever hold.
pub const SECRET: &str = "hunter2";

/// An environment in which bgd reads a file itself.
fn without_compose(name: &str) -> Option<String> {
    let value = match name {
        "BGD_COMPOSE" => "none",
        "HOME" => "/home/ada",
        "TOKEN" => SECRET,
        "TAG" => "1.1",
        "WORD" => "many",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Reads the service `api` of a compose file without compose, in a project named `shop`.
pub fn read(folder: &Path) -> Result<App, Error> {
    let wanted = Wanted { project: Some("shop".to_owned()), ..Wanted::default() };
    Project::open(vec![folder.join("compose.yaml")], &wanted, without_compose)?.app("api")
}

/// The app of a right text, and the warnings and notes that are told with it, each as severity and text.
#[track_caller]
pub fn remarked(text: &str) -> (App, Vec<String>) {
    let folder = folder(text);
    remarked_in(folder.path())
}

/// The same for a compose.yaml in a folder.
#[track_caller]
pub fn remarked_in(folder: &Path) -> (App, Vec<String>) {
    let wanted = Wanted { project: Some("shop".to_owned()), ..Wanted::default() };
    let project = Project::open(vec![folder.join("compose.yaml")], &wanted, without_compose).unwrap();
    let (app, remarks) =
        project.app_with_remarks("api").unwrap_or_else(|error| panic!("refused: {}", said(&error)));
    (app, remarks.iter().map(|remark| format!("{:?}: {}", remark.severity, remark.title())).collect())
}

/// The same for a text.
pub fn parsed(text: &str) -> Result<App, Error> {
    let folder = folder(text);
    read(folder.path())
}

/// A folder with this compose.yaml.
pub fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
    std::fs::write(folder.path().join("app.txt"), "text\n").unwrap();
    folder
}

/// A right project, with more lines below the service; they begin in the first column.
pub fn with(more: &str) -> String {
    let more: String = more.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "services:\n  api:\n    image: myorg/api\n{more}    x-bgd:\n      port: 3000\n      proxy:\n        nginx: {{ container: edge, config_dir: /etc/nginx/conf.d, upstream: api }}\n  dep:\n    image: redis\nvolumes:\n  data: {{}}\nnetworks:\n  extra: {{}}\nsecrets: {{ app: {{ file: app.txt }} }}\nconfigs: {{ app: {{ file: ./app.txt }} }}\n"
    )
}

/// Everything that an error says.
pub fn said(error: &Error) -> String {
    let details = error.details().iter().map(|detail| format!("{}\n{}", detail.title, detail.text));
    let parts = std::iter::once(error.to_string()).chain(details);
    let hints = error.hints().iter().map(|hint| format!("hint: {hint}"));
    parts.chain(hints).collect::<Vec<_>>().join("\n\n")
}
