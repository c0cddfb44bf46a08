use super::{Directive, Tree};
use crate::proxy::{Manner, is_plain};

impl Tree<'_> {
    /// How requests look to the app that come by a server block of the user's, outside of one file: `None` when no block
    /// refers to the upstream. A block with a name comes before others.
    pub fn manner_of(&self, upstream: &str, outside: &str) -> Option<Manner> {
        let mut manners =
            self.reference_nodes(upstream, outside).into_iter().map(|pass| self.manner(pass, upstream));
        let first = manners.next()?;
        if first.host.is_some() {
            return Some(first);
        }
        manners.find(|manner| manner.host.is_some()).or(Some(first))
    }

    fn manner(&self, pass: usize, upstream: &str) -> Manner {
        let server = self.ancestors(pass).find(|&i| self.nodes[i].directive.name == "server");
        let inside = |block: usize| {
            self.nodes.iter().filter(move |node| node.parent == Some(block)).map(|node| node.directive)
        };
        let of_server = |name: &'static str| {
            server.into_iter().flat_map(inside).filter(move |directive| directive.name == name)
        };
        // nginx takes these from the innermost block that has any (ngx_http_proxy_module, proxy_set_header).
        let headers: Vec<&Directive> = self
            .ancestors(pass)
            .map(|block| {
                inside(block).filter(|directive| directive.name == "proxy_set_header").collect::<Vec<_>>()
            })
            .find(|headers| !headers.is_empty())
            .unwrap_or_default();
        let header = |name: &str| {
            let named = headers
                .iter()
                .rfind(|directive| directive.args.first().is_some_and(|arg| arg.eq_ignore_ascii_case(name)));
            named.and_then(|directive| directive.args.get(1)).map(String::as_str)
        };
        let name = || {
            of_server("server_name")
                .flat_map(|directive| &directive.args)
                .find(|name| is_plain(name))
                .map(|name| name.to_lowercase())
        };
        let is_tls = of_server("listen").any(|listen| listen.args.iter().any(|arg| arg == "ssl"))
            || of_server("ssl").any(|directive| directive.args.first().is_some_and(|arg| arg == "on"));
        Manner {
            host: match header("Host") {
                None | Some("$proxy_host") => Some(upstream.to_owned()),
                Some(text) if is_plain(text) => Some(text.to_lowercase()),
                Some(_) => name(),
            },
            proto: match header("X-Forwarded-Proto") {
                Some("$scheme") => Some(if is_tls { "https" } else { "http" }.to_owned()),
                Some(text) if !text.is_empty() && !text.contains('$') => Some(text.to_owned()),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::files::Files;
    use super::super::super::parse::parse;
    use super::*;

    fn manner(http: &str) -> Option<(Option<String>, Option<String>)> {
        let main = "/etc/nginx/nginx.conf".to_owned();
        let included = "/etc/nginx/names.conf".to_owned();
        let parsed = BTreeMap::from([
            (main.clone(), parse(&format!("http {{\n{http}\n}}"))),
            (included.clone(), parse("listen 443 ssl; server_name Included.example.com;")),
        ]);
        let includes = BTreeMap::from([("names.conf".to_owned(), vec![included])]);
        let files = Files { main, parsed, includes };
        Tree::new(&files).manner_of("api", "/own.conf").map(|manner| (manner.host, manner.proto))
    }

    fn both(host: Option<&str>, proto: Option<&str>) -> Option<(Option<String>, Option<String>)> {
        Some((host.map(str::to_owned), proto.map(str::to_owned)))
    }

    fn by(server: &str, location: &str) -> Option<(Option<String>, Option<String>)> {
        manner(&format!("server {{ {server} location / {{ {location} proxy_pass http://api; }} }}"))
    }

    #[test]
    fn the_app_sees_what_the_block_sends() {
        let host = "proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme;";
        assert_eq!(
            by("listen 80; server_name Shop.example.com;", host),
            both(Some("shop.example.com"), Some("http"))
        );
        assert_eq!(by("listen 443 ssl; server_name a b;", host), both(Some("a"), Some("https")));
        assert_eq!(by("include names.conf;", host), both(Some("included.example.com"), Some("https")));
        assert_eq!(by("server_name a;", ""), both(Some("api"), None), "nginx sends the name of the upstream");
        assert_eq!(by("server_name a;", "proxy_set_header Host fixed;"), both(Some("fixed"), None));
        assert_eq!(by(&format!("server_name a; {host}"), ""), both(Some("a"), Some("http")));
        assert_eq!(
            by(&format!("server_name a; {host}"), "proxy_set_header X-Other 1;"),
            both(Some("api"), None)
        );
        let passed_on =
            "proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;";
        assert_eq!(by("server_name a;", passed_on), both(Some("a"), None));
        assert_eq!(by("server_name _ *.example.com ~^x;", passed_on), both(None, None));
        assert_eq!(manner("server { location / { proxy_pass http://other; } }"), None);
    }

    #[test]
    fn a_block_with_a_name_comes_first() {
        let of = |name: &str| {
            format!(
                "server {{ server_name {name}; location / {{ proxy_set_header Host $host; proxy_pass http://api; }} }}"
            )
        };
        assert_eq!(manner(&(of("_") + &of("b"))), both(Some("b"), None));
    }
}
