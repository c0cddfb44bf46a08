use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::model::{NginxRoute, ServerBlock};
use crate::probe::Request;
use crate::proxy::ClientRequest;

use super::conf::{Tree, Way};
use super::driver::NginxDriver;
use super::names;

impl NginxDriver {
    /// A request by the block that clients meet: bgd's own server block, or the one of the user's that refers to the
    /// upstream.
    pub(super) async fn request_of_a_client(
        &self,
        path: &str,
        limit: Duration,
    ) -> Result<ClientRequest, String> {
        let container = &self.proxy.container;
        match &self.proxy.route {
            NginxRoute::Server(block) => {
                let (at, host) = by_own_block(block)?;
                let remedy = format!(
                    "see which server block answers for {host} on port {} in: docker exec {container} nginx -T",
                    block.listen
                );
                let tls = block.tls.is_some();
                let request = Request { tls, ..Request::get(at, host, path, limit) };
                Ok(ClientRequest { request, path: path.to_owned(), remedy })
            }
            NginxRoute::Upstream(upstream) => {
                let way = self.way_of_clients().await?;
                let (asked, seen) = way.path(path);
                let host = way.host.unwrap_or_else(|| self.app.name.to_string());
                let remedy = format!(
                    "{} passes requests to the upstream {upstream}; see which location answers {asked} instead in: docker exec \
                     {container} nginx -T",
                    way.place
                );
                let request = Request { tls: way.tls, ..Request::get(way.at, host, asked, limit) };
                Ok(ClientRequest { request, path: seen, remedy })
            }
        }
    }

    /// The user's configuration is read once: what is asked before the switch and after it goes the same way.
    async fn way_of_clients(&self) -> Result<Way, String> {
        if let Some(known) = self.way.borrow().clone() {
            return known;
        }
        let told = |error: crate::error::Error| error.one_line();
        let seat = self.running().await.map_err(told)?;
        let files = self.read_config(&seat).await.map_err(told)?;
        let upstream = names::upstream_of(&self.proxy, &self.app.name);
        let found = Tree::new(&files).way_to(&upstream, &self.file());
        *self.way.borrow_mut() = Some(found.clone());
        found
    }
}

/// Where bgd's own server block is asked, and for which host.
fn by_own_block(block: &ServerBlock) -> Result<(SocketAddr, &str), String> {
    let host = block.hosts.iter().find(|host| !host.contains('*'));
    let host = host.ok_or_else(|| format!("no host of {} is written out", block.hosts.join(", ")))?;
    Ok((SocketAddr::from((Ipv4Addr::LOCALHOST, block.listen)), host))
}
