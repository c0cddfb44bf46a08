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
        let mut request = Request::get(self.at, host, self.meets.outside(path), limit);
        self.meets.apply(&mut request);
        request.headers.push(("X-Bgd-Marker".to_owned(), asked.to_owned()));
        request
    }
}

/// Chooses the first entry point over which plain HTTP can be spoken: one of the route's own when there is one, else
/// any other. A router without TLS is served in plain even where others take TLS, on the same port; but neither where
/// the entry point makes all of its routers take TLS, nor where it redirects everything.
///
/// The API's own entry point is none: what is open there without more ado comes before every router of a user's.
///
/// # Errors
/// Says why there is none.
pub fn choose(settings: &Settings, router: &TraefikRouter) -> Result<Door, String> {
    let Some(meets) = rule::request_for(&router.rule) else {
        return Err(format!("bgd cannot make up a request that the rule {} matches", router.rule));
    };
    let is_usable = |point: &&EntryPoint| {
        !point.tls && !point.redirects && settings.api.as_ref().is_none_or(|(api, _)| *api != point.at)
    };
    let own = own_entrypoints(settings, router);
    let mut others: Vec<&EntryPoint> = settings.entrypoints.iter().filter(is_usable).collect();
    // One that nobody else reaches is the best of them.
    others.sort_by_key(|point| point.name != "bgd");
    let found = own.into_iter().find(is_usable).or_else(|| others.first().copied());
    match found {
        Some(point) => Ok(Door { entrypoint: point.name.clone(), at: point.at, meets }),
        None => {
            Err("no entry point of this Traefik speaks plain HTTP without redirecting everything".to_owned())
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
        choose(&settings, &router).map(|door| door.entrypoint)
    }

    #[test]
    fn the_first_plain_entry_point_is_taken() {
        let both = "--entrypoints.web.address=:80 --entrypoints.websecure.address=:443";
        let host = "Host(`a`)";
        assert_eq!(chosen(both, &[], host).unwrap(), "web");
        assert_eq!(chosen(both, &["websecure"], host).unwrap(), "websecure");
        let tls = format!("{both} --entrypoints.websecure.http.tls=true");
        assert_eq!(chosen(&tls, &["websecure"], host).unwrap(), "web");
        let closed = format!("{tls} --entrypoints.web.http.redirections.entrypoint.to=websecure");
        assert!(chosen(&closed, &["websecure"], host).unwrap_err().contains("plain HTTP"));
        let opened =
            format!("{closed} --entrypoints.z.address=:90 --entrypoints.bgd.address=127.0.0.1:24710");
        assert_eq!(chosen(&opened, &["websecure"], host).unwrap(), "bgd");
        assert!(chosen(both, &[], "HostRegexp(`.+`)").unwrap_err().contains("HostRegexp"));
    }

    #[test]
    fn the_entry_point_of_the_api_is_none() {
        let only = "--entrypoints.traefik.address=:8080 --entrypoints.web.address=:443 --entrypoints.web.http.tls=true";
        assert!(chosen(only, &["web"], "Host(`a`)").is_err());
    }
}
