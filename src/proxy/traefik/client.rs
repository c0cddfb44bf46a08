use std::time::Duration;

use crate::model::TraefikRouter;
use crate::probe::Request;
use crate::proxy::ClientRequest;

use super::door::own_entrypoints;
use super::driver::TraefikDriver;
use super::rule::{self, Meets};
use super::settings::{EntryPoint, Settings};

impl TraefikDriver {
    /// A request by an entry point of the route, which its rule matches.
    pub(super) async fn request_of_a_client(
        &self,
        path: &str,
        limit: Duration,
    ) -> Result<ClientRequest, String> {
        let known = self.known().await.map_err(|error| error.one_line())?;
        let (point, meets) = choose(&known.settings, &self.proxy.router)?;
        let outside = meets.outside(path);
        let host = meets.host.as_deref().unwrap_or(self.app.name.as_str());
        let mut request = Request::get(point.at, host, outside.as_ref(), limit);
        meets.apply(&mut request);
        let remedy = format!(
            "see which router of {} answers for {host}{outside} at the entry point {}; the route comes before it with a higher \
             proxy.traefik.priority",
            self.proxy.container, point.name
        );
        Ok(ClientRequest { request, path: path.to_owned(), remedy })
    }
}

/// The first entry point of the route's own over which plain HTTP leads to its router.
fn choose<'s>(settings: &'s Settings, router: &TraefikRouter) -> Result<(&'s EntryPoint, Meets), String> {
    let meets = rule::request_for(&router.rule)
        .ok_or_else(|| format!("bgd cannot make up a request that the rule {} matches", router.rule))?;
    if router.tls.is_some() {
        return Err("the route takes TLS".to_owned());
    }
    let own = own_entrypoints(settings, router);
    let is_plain = |point: &&EntryPoint| !point.tls && !point.redirects;
    let found = own.into_iter().find(is_plain);
    let found =
        found.ok_or("no entry point of the route speaks plain HTTP without redirecting everything")?;
    Ok((found, meets))
}

#[cfg(test)]
mod tests {
    use super::super::settings::from_arguments;
    use super::*;
    use crate::model::TraefikTls;

    fn chosen(arguments: &str, entrypoints: &[&str], rule: &str) -> Result<String, String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        let settings = Settings::new(Some(from_arguments(&arguments)));
        let tls = rule.strip_prefix("tls ").map(|_| TraefikTls::default());
        let router = TraefikRouter {
            rule: rule.trim_start_matches("tls ").to_owned(),
            entrypoints: entrypoints.iter().map(|name| (*name).to_owned()).collect(),
            tls,
            middlewares: Vec::new(),
            priority: None,
        };
        choose(&settings, &router).map(|(point, meets)| format!("{} {}", point.name, meets.path()))
    }

    #[test]
    fn a_client_comes_by_an_entry_point_of_the_route_and_by_no_other() {
        let both = "--entrypoints.web.address=:80 --entrypoints.websecure.address=:443";
        assert_eq!(chosen(both, &[], "Host(`a`)").unwrap(), "web /");
        assert_eq!(chosen(both, &["websecure"], "Host(`a`) && PathPrefix(`/x`)").unwrap(), "websecure /x");
        let tls = format!("{both} --entrypoints.websecure.http.tls=true");
        assert!(chosen(&tls, &["websecure"], "Host(`a`)").unwrap_err().contains("plain HTTP"));
        let closed = format!("{both} --entrypoints.web.http.redirections.entrypoint.to=websecure");
        assert!(chosen(&closed, &["web"], "Host(`a`)").unwrap_err().contains("redirecting"));
        assert!(chosen(both, &[], "tls Host(`a`)").unwrap_err().contains("TLS"));
        assert!(chosen(both, &[], "HostRegexp(`.+`)").unwrap_err().contains("HostRegexp"));
    }
}
