//! The static configuration of a Traefik, as far as bgd depends on it.
//!
//! Traefik takes it from one source only: its file when there is one, else the command line, else the environment
//! (documentation, "Configuration Introduction"). What its API tells counts more, because that is what runs.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use crate::config::parse_duration;

/// Traefik's own default for `providers.providersThrottleDuration`.
const THROTTLE: Duration = Duration::from_secs(2);

/// Options by their dotted path in lower case, such as `entrypoints.web.address`.
pub type Options = BTreeMap<String, String>;

/// What is known of a Traefik's static configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Its version, when the API told.
    pub version: Option<String>,
    /// Its entry points, all of TCP.
    pub entrypoints: Vec<EntryPoint>,
    /// The file provider.
    pub file: Option<FileProvider>,
    /// Whether the Docker provider is on.
    pub has_docker: bool,
    /// How long changes are held back after one.
    pub throttle: Duration,
    /// Where the API answers, and its base path.
    pub api: Option<(SocketAddr, String)>,
    /// The syntax of rules that routers use by default, `v2` or `v3`.
    pub rule_syntax: Option<String>,
    /// What was found in its one source; the labels mode looks up its own here.
    pub options: Options,
    /// Whether the source could be read; otherwise all that is known is what the API told.
    pub is_read: bool,
}

/// An entry point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPoint {
    /// Its name.
    pub name: String,
    /// Where it is reached from inside Traefik's network namespace.
    pub at: SocketAddr,
    /// Whether all of its routers take TLS unless they say otherwise.
    pub tls: bool,
    /// Whether it redirects everything to another one.
    pub redirects: bool,
    /// The middlewares that all of its routers have before their own, by their full names.
    pub middlewares: Vec<String>,
    /// Whether routers that name no entry point use it.
    pub is_default: bool,
}

/// The file provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProvider {
    /// The folder that it watches, if it is one.
    pub directory: Option<String>,
    /// The single file that it watches, if it is one.
    pub filename: Option<String>,
    /// Whether it watches at all.
    pub watch: bool,
}

/// The options of a command line. The first words that are no options are passed over.
pub fn from_arguments(arguments: &[String]) -> Options {
    let mut options = Options::new();
    let mut arguments = arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(option) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else {
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => match arguments.next_if(|next| !next.starts_with('-')) {
                Some(value) => (option, value.clone()),
                None => (option, "true".to_owned()),
            },
        };
        options.insert(name.to_ascii_lowercase(), value);
    }
    options
}

/// The options of an environment: `TRAEFIK_PROVIDERS_FILE_DIRECTORY` is `providers.file.directory`.
pub fn from_environment<'a>(environment: impl Iterator<Item = (&'a str, &'a str)>) -> Options {
    environment
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("TRAEFIK_")?;
            Some((name.to_ascii_lowercase().replace('_', "."), value.to_owned()))
        })
        .collect()
}

/// The options of a configuration file; `None` when it is no YAML.
pub fn from_yaml(text: &str) -> Option<Options> {
    let pairs = crate::config::flatten(text)?;
    Some(pairs.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect())
}

/// The options of a file in TOML; `None` when it is none.
pub fn from_toml(text: &str) -> Option<Options> {
    let value: Value = toml::from_str(text).ok()?;
    // JSON is YAML.
    from_yaml(&value.to_string())
}

impl Settings {
    /// Reads the options of the one source; `None` when it could not be read.
    pub fn new(options: Option<Options>) -> Self {
        let is_read = options.is_some();
        let options = options.unwrap_or_default();
        let is_on = |key: &str, default: bool| match options.get(key).map(String::as_str) {
            Some(value) => value.eq_ignore_ascii_case("true") || value == "1",
            None => default,
        };
        let file = options.keys().any(|key| has(key, "providers.file")).then(|| FileProvider {
            directory: options.get("providers.file.directory").cloned(),
            filename: options.get("providers.file.filename").cloned(),
            watch: is_on("providers.file.watch", true),
        });
        let docker = options.keys().any(|key| has(key, "providers.docker"));
        let mut entrypoints = entrypoints(&options);
        if entrypoints.iter().all(|point| point.name == "traefik") && is_read {
            // What Traefik itself makes when it is told of none.
            entrypoints.push(plain("http", 80));
        }
        Self {
            version: None,
            entrypoints,
            file,
            has_docker: docker && is_on("providers.docker", true),
            throttle: options
                .get("providers.providersthrottleduration")
                .map_or(THROTTLE, |text| duration(text)),
            api: None,
            rule_syntax: options.get("core.defaultrulesyntax").cloned(),
            is_read,
            options,
        }
    }

    /// Where the API would answer if it is open without more ado.
    pub fn api_candidate(&self) -> (SocketAddr, String) {
        let at = self.entrypoints.iter().find(|point| point.name == "traefik");
        let at = at.map_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), |point| point.at);
        let base = self.options.get("api.basepath").map(|base| base.trim_end_matches('/').to_owned());
        (at, base.unwrap_or_default())
    }

    /// Takes over what `/api/entrypoints` told.
    pub fn learn_entrypoints(&mut self, told: &Value) {
        let told: Vec<EntryPoint> = told.as_array().into_iter().flatten().filter_map(told_point).collect();
        if !told.is_empty() {
            self.entrypoints = told;
        }
    }

    /// An entry point by its name.
    pub fn entrypoint(&self, name: &str) -> Option<&EntryPoint> {
        self.entrypoints.iter().find(|point| point.name.eq_ignore_ascii_case(name))
    }

    /// Those that routers use which name none: the ones marked as default, else all but the API's own.
    pub fn default_entrypoints(&self) -> Vec<&EntryPoint> {
        let marked: Vec<_> = self.entrypoints.iter().filter(|point| point.is_default).collect();
        if marked.is_empty() {
            self.entrypoints.iter().filter(|point| point.name != "traefik").collect()
        } else {
            marked
        }
    }
}

/// Whether a dotted path is this one or lies below it.
fn has(key: &str, path: &str) -> bool {
    key.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn plain(name: &str, port: u16) -> EntryPoint {
    EntryPoint {
        name: name.to_owned(),
        at: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: false,
        redirects: false,
        middlewares: Vec::new(),
        is_default: false,
    }
}

fn entrypoints(options: &Options) -> Vec<EntryPoint> {
    let mut names: Vec<&str> =
        options.keys().filter_map(|key| key.strip_prefix("entrypoints.")?.split('.').next()).collect();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let path = format!("entrypoints.{name}");
            let set = |inner: &str| {
                let path = format!("{path}.{inner}");
                options.iter().any(|(key, value)| has(key, &path) && value != "false")
            };
            Some(EntryPoint {
                name: name.to_owned(),
                at: address(options.get(&format!("{path}.address"))?)?,
                tls: set("http.tls"),
                redirects: set("http.redirections.entrypoint"),
                middlewares: listed(options, &format!("{path}.http.middlewares")),
                is_default: set("asdefault"),
            })
        })
        .collect()
}

/// A list: `KEY=a,b` as flags and variables have it, `KEY[0]=a` as files have it.
fn listed(options: &Options, key: &str) -> Vec<String> {
    let values = options.iter().filter(|(found, _)| has(found, key)).map(|(_, value)| value);
    values
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn told_point(told: &Value) -> Option<EntryPoint> {
    let http = &told["http"];
    Some(EntryPoint {
        name: told["name"].as_str()?.to_owned(),
        at: address(told["address"].as_str()?)?,
        tls: !http["tls"].is_null(),
        redirects: !http["redirections"]["entryPoint"].is_null(),
        middlewares: (http["middlewares"].as_array().into_iter().flatten())
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        is_default: told["asDefault"].as_bool().unwrap_or_default(),
    })
}

/// Where an address like `:80`, `0.0.0.0:443/tcp` or `[::]:80` is reached from inside; `None` for UDP.
fn address(text: &str) -> Option<SocketAddr> {
    let text = match text.rsplit_once('/') {
        Some((_, protocol)) if protocol.eq_ignore_ascii_case("udp") => return None,
        Some((address, _)) => address,
        None => text,
    };
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.parse::<IpAddr>().ok().filter(|host| !host.is_unspecified());
    Some(SocketAddr::new(host.unwrap_or(Ipv4Addr::LOCALHOST.into()), port))
}

/// A duration as Go writes it, or a plain number of seconds.
fn duration(text: &str) -> Duration {
    match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => parse_duration(text).unwrap_or(THROTTLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_says_what_yaml_says() {
        let toml = "[entryPoints]\n  [entryPoints.web]\n    address = \":80\"\n    [entryPoints.web.http]\n      middlewares = [\"lan@file\", \"auth@file\"]\n\
                    [entryPoints.websecure]\naddress = \":443\"\n[entryPoints.websecure.http.tls]\n[entryPoints.bgd]\naddress = \"127.0.0.1:24710\"\n\
                    [providers]\nprovidersThrottleDuration = \"100ms\"\n[providers.file]\ndirectory = \"/dyn\"\nwatch = false\n[api]\ninsecure = true\n";
        let yaml = "entryPoints:\n  web:\n    address: \":80\"\n    http:\n      middlewares: [lan@file, auth@file]\n  websecure:\n    address: \":443\"\n    \
                    http:\n      tls: {}\n  bgd:\n    address: 127.0.0.1:24710\nproviders:\n  providersThrottleDuration: 100ms\n  file:\n    directory: /dyn\n    \
                    watch: false\napi:\n  insecure: true\n";
        assert_eq!(from_toml(toml), from_yaml(yaml));
        let settings = Settings::new(from_toml(toml));
        assert_eq!(settings.entrypoint("web").unwrap().middlewares, ["lan@file", "auth@file"]);
        assert!(settings.entrypoint("websecure").unwrap().tls && settings.entrypoint("bgd").is_some());
        assert_eq!(from_toml("[a"), None);
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_is_read() {
        let arguments = words(
            "/traefik --entryPoints.web.address=:80 --entrypoints.web.http.redirections.entrypoint.to=websecure \
             --entrypoints.websecure.address :443 --entrypoints.websecure.http.tls \
             --entrypoints.dns.address=:53/udp --providers.file.directory=/dyn --providers.docker \
             --providers.providersThrottleDuration=100ms --api.insecure",
        );
        let settings = Settings::new(Some(from_arguments(&arguments)));
        let web = settings.entrypoint("web").unwrap();
        assert_eq!((web.at.to_string().as_str(), web.tls, web.redirects), ("127.0.0.1:80", false, true));
        let secure = settings.entrypoint("webSecure").unwrap();
        assert_eq!((secure.at.port(), secure.tls, secure.redirects), (443, true, false));
        assert_eq!(settings.entrypoints.len(), 2);
        let file = settings.file.as_ref().unwrap();
        assert_eq!((file.directory.as_deref(), file.watch), (Some("/dyn"), true));
        assert!(settings.has_docker);
        assert_eq!(settings.throttle, Duration::from_millis(100));
        assert_eq!(settings.api_candidate().0.port(), 8080);
    }

    #[test]
    fn the_file_and_the_environment_say_the_same_in_their_own_way() {
        let file = "entryPoints:\n  web:\n    address: \":8000\"\n    asDefault: true\n  websecure:\n    address: :443\n    \
                    http:\n      tls: {}\nproviders:\n  file:\n    directory: /dyn\n    watch: false\n";
        let settings = Settings::new(from_yaml(file));
        assert_eq!(settings.default_entrypoints()[0].at.port(), 8000);
        assert!(settings.entrypoint("websecure").unwrap().tls);
        assert!(!settings.file.unwrap().watch);
        let environment = [
            ("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", "0.0.0.0:81"),
            ("PATH", "/"),
            ("TRAEFIK_PROVIDERS_DOCKER", "false"),
        ];
        let settings = Settings::new(Some(from_environment(environment.into_iter())));
        assert_eq!(settings.entrypoint("web").unwrap().at.to_string(), "127.0.0.1:81");
        assert!(!settings.has_docker && settings.file.is_none());
    }

    #[test]
    fn without_entry_points_traefik_makes_one() {
        assert_eq!(Settings::new(Some(Options::new())).default_entrypoints()[0].at.port(), 80);
        assert_eq!(Settings::new(None).default_entrypoints().len(), 0);
    }

    #[test]
    fn what_the_api_tells_counts() {
        let mut settings = Settings::new(None);
        settings.learn_entrypoints(&serde_json::json!([
            {"name": "web", "address": ":80", "http": {"redirections": {"entryPoint": {"to": "websecure"}}}},
            {"name": "websecure", "address": ":443", "asDefault": true, "http": {"tls": {}}},
            {"name": "udp", "address": ":53/udp"}
        ]));
        assert_eq!(settings.entrypoints.len(), 2);
        assert!(settings.entrypoint("web").unwrap().redirects);
        assert_eq!(settings.default_entrypoints()[0].name, "websecure");
    }

    #[test]
    fn an_address_of_its_own_is_asked_there() {
        assert_eq!(address("172.18.0.2:80").unwrap().to_string(), "172.18.0.2:80");
        assert_eq!(address("[::]:80/tcp").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(address("web:x"), None);
        assert_eq!(duration("5"), Duration::from_secs(5));
    }
}
