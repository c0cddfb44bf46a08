use std::time::Duration;

use super::context::Context;
use super::fields::Fields;
use super::node::Node;
use super::{container, health, hooks, proxy, retention, smoke};
use crate::model::{App, AppName, ImageRef, NetworkName, PullPolicy, Retire, WatchRequest};

/// How long real traffic is watched after the switch, where nothing else is written.
const WATCH: Duration = Duration::from_secs(60);
/// How long requests in flight may take, where nothing else is written.
const DRAIN: Duration = Duration::from_secs(30);
/// What the name of an app is made of.
pub(crate) const APP_NAME: &str =
    "1 to 40 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'";
/// A bound that catches a slip of the finger.
const MOST_REPLICAS: u32 = 100;

/// Reads the whole configuration. `place` names the mapping in messages and is empty for a file of its own. `None` when
/// something was wrong.
pub(crate) fn read(cx: &mut Context<'_>, root: &Node, place: &'static str) -> Option<App> {
    let mut fields = Fields::open(cx, root, place)?;
    if super::foreign::is_compose_file(cx, &fields) {
        return None;
    }
    let name = fields.require(cx, "app", "the app's name, as in app: api").and_then(|node| {
        let text = node.scalar().map(|scalar| scalar.text.as_str());
        let name = text.and_then(|text| AppName::parse(text).ok());
        if name.is_none() {
            let problem = cx.reject(node, "the name of an app", APP_NAME);
            if let Some(name) = text.and_then(AppName::derived) {
                problem.hint(format!("this would be one: app: {name}"));
            }
        }
        name
    });
    let image =
        fields.require(cx, "image", "an image, as in image: myorg/api").and_then(|node| image(cx, node));
    let port = fields.require(cx, "port", "the port on which the app listens in its container");
    let port = port.and_then(|node| cx.number(node, "a port", 1, u16::MAX));
    let network = fields.require(cx, "network", "the Docker network that the proxy reaches the app on");
    let network = network.and_then(|node| {
        let name = super::networks::name(cx, node)?;
        NetworkName::parse(&name).ok()
    });
    let replicas = fields
        .take(cx, "replicas")
        .and_then(|node| cx.number(node, "a number of replicas", 1, MOST_REPLICAS));
    let policies =
        [("missing", PullPolicy::Missing), ("always", PullPolicy::Always), ("never", PullPolicy::Never)];
    let pull = fields.take(cx, "pull").and_then(|node| cx.choice(node, "a pull policy", &policies));
    let container = container::read(cx, &mut fields, network.as_ref());
    let health = health::read(cx, &mut fields);
    let smoke = smoke::read(cx, &mut fields);
    let proxy = proxy::read(cx, &mut fields);
    if let Some(span) = fields.span_of("labels") {
        proxy::check_labels(cx, proxy.as_ref(), &container.labels, span);
    }
    let (watch_window, watch) = watch(cx, &mut fields);
    let drain_timeout = single(cx, &mut fields, "drain", "timeout").unwrap_or(DRAIN);
    let keep_old = single(cx, &mut fields, "move", "keep_old");
    let fates = [("keep", Retire::Keep), ("stop", Retire::Stop), ("remove", Retire::Remove)];
    let retire = fields.take(cx, "retire");
    let retire = retire.and_then(|node| cx.choice(node, "what becomes of the old slot", &fates));
    let rename = fields.take(cx, "rename").and_then(|node| cx.boolean(node)).unwrap_or(false);
    let retention = retention::read(cx, &mut fields);
    let hooks = hooks::read(cx, &mut fields, retire.unwrap_or_default());
    super::foreign::refuse(cx, &mut fields);
    fields.close(cx);
    Some(App {
        name: name?,
        image: image?,
        port: port?,
        network: network?,
        replicas: replicas.unwrap_or(1),
        pull: pull.unwrap_or_default(),
        container,
        health: health?,
        smoke,
        proxy: proxy?,
        watch_window,
        watch,
        drain_timeout,
        keep_old,
        retire: retire.unwrap_or_default(),
        rename,
        retention,
        hooks,
        compose: None,
    })
}

fn image(cx: &mut Context<'_>, node: &Node) -> Option<ImageRef> {
    let text = cx.text(node, "an image")?;
    match ImageRef::parse(text) {
        Ok(image) if image.repository().is_empty() => {
            cx.reject(node, "the name of an image", "a repository, as in myorg/api")
                .hint("deploys find their app by the repository; give the id on the command line");
            None
        }
        Ok(image) => Some(image),
        Err(invalid) => {
            cx.reject(node, "an image", "as in myorg/api, ghcr.io/myorg/api or myorg/api:1.1")
                .hint(invalid.rule);
            None
        }
    }
}

/// How long is watched, and by what request.
fn watch(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> (Duration, WatchRequest) {
    let Some(node) = fields.take(cx, "watch") else { return (WATCH, WatchRequest::default()) };
    let Some(mut fields) = Fields::open(cx, node, "watch") else { return (WATCH, WatchRequest::default()) };
    let window = fields.take(cx, "window").and_then(|node| cx.duration(node));
    let path = fields.take(cx, "path").and_then(|node| {
        let expected = "path and query, beginning with \"/\", without spaces";
        cx.checked(node, "a path", expected, smoke::is_request_path).map(str::to_owned)
    });
    let headers = fields.take_secret("headers").map(|node| smoke::headers(cx, node)).unwrap_or_default();
    fields.close(cx);
    (window.unwrap_or(WATCH), WatchRequest { path, headers })
}

/// A mapping with one duration in it.
fn single(
    cx: &mut Context<'_>,
    fields: &mut Fields<'_>,
    place: &'static str,
    key: &'static str,
) -> Option<Duration> {
    let node = fields.take(cx, place)?;
    let mut fields = Fields::open(cx, node, place)?;
    let duration = fields.take(cx, key).and_then(|node| cx.duration(node));
    fields.close(cx);
    duration
}
