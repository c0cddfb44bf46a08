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
        let (point, tls, meets) = choose(&known.settings, &self.proxy.router)?;
        let outside = meets.outside(path);
        let host = meets.host.as_deref().unwrap_or(self.app.name.as_str());
        let mut request = Request { tls, ..Request::get(point.at, host, outside.as_ref(), limit) };
        meets.apply(&mut request);
        let remedy = format!(
            "see which router of {} answers for {host}{outside} at the entry point {}; the route comes before it with a higher \
             proxy.traefik.priority",
            self.proxy.container, point.name
        );
        Ok(ClientRequest { request, path: path.to_owned(), remedy })
    }
}

/// The first entry point of the route's own that leads to its router, and whether it does so over TLS: plain HTTP where it can.
fn choose<'s>(
    settings: &'s Settings,
    router: &TraefikRouter,
) -> Result<(&'s EntryPoint, bool, Meets), String> {
    let meets = rule::request_for(&router.rule)
        .ok_or_else(|| format!("bgd cannot make up a request that the rule {} matches", router.rule))?;
    let own: Vec<_> =
        own_entrypoints(settings, router).into_iter().filter(|point| !point.redirects).collect();
    let takes_tls = |point: &EntryPoint| router.tls.is_some() || point.tls;
    let found = own.iter().find(|point| !takes_tls(point)).or(own.first());
    let found = found.ok_or("each entry point of the route redirects everything")?;
    Ok((found, takes_tls(found), meets))
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
        choose(&settings, &router).map(|(point, tls, meets)| {
            format!("{} {}{}", point.name, meets.path(), if tls { " by TLS" } else { "" })
        })
    }

    #[test]
    fn a_client_comes_by_an_entry_point_of_the_route_and_by_no_other() {
        let both = "--entrypoints.web.address=:80 --entrypoints.websecure.address=:443";
        assert_eq!(chosen(both, &[], "Host(`a`)").unwrap(), "web /");
        assert_eq!(chosen(both, &["websecure"], "Host(`a`) && PathPrefix(`/x`)").unwrap(), "websecure /x");
        let tls = format!("{both} --entrypoints.websecure.http.tls=true");
        assert_eq!(chosen(&tls, &["websecure"], "Host(`a`)").unwrap(), "websecure / by TLS");
        assert_eq!(chosen(&tls, &["websecure", "web"], "Host(`a`)").unwrap(), "web /");
        let closed = format!("{both} --entrypoints.web.http.redirections.entrypoint.to=websecure");
        assert!(chosen(&closed, &["web"], "Host(`a`)").unwrap_err().contains("redirects everything"));
        assert_eq!(chosen(&closed, &["web", "websecure"], "tls Host(`a`)").unwrap(), "websecure / by TLS");
        assert!(chosen(both, &[], "HostRegexp(`.+`)").unwrap_err().contains("HostRegexp"));
    }
}
