use std::path::{Path, PathBuf};

use super::located::Located;
use crate::config::node::Value;
use crate::config::problems::Problems;
use crate::config::{Env, Format, parse_env_file, read_file, yaml};
use crate::error::{Error, Kind, Result};

/// The names that compose looks for, in its order.
const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// What the command line says of a project.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `-f`, in order.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub project: Option<String>,
    /// `--profile`.
    pub profiles: Vec<String>,
}

/// The files of the project in a folder: `COMPOSE_FILE`, or else a file of compose's own names and its
/// `.override`. Empty when there is none.
///
/// # Errors
/// Of kind `Config` when the folder has several.
pub fn find(folder: &Path, env: Env<'_>) -> Result<Vec<PathBuf>> {
    let env = with_dotenv(folder, env);
    if let Some(listed) = env("COMPOSE_FILE").filter(|listed| !listed.is_empty()) {
        let separator = env("COMPOSE_PATH_SEPARATOR").filter(|separator| !separator.is_empty());
        let separator = separator.unwrap_or_else(|| ":".to_owned());
        return Ok(listed.split(&separator).map(|name| folder.join(name)).collect());
    }
    let present: Vec<PathBuf> =
        NAMES.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect();
    let Some(first) = present.first() else { return Ok(Vec::new()) };
    if let Some(second) = present.get(1) {
        return Err(Error::new(
            Kind::Config,
            format!("{} and {} are both here", shown(first), shown(second)),
        )
        .hint("compose reads only one of them; name it with -f FILE, or remove the other"));
    }
    let stem = first.with_extension("");
    let overrides = ["yaml", "yml"].map(|end| PathBuf::from(format!("{}.override.{end}", stem.display())));
    let extra = overrides.into_iter().find(|path| path.is_file());
    Ok(std::iter::once(first.clone()).chain(extra).collect())
}

/// Whether a text is a compose file: it has services, and no app.
pub fn is_project(text: &str) -> bool {
    top_level(text, |entries| {
        let has = |name: &str| entries.contains(&name);
        has("services") && !has("app")
    })
}

/// Whether one of the services in a file, or in one that it includes, has an `x-bgd`. What cannot be read has none.
pub fn describes_apps(file: &Path) -> bool {
    let Ok(read) = Located::read(&[file.to_owned()], true) else { return false };
    read.trees.iter().any(|root| {
        let Some(Value::Map(services)) = root.get("services").map(|node| &node.value) else { return false };
        services.iter().any(|(_, service)| service.get("x-bgd").is_some())
    })
}

fn top_level(text: &str, test: impl FnOnce(&[&str]) -> bool) -> bool {
    let Some(root) = yaml::parse_from(text, 0, true, &mut Problems::default()) else { return false };
    let Value::Map(entries) = &root.value else { return false };
    let keys: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
    test(&keys)
}

/// The environment over the `.env` of a folder, as compose looks variables up. A `.env` that cannot be read counts as
/// empty here; whoever resolves the files tells what is wrong with it.
pub(super) fn with_dotenv<'e>(folder: &Path, env: Env<'e>) -> impl Fn(&str) -> Option<String> + use<'e> {
    let text = read_file(&folder.join(".env")).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let read = text.map(|text| parse_env_file(&text, Format::Dotenv, env));
    let variables = read.filter(|(_, wrong)| wrong.is_empty()).unwrap_or_default().0;
    move |name: &str| {
        let of_file = || variables.iter().rev().find(|(known, _)| known == name)?.1.clone();
        env(name).or_else(of_file)
    }
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_file_its_override_and_compose_file_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let names = |env: Env<'_>| -> Result<Vec<String>> {
            Ok(find(folder.path(), env)?.iter().map(|path| shown(path)).collect())
        };
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(names(&none).unwrap(), Vec::<String>::new());
        write("docker-compose.yml", "");
        write("docker-compose.override.yml", "");
        write("compose.override.yaml", "");
        assert_eq!(names(&none).unwrap(), ["docker-compose.yml", "docker-compose.override.yml"]);
        write("compose.yaml", "");
        assert!(names(&none).unwrap_err().to_string().contains("compose.yaml and docker-compose.yml"));
        write(".env", "COMPOSE_FILE=a.yml:b.yml\n");
        assert_eq!(names(&none).unwrap(), ["a.yml", "b.yml"]);
        let shell = |name: &str| match name {
            "COMPOSE_FILE" => Some("c.yml;d.yml".to_owned()),
            "COMPOSE_PATH_SEPARATOR" => Some(";".to_owned()),
            _ => None,
        };
        assert_eq!(names(&shell).unwrap(), ["c.yml", "d.yml"]);
    }

    #[test]
    fn a_compose_file_is_told_from_bgds_own() {
        assert!(is_project("services: {api: {image: a}}\n"));
        assert!(!is_project("app: api\nservices: {}\n"));
        assert!(!is_project("image: a\n"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("compose.yaml");
        let describes = |text: &str| {
            std::fs::write(&path, text).unwrap();
            describes_apps(&path)
        };
        assert!(describes("services:\n  api:\n    x-bgd: { port: 1 }\n"));
        assert!(!describes("x-bgd: {}\nservices: {api: {image: a}}\n"));
        assert!(!describes("services: ["));
        std::fs::write(folder.path().join("more.yaml"), "services: {api: {x-bgd: {}}}\n").unwrap();
        assert!(describes("include: [more.yaml, compose.yaml, gone.yaml]\n"));
        assert!(describes("include: [{ path: [gone.yaml, more.yaml] }]\n"));
    }
}
