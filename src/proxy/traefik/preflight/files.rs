//! Checks of the file mode.

use crate::docker::Container;
use crate::proxy::preflight::mounts;
use crate::proxy::traefik::settings::Settings;
use crate::proxy::{Finding, Severity};

use super::finding;

/// Whether the app's file can be written, and outlives the container.
pub fn mount(container: &Container, file: &str, folder: &str) -> Vec<Finding> {
    // A file that is mounted in place of the folder itself.
    let is_file = |target: &str| {
        target == folder && [".yml", ".yaml", ".toml"].iter().any(|ending| target.ends_with(ending))
    };
    if let Some(mount) = container.mounts.iter().find(|mount| is_file(mount.target.trim_end_matches('/'))) {
        let message = format!("{} in {} is a single file; bgd needs a folder", mount.target, container.name);
        return vec![finding(
            Severity::Refusal,
            message,
            "mount a folder, and name it in --providers.file.directory and in dynamic_dir",
        )];
    }
    mounts::check(container, &[file.to_owned()], folder)
}

/// Whether Traefik reads the folder and sees changes in it.
pub fn provider(settings: &Settings, container: &str, folder: &str) -> Vec<Finding> {
    if !settings.is_read {
        let message = format!(
            "the configuration file of Traefik in {container} cannot be read here (TOML, or not there), so bgd cannot \
             tell whether Traefik reads {folder}"
        );
        let remedy = format!("make sure that providers.file.directory is {folder}, and watch is on");
        return vec![finding(Severity::Warning, message, remedy)];
    }
    let option = format!("--providers.file.directory={folder}");
    let Some(file) = &settings.file else {
        let message = format!("the file provider of Traefik in {container} is not on");
        return vec![finding(Severity::Refusal, message, format!("start Traefik with {option}"))];
    };
    let mut findings = Vec::new();
    match (&file.directory, &file.filename) {
        (Some(directory), _) if directory.trim_end_matches('/') == folder => {}
        (Some(directory), _) => {
            let message = format!("Traefik in {container} reads {directory}, and dynamic_dir is {folder}");
            let remedy = format!("set dynamic_dir: {directory}, or start Traefik with {option}");
            findings.push(finding(Severity::Refusal, message, remedy));
        }
        (None, name) => {
            let name = name.as_deref().unwrap_or("no folder");
            let message =
                format!("the file provider of Traefik in {container} reads {name} and not a folder");
            let remedy = format!("put that file into {folder}, and start Traefik with {option}");
            findings.push(finding(Severity::Refusal, message, remedy));
        }
    }
    if !file.watch {
        let message = format!("Traefik in {container} does not watch its files for changes");
        findings.push(finding(Severity::Refusal, message, "start Traefik with --providers.file.watch=true"));
    }
    findings
}

/// The folder is not there.
pub fn no_folder(container: &str, folder: &str) -> Finding {
    finding(
        Severity::Refusal,
        format!("there is no folder {folder} in {container}"),
        format!("mount a folder or a volume at {folder}; dynamic_dir names it"),
    )
}

/// A file of the app's name that bgd did not write.
pub fn not_ours(path: &str) -> Finding {
    finding(
        Severity::Refusal,
        format!("{path} was not written by bgd"),
        "rename it, or move what it says into a file of another name",
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::{from_arguments, from_yaml};
    use super::*;

    fn messages(arguments: &str) -> Vec<(Severity, String)> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        let settings = Settings::new(Some(from_arguments(&arguments)));
        provider(&settings, "edge", "/dyn").into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn traefik_has_to_read_and_watch_the_folder() {
        assert_eq!(messages("--providers.file.directory=/dyn/"), []);
        for (arguments, part) in [
            ("--providers.docker", "not on"),
            ("--providers.file.directory=/other", "reads /other"),
            ("--providers.file.filename=/dyn/x.yml", "reads /dyn/x.yml"),
            ("--providers.file.directory=/dyn --providers.file.watch=false", "does not watch"),
        ] {
            let found = messages(arguments);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0 == Severity::Refusal && found[0].1.contains(part), "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let settings = Settings::new(from_yaml("a: ["));
        assert_eq!(provider(&settings, "edge", "/dyn")[0].severity, Severity::Warning);
    }
}
