//! Where bgd asks the marker.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{AppName, TraefikRouter};
use crate::probe::Request;

use super::rule::{self, Meets};
use super::settings::{EntryPoint, Settings};

/// The entry point of the marker router, and a request that its rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The name of the entry point.
    pub entrypoint: String,
    /// Its address inside Traefik's network namespace.
    pub at: SocketAddr,
    /// Whether it takes TLS.
    pub tls: bool,
    /// The middlewares that come before every router there: what they answer in the app's place is no answer of the marker.
    pub middlewares: Vec<String>,
    /// What the rule asks for.
    pub meets: Meets,
}

impl Door {
    /// A request to the marker that `asked` names: the app's own, or one of a carrier's.
    pub fn request(
        &self,
        app: &AppName,
        path: &str,
        host: Option<&str>,
        asked: &str,
        limit: Duration,
    ) -> Request {
        let host = host.or(self.meets.host.as_deref()).unwrap_or(app.as_str());
        let mut request =
            Request { tls: self.tls, ..Request::get(self.at, host, self.meets.outside(path), limit) };
        self.meets.apply(&mut request);
        request.headers.push(("X-Bgd-Marker".to_owned(), asked.to_owned()));
        request
    }
}

/// Chooses the entry point of the marker: one that is named `bgd`, which is there for that, before all others; then one
/// without middlewares of its own, over plain HTTP rather than over TLS, and one of the route's own rather than another. A
/// router without TLS is served in plain even where others take TLS, on the same port; but neither where the entry point
/// makes all of its routers take TLS, nor where it redirects everything.
///
/// A marker over TLS has to take it as the route does, or Traefik gives both the default options; a template of the user's
/// may not know that, and with options of TLS a client may have to show a certificate, which bgd has not.
///
/// The API's own entry point is none: what is open there without more ado comes before every router of a user's.
///
/// # Errors
/// Says why there is none.
pub fn choose(settings: &Settings, router: &TraefikRouter, has_template: bool) -> Result<Door, String> {
    let Some(meets) = rule::request_for(&router.rule) else {
        return Err(format!("bgd cannot make up a request that the rule {} matches", router.rule));
    };
    let own = own_entrypoints(settings, router);
    let may_take_tls = router.tls.as_ref().is_none_or(|tls| tls.options.is_none() && !has_template);
    let is_usable = |point: &&&EntryPoint| {
        let is_api = settings.api.as_ref().is_some_and(|(api, _)| *api == point.at);
        !point.redirects && !is_api && (!point.tls || may_take_tls)
    };
    let is_own = |point: &EntryPoint| own.iter().any(|one| one.name == point.name);
    let rank = |point: &&&EntryPoint| {
        (point.name != "bgd", !point.middlewares.is_empty(), point.tls, !is_own(point))
    };
    let mut points: Vec<&EntryPoint> = own.clone();
    points.extend(settings.entrypoints.iter().filter(|point| !is_own(point)));
    match points.iter().filter(is_usable).min_by_key(rank) {
        Some(point) => Ok(Door {
            entrypoint: point.name.clone(),
            at: point.at,
            tls: point.tls,
            middlewares: point.middlewares.clone(),
            meets,
        }),
        None if !settings.is_read => {
            Err("its entry points are not known, as its configuration cannot be read".to_owned())
        }
        None => {
            Err("each of its entry points redirects everything, or takes TLS with options of its own"
                .to_owned())
        }
    }
}

/// The entry points that the route names, as far as Traefik has them, or Traefik's defaults.
pub fn own_entrypoints<'a>(settings: &'a Settings, router: &TraefikRouter) -> Vec<&'a EntryPoint> {
    if router.entrypoints.is_empty() {
        return settings.default_entrypoints();
    }
    router.entrypoints.iter().filter_map(|name| settings.entrypoint(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::settings::from_arguments;
    use super::*;

    fn chosen(arguments: &str, entrypoints: &[&str], rule: &str) -> Result<String, String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        let mut settings = Settings::new(Some(from_arguments(&arguments)));
        settings.api = Some(settings.api_candidate());
        let router = TraefikRouter {
            rule: rule.to_owned(),
            entrypoints: entrypoints.iter().map(|name| (*name).to_owned()).collect(),
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        };
        choose(&settings, &router, false)
            .map(|door| format!("{}{}", door.entrypoint, if door.tls { " by TLS" } else { "" }))
    }

    #[test]
    fn the_first_plain_entry_point_is_taken() {
        let both = "--entrypoints.web.address=:80 --entrypoints.websecure.address=:443";
        let host = "Host(`a`)";
        assert_eq!(chosen(both, &[], host).unwrap(), "web");
        assert_eq!(chosen(both, &["websecure"], host).unwrap(), "websecure");
        let tls = format!("{both} --entrypoints.websecure.http.tls=true");
        assert_eq!(chosen(&tls, &["websecure"], host).unwrap(), "web");
        assert!(chosen(both, &[], "HostRegexp(`.+`)").unwrap_err().contains("HostRegexp"));
    }

    #[test]
    fn where_nothing_else_is_it_is_asked_over_tls() {
        let host = "Host(`a`)";
        let closed = "--entrypoints.web.address=:80 --entrypoints.web.http.redirections.entrypoint.to=websecure \
                      --entrypoints.websecure.address=:443 --entrypoints.websecure.http.tls=true";
        assert_eq!(chosen(closed, &["websecure"], host).unwrap(), "websecure by TLS");
        let other = format!("{closed} --entrypoints.z.address=:90");
        assert_eq!(chosen(&other, &["websecure"], host).unwrap(), "z");
        let own = format!("{other} --entrypoints.bgd.address=127.0.0.1:24710");
        assert_eq!(chosen(&own, &["websecure"], host).unwrap(), "bgd");
        let redirects =
            closed.replace("websecure.http.tls=true", "websecure.http.redirections.entrypoint.to=x");
        assert!(chosen(&redirects, &[], host).unwrap_err().contains("redirects everything"));
    }

    #[test]
    fn middlewares_of_an_entry_point_are_avoided() {
        let host = "Host(`a`)";
        let web = "--entrypoints.web.address=:80 --entrypoints.web.http.middlewares=lan-only@file,auth@file";
        assert_eq!(chosen(web, &["web"], host).unwrap(), "web");
        let other = format!("{web} --entrypoints.secure.address=:443 --entrypoints.secure.http.tls=true");
        assert_eq!(chosen(&other, &["web"], host).unwrap(), "secure by TLS");
        let own = format!("{other} --entrypoints.bgd.address=127.0.0.1:24710");
        assert_eq!(chosen(&own, &["web"], host).unwrap(), "bgd");
    }

    #[test]
    fn the_entry_point_of_the_api_is_none() {
        let only = "--entrypoints.traefik.address=:8080 --entrypoints.web.address=:80 --entrypoints.web.http.redirections.entrypoint.to=x";
        assert!(chosen(only, &["traefik"], "Host(`a`)").is_err());
    }
}
