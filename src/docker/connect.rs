//! Finds the engine, agrees with it on a version of the API, and refuses what bgd cannot speak to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::rc::Rc;

use bollard::{BollardRequest, ClientVersion, Docker};
use serde_json::Value;

use super::daemon::Daemon;
use super::facts::Facts;
use super::json::text;
use super::wire::{self, Wire};
use super::{Address, Engine, EngineInfo, fail};
use crate::error::{Error, Kind, Result};

/// The oldest API that bgd speaks: Docker 20.10.
const OLDEST: (usize, usize) = (1, 41);
/// The newest API that bgd knows: Docker 29. Newer engines are spoken to in this one.
const NEWEST: (usize, usize) = (1, 52);
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Connects to the engine that `docker_host` names (`DOCKER_HOST`), or to the default socket.
///
/// # Errors
/// Of the kind `Docker`: an address that bgd does not speak to (`ssh://`, TLS), an engine that does not answer,
/// or one whose API is too old or too new. Each with what to do.
pub async fn connect(docker_host: Option<&str>) -> Result<Rc<dyn Engine>> {
    let tls = std::env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
    let asked = docker_host.filter(|host| !host.trim().is_empty());
    let address = address(asked, tls)?;
    let wire = Wire::new(address.clone());
    // Each takes the engine some milliseconds, and a command mostly needs both.
    let asked_for_defaults = || "cannot ask the engine for its defaults".to_owned();
    let (about, defaults) = tokio::join!(about(&wire, &address), wire.get("/info", &asked_for_defaults));
    let defaults = defaults.ok().flatten().as_ref().map(Facts::of);
    let about = match about {
        Err(error) if asked.is_none() => return Err(elsewhere(error)),
        other => other?,
    };
    let api = agree(&about)?;
    let info = EngineInfo {
        version: text(&about, "Version").to_owned(),
        api,
        os: text(&about, "Os").to_owned(),
        address,
    };
    if info.os != "linux" {
        return Err(Error::new(
            Kind::Docker,
            format!("the engine at {} runs {} containers", info.address, info.os),
        )
        .hint("bgd deploys Linux containers only"));
    }
    let client = client(&info)?;
    let wire = wire.with_version(api);
    Ok(Rc::new(Daemon {
        client,
        wire,
        info,
        facts: tokio::sync::OnceCell::new_with(defaults),
        images: RefCell::new(HashMap::new()),
    }))
}

async fn about(wire: &Wire, address: &Address) -> Result<Value> {
    let answer = async {
        let response = wire.open("/version").await?;
        let status = response.status();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.map_err(io::Error::other)?;
        Ok::<_, io::Error>((status, body.to_bytes()))
    };
    let answer = tokio::time::timeout(wire::TIMEOUT, answer)
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
    let (status, body) = answer.map_err(|error| fail::unreachable(address, &error))?;
    let stranger = || {
        Error::new(Kind::Docker, format!("what answers at {address} is not a Docker engine"))
            .hint("check DOCKER_HOST")
    };
    if !status.is_success() {
        return Err(stranger().caused_by(wire::refusal(status, &body)));
    }
    serde_json::from_slice(&body).map_err(|error| stranger().caused_by(error))
}

/// The version to speak: the newest that both know, within the engine's own bounds.
fn agree(about: &Value) -> Result<(usize, usize)> {
    let newest = version(text(about, "ApiVersion"));
    let Some(theirs) = newest else {
        return Err(Error::new(Kind::Docker, "the engine does not tell its API version")
            .hint("check DOCKER_HOST: is it a Docker engine?"));
    };
    let engine = format!("Docker {}", text(about, "Version"));
    if theirs < OLDEST {
        return Err(Error::new(
            Kind::Docker,
            format!("{engine} speaks API {}, and bgd needs {} or newer", dotted(theirs), dotted(OLDEST)),
        )
        .hint("upgrade the engine to Docker 20.10 or newer"));
    }
    if let Some(least) = version(text(about, "MinAPIVersion")).filter(|least| *least > NEWEST) {
        return Err(Error::new(
            Kind::Docker,
            format!(
                "{engine} speaks API {} or newer, and bgd knows {} at most",
                dotted(least),
                dotted(NEWEST)
            ),
        )
        .hint("upgrade bgd"));
    }
    Ok(theirs.min(NEWEST))
}

fn version(text: &str) -> Option<(usize, usize)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn dotted((major, minor): (usize, usize)) -> String {
    format!("{major}.{minor}")
}

fn client(info: &EngineInfo) -> Result<Docker> {
    let version = ClientVersion { major_version: info.api.0, minor_version: info.api.1 };
    let seconds = wire::TIMEOUT.as_secs();
    let client = match &info.address {
        Address::Unix(path) => Docker::connect_with_unix(path, seconds, &version),
        Address::Tcp(host) => Docker::connect_with_http(&format!("tcp://{host}"), seconds, &version),
    };
    let client =
        client.map_err(|error| fail::failed(error, format!("cannot reach Docker at {}", info.address)))?;
    let prefix = format!("/v{}", dotted(info.api));
    Ok(client.with_request_modifier(move |request| mend(request, &prefix)))
}

/// Mends two habits of bollard 0.21: it sends paths without the version that was agreed on, so that a newer engine
/// would answer in a newer API; and it encodes credentials in plain base64, where the engine reads the URL-safe
/// alphabet and, for a pull, silently goes on without the credentials that it cannot read.
fn mend(mut request: BollardRequest, prefix: &str) -> BollardRequest {
    let mut parts = request.uri().clone().into_parts();
    if let Some(path) = &parts.path_and_query
        && let Ok(pinned) = format!("{prefix}{path}").parse()
    {
        parts.path_and_query = Some(pinned);
        if let Ok(uri) = hyper::Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    if let Some(auth) = request.headers_mut().get_mut("x-registry-auth")
        && let Ok(text) = auth.to_str()
        && let Ok(mut mended) = text.replace('+', "-").replace('/', "_").parse::<hyper::header::HeaderValue>()
    {
        mended.set_sensitive(true);
        *auth = mended;
    }
    request
}

fn address(docker_host: Option<&str>, tls: bool) -> Result<Address> {
    let Some(host) = docker_host.map(str::trim) else {
        return Ok(Address::Unix(DEFAULT_SOCKET.to_owned()));
    };
    let refused = |why: &str| Error::new(Kind::Docker, format!("DOCKER_HOST is {host:?}: {why}"));
    match host.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Address::Unix(path.to_owned())),
        Some(("unix", _)) => Err(refused("the socket's path is not absolute").hint("write unix:///path/to/docker.sock")),
        Some(("tcp" | "http", _)) if tls => Err(refused("DOCKER_TLS_VERIFY is set, and bgd does not speak TLS to Docker")
            .hint("forward the engine's socket: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, then DOCKER_HOST=unix:///tmp/docker.sock")),
        Some(("tcp" | "http", rest)) => {
            let rest = rest.trim_end_matches('/');
            if rest.is_empty() || rest.contains(['/', '@', '?', '#']) {
                return Err(refused("it is not tcp://HOST:PORT").hint("write tcp://HOST:2375"));
            }
            let port_follows = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            Ok(Address::Tcp(if port_follows { rest.to_owned() } else { format!("{rest}:2375") }))
        }
        Some(("ssh", rest)) => Err(refused("bgd does not speak to Docker over SSH by itself").hint(format!(
            "run bgd on that host, or forward the socket: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock {rest}`, then DOCKER_HOST=unix:///tmp/docker.sock"
        ))),
        Some((scheme, _)) => Err(refused(&format!("bgd does not speak {scheme}://")).hint("use unix:///path or tcp://HOST:PORT")),
        None => Err(refused("it names no protocol").hint(if host.starts_with('/') {
            format!("write unix://{host}")
        } else {
            "use unix:///path or tcp://HOST:PORT".to_owned()
        })),
    }
}

/// Adds where the engine may be instead, when the default socket does not answer.
fn elsewhere(error: Error) -> Error {
    let rootless = std::env::var("XDG_RUNTIME_DIR").map(|folder| format!("{folder}/docker.sock"));
    if let Ok(socket) = rootless
        && Path::new(&socket).exists()
    {
        return error.hint(format!("a rootless engine is here: DOCKER_HOST=unix://{socket}"));
    }
    match super::auth::current_context() {
        Some(context) => error.hint(format!(
            "`docker` uses its context {context:?}, bgd does not: set DOCKER_HOST to that context's address"
        )),
        None => error.hint("set DOCKER_HOST when the engine listens elsewhere"),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_as_docker_does() {
        let cases = [
            (None, Address::Unix("/var/run/docker.sock".into())),
            (Some("unix:///run/x.sock"), Address::Unix("/run/x.sock".into())),
            (Some("tcp://10.0.0.1:2375/"), Address::Tcp("10.0.0.1:2375".into())),
            (Some("tcp://docker"), Address::Tcp("docker:2375".into())),
            (Some("tcp://[::1]:99"), Address::Tcp("[::1]:99".into())),
        ];
        for (host, expected) in cases {
            assert_eq!(address(host, false).unwrap(), expected);
        }
    }

    #[test]
    fn addresses_that_bgd_cannot_speak_to_are_refused_with_a_remedy() {
        for host in [
            "ssh://me@host",
            "npipe:////./pipe/x",
            "fd://",
            "/var/run/docker.sock",
            "unix://x",
            "tcp://",
            "x",
        ] {
            let error = address(Some(host), false).unwrap_err();
            assert_eq!(error.kind(), Kind::Docker);
            assert!(error.to_string().contains(host) && !error.hints().is_empty(), "{error}");
        }
        assert!(address(Some("tcp://h:2376"), true).unwrap_err().to_string().contains("TLS"));
        assert!(address(Some("unix:///x"), true).is_ok());
    }

    #[test]
    fn versions_are_agreed_on_or_refused_with_both_numbers() {
        let about =
            |api, least| serde_json::json!({"Version": "X", "ApiVersion": api, "MinAPIVersion": least});
        assert_eq!(agree(&about("1.41", "1.12")).unwrap(), (1, 41));
        assert_eq!(agree(&about("1.99", "1.44")).unwrap(), NEWEST);
        let old = agree(&about("1.40", "1.12")).unwrap_err().to_string();
        assert!(old.contains("1.40") && old.contains("1.41"), "{old}");
        let new = agree(&about("1.99", "1.60")).unwrap_err().to_string();
        assert!(new.contains("1.60") && new.contains("1.52"), "{new}");
        assert!(agree(&about("", "")).is_err());
    }
}
