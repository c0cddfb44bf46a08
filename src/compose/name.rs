use std::path::Path;

use crate::config::{Env, interpolate_as_compose};
use crate::error::{Error, Kind, Result};
use crate::model::AppName;

/// The name that compose makes of a text: lower-case letters, digits, `-` and `_`, the latter two not in front.
///
/// Source: `NormalizeProjectName` of compose-go.
pub fn normalized(text: &str) -> String {
    kept(text).trim_start_matches(['-', '_']).to_owned()
}

/// The same as compose 1 makes it, which leaves `-` and `_` in front.
fn kept(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c)).collect()
}

/// The name of a project by compose's order: `-p`, `COMPOSE_PROJECT_NAME` (of the shell or of `.env`), the `name:` of
/// the last file that has one, and the name of the project's folder. `one`: as compose 1 makes it of the folder's.
///
/// # Errors
/// Of kind `Config` when a name that was given is none, or nothing is left of the folder's.
pub fn project_name(
    given: Option<&str>,
    in_files: Option<&str>,
    folder: &Path,
    one: bool,
    env: Env<'_>,
) -> Result<String> {
    let variable = || env("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty());
    if let Some(name) = given.map(str::to_owned).or_else(variable) {
        return if !name.is_empty() && normalized(&name) == name {
            Ok(name)
        } else {
            let error = Error::new(Kind::Config, format!("{name:?} is no name for a compose project"))
                .hint("use lower-case letters, digits, '-' and '_', beginning with a letter or digit");
            let fitting = normalized(&name);
            Err(if fitting.is_empty() { error } else { error.hint(format!("this would be one: {fitting}")) })
        };
    }
    let named = in_files.and_then(|text| interpolate_as_compose(text, env).ok());
    let named = named.map(|name| normalized(&name)).filter(|name| !name.is_empty());
    let normalize = if one { kept } else { normalized };
    let of_folder = || folder.file_name().map(|name| normalize(&name.to_string_lossy()));
    named.or_else(of_folder).filter(|name| !name.is_empty()).ok_or_else(|| {
        Error::new(Kind::Config, format!("the compose project in {} has no name", folder.display()))
            .hint("name it: -p NAME, or  name: NAME  at the top of the compose file")
    })
}

/// The name of the app that a service is where `x-bgd` has no `app:` — `PROJECT-SERVICE`, because apps of one host share
/// their names. `None` when that is too long or has no letter in front.
pub fn default_app(project: &str, service: &str) -> Option<AppName> {
    let text = normalized(&format!("{project}-{service}").replace(['_', '.'], "-"));
    AppName::parse(text.trim_matches('-')).ok()
}

/// A name for an app where [`default_app`] gives none: the service's name whole, where it can be, behind as many words of the
/// project's name as there is room for.
pub fn suggested_app(project: &str, service: &str) -> Option<AppName> {
    let Some(own) = AppName::derived(service) else {
        return AppName::derived(&format!("{project}-{service}"));
    };
    let Some(project) = AppName::derived(project) else { return Some(own) };
    let room = AppName::LONGEST.saturating_sub(own.as_str().len() + 1);
    let words = project.as_str();
    let mut ends = words.match_indices('-').map(|(at, _)| at).chain([words.len()]);
    let kept = ends.rfind(|at| *at <= room).unwrap_or(room.min(words.len()));
    AppName::derived(&format!("{}-{own}", &words[..kept]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(given: Option<&str>, variable: &'static str, file: Option<&str>, folder: &str) -> Option<String> {
        let env = move |name: &str| match name {
            "COMPOSE_PROJECT_NAME" => Some(variable.to_owned()),
            "V" => Some("Prod".to_owned()),
            _ => None,
        };
        project_name(given, file, Path::new(folder), false, &env).ok()
    }

    #[test]
    fn the_first_that_names_the_project_wins() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(name(Some("a"), "b", Some("c"), "/srv/d"), some("a"));
        assert_eq!(name(None, "b", Some("c"), "/srv/d"), some("b"));
        assert_eq!(name(None, "", Some("shop-${V}"), "/srv/d"), some("shop-prod"));
        assert_eq!(name(None, "", None, "/srv/_My Shop.2"), some("myshop2"));
        assert_eq!(name(Some("Shop"), "", None, "/srv/d"), None);
        assert_eq!(name(Some(""), "", None, "/srv/d"), None);
        assert_eq!(name(None, "", None, "/srv/..."), None);
    }

    #[test]
    fn an_app_is_named_after_project_and_service() {
        let app = |project, service| default_app(project, service).map(|name| name.to_string());
        assert_eq!(app("my_shop", "Web.api").as_deref(), Some("my-shop-web-api"));
        assert_eq!(app("2shop", "api"), None);
        assert_eq!(app("shop", &"x".repeat(40)), None);
    }

    #[test]
    fn where_the_name_does_not_fit_one_is_suggested_that_does() {
        let suggested = |project: &str, service: &str| suggested_app(project, service).map(String::from);
        let long = suggested("my_company-very-long-project", "API_gateway.v2");
        assert_eq!(long.as_deref(), Some("my-company-very-long-api-gateway-v2"));
        assert_eq!(suggested("2shop", "api").as_deref(), Some("shop-api"));
        assert_eq!(suggested("a-b", &"x".repeat(60)), Some("x".repeat(40)));
        assert_eq!(suggested(&"p".repeat(60), "api"), Some(format!("{}-api", "p".repeat(36))));
        assert_eq!(suggested("shop", "1").as_deref(), Some("shop-1"));
    }
}
