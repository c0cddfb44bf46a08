use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::parse::Directive;
use super::{Place, Tree, listens_on_port};

/// How a client comes to an upstream by a server block of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Where the block listens, from inside nginx's network namespace.
    pub at: SocketAddr,
    /// Whether it takes TLS there.
    pub tls: bool,
    /// A name for which the block answers; `None` when it answers for every one that no other block has.
    pub host: Option<String>,
    /// Where the requests are passed on.
    pub place: Place,
    location: Location,
}

/// Which paths are passed on, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    /// All that begin so; the beginning is replaced where `passed` says by what.
    Prefix { prefix: String, passed: Option<String> },
    /// This one.
    Exact { path: String, passed: Option<String> },
    /// What matches a pattern, or is sent here by another location.
    Unclear,
}

impl Way {
    /// The path to ask for so that the upstream is asked, and what it sees of that: `wanted` where that can be.
    pub fn path(&self, wanted: &str) -> (String, String) {
        let same = |path: &str| (path.to_owned(), path.to_owned());
        match &self.location {
            Location::Unclear => same(wanted),
            Location::Exact { path, passed } => (path.clone(), passed.as_ref().unwrap_or(path).clone()),
            Location::Prefix { prefix, passed: None } if wanted.starts_with(prefix) => same(wanted),
            Location::Prefix { prefix, passed: None } => same(prefix),
            Location::Prefix { prefix, passed: Some(passed) } => match wanted.strip_prefix(passed) {
                Some(rest) => (format!("{prefix}{rest}"), wanted.to_owned()),
                None => (prefix.clone(), passed.clone()),
            },
        }
    }
}

impl Tree<'_> {
    /// A way by which a client comes to an upstream, by a server block outside of one file.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn way_to(&self, upstream: &str, outside: &str) -> Result<Way, String> {
        let mut why = format!("no server block refers to the upstream {upstream}");
        for pass in self.reference_nodes(upstream, outside) {
            match self.way_by(pass) {
                Ok(way) => return Ok(way),
                Err(other) => why = other,
            }
        }
        Err(why)
    }

    fn way_by(&self, pass: usize) -> Result<Way, String> {
        let place = self.place(pass);
        let is_public =
            |i: &usize| self.nodes[*i].directive.name == "server" && self.is_http(self.nodes[*i].parent);
        let Some(server) = self.ancestors(pass).find(is_public) else {
            return Err(format!("{place} stands in no server block of HTTP"));
        };
        let block = &self.nodes[server].directive.block;
        let location = self.location_of(pass).ok_or_else(|| format!("{place} is for nginx itself only"))?;
        let mut why = format!("the server block of {place} listens at no address that bgd can ask");
        let mut by_tls = None;
        for listen in listens(block) {
            let Some(at) = address(&listen) else { continue };
            let tls = match self.spoken(block, at.port()) {
                Spoken::Http => false,
                Spoken::Tls => true,
                Spoken::Other(what) => {
                    why = format!("the server block of {place} {what}");
                    continue;
                }
            };
            let host = plain_names(block).next().cloned();
            if host.is_none() && self.default_on(at.port()) != Some(server) {
                why = format!("the server block of {place} answers for no name that is written out");
                continue;
            }
            let way = Way { at, tls, host, place: place.clone(), location: location.clone() };
            if !tls {
                return Ok(way);
            }
            by_tls.get_or_insert(way);
        }
        by_tls.ok_or(why)
    }

    /// What is spoken on a port of a block. What one block says of a port holds for all that listen on it.
    fn spoken(&self, block: &[Directive], port: u16) -> Spoken {
        let everybody = self.servers().flat_map(|i| listens(&self.nodes[i].directive.block));
        let flags: Vec<String> = everybody
            .filter(|listen| address(listen).is_some_and(|at| at.port() == port))
            .flat_map(|listen| listen.args)
            .collect();
        let has = |flag: &str| flags.iter().any(|arg| arg == flag);
        let is_on = block.iter().any(|d| d.name == "ssl" && d.args.first().is_some_and(|arg| arg == "on"));
        match () {
            () if has("proxy_protocol") => Spoken::Other("takes the PROXY protocol"),
            () if is_on || has("ssl") => Spoken::Tls,
            () if has("http2") || has("spdy") => Spoken::Other("takes HTTP/2"),
            () => Spoken::Http,
        }
    }

    /// The server block that answers on a port for names that no other one has.
    fn default_on(&self, port: u16) -> Option<usize> {
        let is_default = |i: &usize| {
            listens(&self.nodes[*i].directive.block).any(|listen| {
                address(&listen).is_some_and(|at| at.port() == port)
                    && listen.args.iter().any(|arg| arg == "default_server" || arg == "default")
            })
        };
        let first = |i: &usize| listens_on_port(&self.nodes[*i].directive.block, port);
        self.servers().find(is_default).or_else(|| self.servers().find(first))
    }

    fn servers(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len())
            .filter(|&i| self.nodes[i].directive.name == "server" && self.is_http(self.nodes[i].parent))
    }

    /// The location in which a request is passed on; `None` when no client can ask for it.
    fn location_of(&self, pass: usize) -> Option<Location> {
        let target = self.nodes[pass].directive.args.first().map(String::as_str).unwrap_or_default();
        let path = target.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find('/')?..]));
        let passed = path.filter(|path| !path.contains('$')).map(str::to_owned);
        let found = self.ancestors(pass).find(|&i| self.nodes[i].directive.name == "location");
        let Some(found) = found.map(|i| self.nodes[i].directive) else { return Some(Location::Unclear) };
        if found.block.iter().any(|d| d.name == "internal") {
            return None;
        }
        let args: Vec<&str> = found.args.iter().map(String::as_str).collect();
        Some(match args.as_slice() {
            ["=", path] if path.starts_with('/') => Location::Exact { path: (*path).to_owned(), passed },
            ["^~", prefix] | [prefix] if prefix.starts_with('/') => {
                Location::Prefix { prefix: (*prefix).to_owned(), passed }
            }
            _ => Location::Unclear,
        })
    }
}

/// What a listener takes.
enum Spoken {
    Http,
    Tls,
    /// What bgd does not speak, in words.
    Other(&'static str),
}

/// The `listen` directives of a server block over TCP. Without one it listens on port 80.
fn listens(block: &[Directive]) -> impl Iterator<Item = Directive> {
    let mut found: Vec<Directive> = block.iter().filter(|d| d.name == "listen").cloned().collect();
    if found.is_empty() {
        let args = vec!["80".to_owned()];
        found.push(Directive { name: "listen".to_owned(), args, line: 0, block: Vec::new() });
    }
    found.into_iter().filter(|listen| !listen.args.iter().any(|arg| arg == "quic"))
}

/// Where a `listen` directive is reached from inside; `None` for what bgd cannot ask, such as a socket of Unix.
fn address(listen: &Directive) -> Option<SocketAddr> {
    let text = listen.args.first()?.as_str();
    if let Ok(port) = text.parse() {
        return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (text, 80),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let own = match host {
        "*" | "localhost" | "0.0.0.0" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        "::" => IpAddr::V6(Ipv6Addr::LOCALHOST),
        host => host.parse().ok()?,
    };
    Some(SocketAddr::new(own, port))
}

/// The names of a server block that are written out.
pub(super) fn plain_names(block: &[Directive]) -> impl Iterator<Item = &String> {
    let is_plain = |name: &&String| {
        !name.is_empty()
            && name.as_str() != "_"
            && name.as_str() != "localhost"
            && !name.starts_with(['*', '.', '~', '$'])
            && !name.ends_with('*')
    };
    block.iter().filter(|d| d.name == "server_name").flat_map(|d| &d.args).filter(is_plain)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::files::Files;
    use super::super::super::parse::parse;
    use super::*;

    /// Where a client asks, for which host, and for which path.
    type Asked = (String, Option<String>, (String, String));

    fn way(servers: &str) -> Result<Asked, String> {
        let main = "/etc/nginx/nginx.conf".to_owned();
        let parsed = BTreeMap::from([(main.clone(), parse(&format!("http {{\n{servers}\n}}")))]);
        let files = Files { main, parsed, includes: BTreeMap::new() };
        let way = Tree::new(&files).way_to("api", "/own.conf")?;
        let scheme = if way.tls { "https://" } else { "" };
        Ok((format!("{scheme}{}", way.at), way.host.clone(), way.path("/health")))
    }

    fn passing(listen: &str, location: &str, target: &str) -> String {
        format!(
            "server {{ {listen} server_name a.example.com; location {location} {{ proxy_pass {target}; }} }}"
        )
    }

    #[test]
    fn a_client_comes_by_the_block_that_refers_to_the_upstream() {
        let of =
            |listen: &str| way(&passing(listen, "/", "http://api")).map(|(at, host, _)| (at, host.unwrap()));
        let at = |address: &str| Ok((address.to_owned(), "a.example.com".to_owned()));
        assert_eq!(of("listen 80;"), at("127.0.0.1:80"));
        assert_eq!(of(""), at("127.0.0.1:80"));
        assert_eq!(of("listen *:8080 default_server;"), at("127.0.0.1:8080"));
        assert_eq!(of("listen [::]:80;"), at("[::1]:80"));
        assert_eq!(of("listen 10.0.0.2;"), at("10.0.0.2:80"));
        assert_eq!(of("listen unix:/run/x; listen 443 ssl; listen 81;"), at("127.0.0.1:81"));
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let why = |servers: &str| way(servers).unwrap_err();
        let at = |servers: &str| way(servers).unwrap().0;
        let tls = "https://127.0.0.1:443";
        assert_eq!(at(&passing("listen 443 ssl http2;", "/", "http://api")), tls);
        assert_eq!(at(&passing("listen 443; ssl on;", "/", "http://api")), tls);
        let elsewhere = "server { listen 443 ssl; server_name b; }";
        assert_eq!(at(&(elsewhere.to_owned() + &passing("listen 443;", "/", "http://api"))), tls);
        assert!(why(&passing("listen 80 http2;", "/", "http://api")).contains("HTTP/2"));
        assert!(
            why(&passing("listen 443 ssl proxy_protocol;", "/", "http://api")).contains("PROXY protocol")
        );
        assert!(why(&passing("listen 80 proxy_protocol;", "/", "http://api")).contains("PROXY protocol"));
        assert!(why(&passing("listen unix:/run/x;", "/", "http://api")).contains("no address"));
        assert!(why(&passing("", "/", "http://other")).contains("no server block refers"));
        let patterns = "server { server_name ~^a; location / { proxy_pass http://api; } }";
        assert!(why(&(elsewhere.replace("443 ssl", "80") + patterns)).contains("no name"));
    }

    #[test]
    fn a_block_without_a_name_is_asked_when_it_is_the_default() {
        let unnamed = "server { listen 80; location / { proxy_pass http://api; } }";
        assert_eq!(way(unnamed).unwrap().1, None);
        let other = "server { listen 80; server_name b; }";
        assert_eq!(way(&format!("{unnamed} {other}")).unwrap().1, None);
        assert!(way(&format!("{other} {unnamed}")).is_err());
        let marked = unnamed.replace("80", "80 default_server");
        assert_eq!(way(&format!("{other} {marked}")).unwrap().1, None);
    }

    #[test]
    fn the_path_is_one_that_is_passed_on() {
        let path = |location: &str, target: &str| way(&passing("", location, target)).unwrap().2;
        let both = |asked: &str, seen: &str| (asked.to_owned(), seen.to_owned());
        assert_eq!(path("/", "http://api"), both("/health", "/health"));
        assert_eq!(path("/api/", "http://api"), both("/api/", "/api/"));
        assert_eq!(path("/api/", "http://api/"), both("/api/health", "/health"));
        assert_eq!(path("^~ /api", "http://api/v2/"), both("/api", "/v2/"));
        assert_eq!(path("/", "http://api$request_uri"), both("/health", "/health"));
        assert_eq!(path("= /x", "http://api"), both("/x", "/x"));
        assert_eq!(path("~ ^/a", "http://api"), both("/health", "/health"));
        let nested = "server { location /a/ { location /a/b/ { if ($x) { proxy_pass http://api; } } } }";
        assert_eq!(way(nested).unwrap().2, both("/a/b/", "/a/b/"));
        assert!(way("server { location /i { internal; proxy_pass http://api; } }").is_err());
    }
}
