//! Checks of the mode labels.

use crate::model::App;
use crate::proxy::traefik::settings::Settings;
use crate::proxy::{Finding, Severity};

use super::finding;

/// Whether Traefik looks at Docker, and would see a carrier of this app.
pub fn provider(settings: &Settings, app: &App, container: &str) -> Vec<Finding> {
    if !settings.is_read {
        let message = format!(
            "the configuration file of Traefik in {container} cannot be read here (TOML, or not there), so bgd cannot \
             tell whether Traefik looks at Docker"
        );
        return vec![finding(Severity::Warning, message, "make sure that providers.docker is on")];
    }
    if !settings.has_docker {
        let message = format!("the Docker provider of Traefik in {container} is not on");
        let remedy = "start Traefik with --providers.docker=true and the engine's socket, or use  mode: file";
        return vec![finding(Severity::Refusal, message, remedy)];
    }
    let Some(constraints) = settings.options.get("providers.docker.constraints") else { return Vec::new() };
    let Some(wanted) = labels_of(constraints) else {
        let message = format!(
            "bgd cannot tell whether route carriers meet providers.docker.constraints: {constraints}"
        );
        return vec![finding(
            Severity::Warning,
            message,
            "give the app the labels that it asks for, under  labels: : route carriers get them too",
        )];
    };
    let carries = |key: &str| app.container.labels.iter().find(|(own, _)| own.eq_ignore_ascii_case(key));
    wanted
        .iter()
        .filter(|(key, value)| carries(key).is_none_or(|(_, own)| own != value))
        .map(|(key, value)| {
            finding(
                Severity::Refusal,
                format!("providers.docker.constraints of Traefik in {container} hide containers without the label {key}={value}"),
                format!("add it to the configuration, so that route carriers get it:  labels: {{ {key}: {value} }}"),
            )
        })
        .collect()
}

/// The labels that constraints ask for, all of them; `None` where they say more than that.
fn labels_of(constraints: &str) -> Option<Vec<(String, String)>> {
    constraints
        .split("&&")
        .map(|part| {
            let inner = part.trim().strip_prefix("Label(")?.strip_suffix(')')?;
            let (key, value) = inner.split_once(',')?;
            let bare = |text: &str| {
                let text = text.trim();
                let quote = text.chars().next().filter(|quote| matches!(quote, '`' | '"'))?;
                Some(text.strip_prefix(quote)?.strip_suffix(quote)?.to_owned())
            };
            let (key, value) = (bare(key)?, bare(value)?);
            (!key.contains(['`', '"', '|']) && !value.contains(['`', '"', '|'])).then_some((key, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_labels_are_understood() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(labels_of("Label(`a`,`b`)"), Some(vec![pair("a", "b")]));
        assert_eq!(
            labels_of("Label(`a`, `b`) && Label(\"c\", \"d\")"),
            Some(vec![pair("a", "b"), pair("c", "d")])
        );
        for more in ["!Label(`a`,`b`)", "Label(`a`,`b`) || Label(`c`,`d`)", "LabelRegex(`a`,`b`)", ""] {
            assert_eq!(labels_of(more), None, "{more}");
        }
    }
}
