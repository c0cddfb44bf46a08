//! The names of what bgd makes for Traefik.

use crate::model::{AppName, ReleaseNumber};

/// The user's router.
pub fn router(app: &AppName) -> String {
    format!("bgd-{app}")
}

/// The marker's router and middleware. No app's name holds an underscore, so that it is no other app's router.
pub fn marker(app: &AppName) -> String {
    format!("bgd-{app}_marker")
}

/// What a request says to ask the carrier that is live. No app's name holds an `@`, so that no file answers to it.
pub fn carriers(app: &AppName) -> String {
    format!("{app}@docker")
}

/// The app whose router this is, by its full name (`NAME@PROVIDER`); `None` when it is not one that bgd makes.
pub fn app_of_router(name: &str) -> Option<AppName> {
    let (name, provider) = name.split_once('@')?;
    let name = name.strip_prefix("bgd-")?;
    // A carrier's router is named after its release as well.
    let of_release =
        name.rsplit_once("-r").filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    let app = of_release.filter(|_| provider == "docker").map_or(name, |(app, _)| app);
    AppName::parse(app).ok()
}

/// The service of a release: one for each, so that Traefik's metrics tell releases apart.
pub fn service(app: &AppName, release: ReleaseNumber) -> String {
    format!("bgd-{app}-r{release}")
}

/// The transport between Traefik and the app's releases.
pub fn transport(app: &AppName) -> String {
    format!("bgd-{app}")
}

/// A folder without trailing slashes.
pub fn folder(dynamic_dir: &str) -> &str {
    dynamic_dir.trim_end_matches('/')
}

/// The path of an app's file.
pub fn file(dynamic_dir: &str, app: &AppName) -> String {
    format!("{}/bgd-{app}.yml", folder(dynamic_dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_one_app_is_another_app_s() {
        let (app, other) = (AppName::parse("api").unwrap(), AppName::parse("api-marker").unwrap());
        assert_ne!(marker(&app), router(&other));
        assert_eq!(service(&app, ReleaseNumber(2)), "bgd-api-r2");
        assert_eq!(file("/dyn/", &app), "/dyn/bgd-api.yml");
    }
}
