use std::fmt;

use super::files::{Files, absolute};
use super::glob;
use super::parse::Directive;

mod manner;
mod way;

pub use way::Way;

/// Where a directive stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's path.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A directive with its place and the blocks around it.
#[derive(Debug)]
struct Node<'a> {
    directive: &'a Directive,
    file: &'a str,
    parent: Option<usize>,
}

/// A whole configuration, with every include put where it stands.
#[derive(Debug)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    /// What is included at http level, as absolute patterns.
    http_includes: Vec<String>,
    files: &'a Files,
}

/// Includes nest no deeper than this; nginx itself has no limit, a file that includes itself never ends.
const DEEPEST_INCLUDE: usize = 32;

impl<'a> Tree<'a> {
    /// Puts the files together.
    pub fn new(files: &'a Files) -> Self {
        let mut tree = Self { nodes: Vec::new(), http_includes: Vec::new(), files };
        tree.add_file(&files.main, None, 0);
        tree
    }

    fn add_file(&mut self, path: &'a str, parent: Option<usize>, depth: usize) {
        let files = self.files;
        if let Some((path, directives)) = files.parsed.get_key_value(path) {
            self.add(directives, path, parent, depth);
        }
    }

    fn add(&mut self, directives: &'a [Directive], file: &'a str, parent: Option<usize>, depth: usize) {
        let files = self.files;
        for directive in directives {
            if directive.name == "include" && depth < DEEPEST_INCLUDE {
                let included = directive.args.first().and_then(|pattern| files.includes.get(pattern));
                for path in included.into_iter().flatten() {
                    self.add_file(path, parent, depth + 1);
                }
                if let (Some(pattern), true) = (directive.args.first(), self.is_http(parent)) {
                    self.http_includes.push(absolute(&files.main, pattern));
                }
                continue;
            }
            let index = self.nodes.len();
            self.nodes.push(Node { directive, file, parent });
            self.add(&directive.block, file, Some(index), depth);
        }
    }

    fn is_http(&self, index: Option<usize>) -> bool {
        index.is_some_and(|i| self.nodes[i].directive.name == "http" && self.nodes[i].parent.is_none())
    }

    fn place(&self, index: usize) -> Place {
        let node = &self.nodes[index];
        Place { file: node.file.to_owned(), line: node.directive.line }
    }

    fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.nodes[index].parent, |&i| self.nodes[i].parent)
    }

    /// Whether there is an `http` block at all.
    pub fn has_http(&self) -> bool {
        self.nodes.iter().any(|node| node.parent.is_none() && node.directive.name == "http")
    }

    /// Whether nginx reads a file of this path at http level, or would if it were there.
    pub fn includes_at_http(&self, path: &str) -> bool {
        self.http_includes.iter().any(|pattern| glob::path_matches(pattern, path))
    }

    /// A server block outside of one file that answers for this host on this port.
    pub fn server_for(&self, host: &str, port: u16, outside: &str) -> Option<Place> {
        (0..self.nodes.len())
            .find(|&i| {
                let node = &self.nodes[i];
                let block = &node.directive.block;
                node.directive.name == "server"
                    && node.file != outside
                    && self.is_http(node.parent)
                    && listens_on_port(block, port)
                    && block.iter().any(|d| d.name == "server_name" && d.args.iter().any(|name| name == host))
            })
            .map(|i| self.place(i))
    }

    /// Where an `upstream` of this name is defined.
    pub fn upstreams(&self, name: &str) -> Vec<Place> {
        let found = |i: &usize| {
            let node = &self.nodes[*i];
            node.directive.name == "upstream"
                && self.is_http(node.parent)
                && node.directive.args.first().is_some_and(|arg| arg == name)
        };
        (0..self.nodes.len()).filter(found).map(|i| self.place(i)).collect()
    }

    /// Where requests are passed to this upstream, outside of one file.
    pub fn references(&self, upstream: &str, outside: &str) -> Vec<Place> {
        self.reference_nodes(upstream, outside).into_iter().map(|i| self.place(i)).collect()
    }

    fn reference_nodes(&self, upstream: &str, outside: &str) -> Vec<usize> {
        let passes = |i: &usize| {
            let node = &self.nodes[*i];
            let target = node.directive.args.first().map(String::as_str).unwrap_or_default();
            let host = target.split_once("://").map_or(target, |(_, host)| host);
            node.file != outside
                && node.directive.name.ends_with("_pass")
                && host.split(['/', '$']).next().is_some_and(|host| host.eq_ignore_ascii_case(upstream))
        };
        (0..self.nodes.len()).filter(passes).collect()
    }

    /// Whether some server passes requests to where a variable says, outside of files that are bgd's.
    pub fn passes_to_a_variable(&self, is_ours: impl Fn(&str) -> bool) -> bool {
        self.nodes.iter().any(|node| {
            let target = node.directive.args.first().map(String::as_str).unwrap_or_default();
            let host = target.split_once("://").map_or(target, |(_, host)| host);
            node.directive.name.ends_with("_pass") && host.starts_with('$') && !is_ours(node.file)
        })
    }

    /// Whether a server block outside of one file answers for this host on this port and passes requests to this upstream.
    /// A block whose names are patterns, or that has none, may do so.
    pub fn passes(&self, host: &str, port: u16, upstream: &str, outside: &str) -> bool {
        self.reference_nodes(upstream, outside).into_iter().any(|i| {
            let Some(server) = self.ancestors(i).find(|&i| self.nodes[i].directive.name == "server") else {
                return false;
            };
            let block = &self.nodes[server].directive.block;
            let mut names = block.iter().filter(|d| d.name == "server_name").flat_map(|d| &d.args).peekable();
            let may_be = |name: &str| {
                name.eq_ignore_ascii_case(host)
                    || matches!(name, "_" | "")
                    || name.starts_with(['*', '.', '~', '$'])
                    || name.ends_with('*')
            };
            listens_on_port(block, port) && (names.peek().is_none() || names.any(|name| may_be(name)))
        })
    }

    /// Where a directive is set at http level, outside of one file.
    pub fn at_http(&self, name: &str, outside: &str) -> Option<Place> {
        (0..self.nodes.len())
            .find(|&i| {
                let node = &self.nodes[i];
                node.file != outside && node.directive.name == name && self.is_http(node.parent)
            })
            .map(|i| self.place(i))
    }

    /// Where a server block outside of bgd's files listens on this port.
    pub fn listens_on(&self, port: u16, is_ours: impl Fn(&str) -> bool) -> Option<Place> {
        let suffix = format!(":{port}");
        (0..self.nodes.len())
            .find(|&i| {
                let node = &self.nodes[i];
                let address = node.directive.args.first().map(String::as_str).unwrap_or_default();
                node.directive.name == "listen"
                    && !is_ours(node.file)
                    && (address == &suffix[1..] || address.ends_with(&suffix))
            })
            .map(|i| self.place(i))
    }
}

/// Whether a server block listens on this port.
fn listens_on_port(block: &[Directive], port: u16) -> bool {
    let suffix = format!(":{port}");
    let mut listens = block.iter().filter(|d| d.name == "listen").peekable();
    if listens.peek().is_none() {
        // Without `listen` it is port 80.
        return port == 80;
    }
    listens.any(|d| {
        let address = d.args.first().map(String::as_str).unwrap_or_default();
        let names_port = address.rsplit(':').next().is_some_and(|p| p.parse::<u16>().is_ok());
        address == &suffix[1..] || address.ends_with(&suffix) || (port == 80 && !names_port)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::parse::parse;
    use super::*;

    fn files() -> Files {
        let texts = [
            ("/etc/nginx/nginx.conf", "events {}\nhttp {\n include conf.d/*.conf;\n}\n"),
            (
                "/etc/nginx/conf.d/a.conf",
                "upstream api { server x; }\nserver {\n listen 80;\n server_name _ a.example.com;\n \
                 location / {\n  proxy_pass http://api;\n }\n}\nkeepalive_min_timeout 5s;",
            ),
            ("/etc/nginx/conf.d/loop.conf", "include conf.d/loop.conf;"),
        ];
        let parsed = texts.iter().map(|(path, text)| ((*path).to_owned(), parse(text))).collect();
        let names = |names: &[&str]| names.iter().map(|n| format!("/etc/nginx/conf.d/{n}")).collect();
        let includes = BTreeMap::from([
            ("conf.d/*.conf".to_owned(), names(&["a.conf", "loop.conf"])),
            ("conf.d/loop.conf".to_owned(), names(&["loop.conf"])),
        ]);
        Files { main: "/etc/nginx/nginx.conf".to_owned(), parsed, includes }
    }

    #[test]
    fn the_tree_knows_definitions_references_and_levels() {
        let files = files();
        let tree = Tree::new(&files);
        assert_eq!(tree.upstreams("api")[0].to_string(), "/etc/nginx/conf.d/a.conf:1");
        assert_eq!(tree.references("api", "")[0].line, 6);
        assert_eq!(tree.references("ap", ""), []);
        assert_eq!(tree.references("api", "/etc/nginx/conf.d/a.conf"), []);
        assert!(tree.includes_at_http("/etc/nginx/conf.d/a.conf"));
        assert!(tree.includes_at_http("/etc/nginx/conf.d/not-there-yet.conf"));
        assert!(!tree.includes_at_http("/etc/nginx/conf.d/deeper/a.conf"));
        assert!(!tree.includes_at_http("/etc/nginx/nginx.conf"));
        assert_eq!(tree.at_http("keepalive_min_timeout", "").map(|p| p.line), Some(9));
        assert_eq!(tree.at_http("listen", ""), None);
        assert_eq!(tree.listens_on(80, |_| false).map(|p| p.line), Some(3));
        assert_eq!(tree.listens_on(80, |_| true), None);
        assert_eq!(tree.server_for("a.example.com", 80, "").map(|p| p.line), Some(2));
        assert_eq!(tree.server_for("a.example.com", 443, ""), None);
    }
}
