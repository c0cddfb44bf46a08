use std::net::IpAddr;

use super::context::Context;
use super::fields::Fields;
use super::node::{Node, Value};
use super::words::split_words;
use super::{environment, mounts, networks, pairs, resources};
use crate::model::{ContainerSpec, Device, LogDriver, NetworkName, Restart};

/// Reads the settings of the container, under compose's names and in compose's syntaxes.
pub(super) fn read(
    cx: &mut Context<'_>,
    fields: &mut Fields<'_>,
    main: Option<&NetworkName>,
) -> ContainerSpec {
    let mut spec = ContainerSpec {
        env: environment::read(cx, fields),
        mounts: mounts::read(cx, fields),
        networks: networks::read(cx, fields, main),
        ..ContainerSpec::default()
    };
    resources::read(cx, fields, &mut spec);
    process(cx, fields, &mut spec);
    surroundings(cx, fields, &mut spec);
    privileges(cx, fields, &mut spec);
    spec
}

/// What runs, as whom, and how it ends.
fn process(cx: &mut Context<'_>, fields: &mut Fields<'_>, spec: &mut ContainerSpec) {
    spec.entrypoint = fields.take(cx, "entrypoint").and_then(|node| command(cx, node));
    spec.command = fields.take(cx, "command").and_then(|node| command(cx, node));
    spec.user = fields.take(cx, "user").and_then(|node| {
        let fine =
            |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        cx.checked(node, "a user", "USER, UID, USER:GROUP or UID:GID", fine).map(str::to_owned)
    });
    spec.working_dir = fields.take(cx, "working_dir").and_then(|node| {
        let fine = |text: &str| text.starts_with('/') && !text.contains(char::is_control);
        cx.checked(node, "a working directory", "an absolute path", fine).map(str::to_owned)
    });
    if let Some(node) = fields.take(cx, "restart") {
        let expected = "no, always, unless-stopped, on-failure or on-failure:5";
        spec.restart = cx.parsed(node, "a restart policy", expected, restart).unwrap_or_default();
    }
    spec.init = fields.take(cx, "init").and_then(|node| cx.boolean(node));
    spec.tty = fields.take(cx, "tty").and_then(|node| cx.boolean(node)).unwrap_or(false);
    spec.stdin_open = fields.take(cx, "stdin_open").and_then(|node| cx.boolean(node)).unwrap_or(false);
    spec.stop_signal = fields.take(cx, "stop_signal").and_then(|node| {
        cx.checked(node, "a signal", "a name or number, as in SIGTERM or 15", is_signal).map(str::to_owned)
    });
    spec.stop_grace = fields.take(cx, "stop_grace_period").and_then(|node| cx.duration(node));
}

/// Names, logs, devices and other things that the process sees around it.
fn surroundings(cx: &mut Context<'_>, fields: &mut Fields<'_>, spec: &mut ContainerSpec) {
    // Images come in the platform of the host, so there is nothing to set.
    if let Some(node) = fields.take(cx, "platform") {
        let expected = format!("{}, the platform of this host", super::host::platform());
        cx.checked(node, "a platform that runs here", &expected, super::host::is_platform);
    }
    spec.hostname = fields.take(cx, "hostname").and_then(|node| {
        let expected = "letters, digits, '-', '_' and '.'";
        cx.checked(node, "a host name", expected, super::host::is_host_name).map(str::to_owned)
    });
    spec.log = fields.take(cx, "logging").and_then(|node| logging(cx, node));
    for pair in fields.take(cx, "labels").map(|node| pairs::read(cx, node, false)).unwrap_or_default() {
        if pair.key.is_empty() {
            cx.problems.add(pair.span, "a label has no name");
        } else if pair.key.starts_with("bgd.") {
            cx.problems
                .add(
                    pair.span,
                    "labels that begin with \"bgd.\" are refused: bgd knows its containers by them",
                )
                .hint("use a prefix of your own, such as the domain of your company");
        } else {
            spec.labels.insert(pair.key, pair.value.unwrap_or_default().to_owned());
        }
    }
    spec.extra_hosts = fields.take(cx, "extra_hosts").map(|node| extra_hosts(cx, node)).unwrap_or_default();
    spec.dns = texts(cx, fields, "dns", "an address", "the IP address of a name server", |text| {
        text.parse::<IpAddr>().is_ok()
    });
    for item in fields
        .take(cx, "devices")
        .and_then(|node| cx.list(node, "a list of devices", "a list"))
        .unwrap_or_default()
    {
        let expected = "/dev/NAME, /dev/NAME:/dev/NAME or /dev/NAME:/dev/NAME:rwm";
        spec.devices.extend(cx.parsed(item, "a device", expected, device));
    }
}

/// What the process may do.
fn privileges(cx: &mut Context<'_>, fields: &mut Fields<'_>, spec: &mut ContainerSpec) {
    spec.read_only = fields.take(cx, "read_only").and_then(|node| cx.boolean(node)).unwrap_or(false);
    spec.privileged = fields.take(cx, "privileged").and_then(|node| cx.boolean(node)).unwrap_or(false);
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let capability = "the name of a capability, as in NET_ADMIN or ALL";
    spec.cap_add = texts(cx, fields, "cap_add", "a capability", capability, word);
    spec.cap_drop = texts(cx, fields, "cap_drop", "a capability", capability, word);
    spec.group_add = texts(cx, fields, "group_add", "a group", "the name or number of a group", word);
    let option = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    spec.security_opt =
        texts(cx, fields, "security_opt", "a security option", "as in no-new-privileges:true", option);
    for pair in fields.take(cx, "sysctls").map(|node| pairs::read(cx, node, false)).unwrap_or_default() {
        match pair.value {
            Some(value) if word(&pair.key.replace('.', "_")) => {
                spec.sysctls.insert(pair.key, value.to_owned());
            }
            _ => {
                cx.problems
                    .add(pair.span, "not a kernel setting with a value")
                    .expected("as in net.core.somaxconn: 1024");
            }
        }
    }
}

/// A list of checked texts, or one.
fn texts(
    cx: &mut Context<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
    noun: &str,
    expected: &str,
    accepts: impl Fn(&str) -> bool,
) -> Vec<String> {
    let Some(node) = fields.take(cx, key) else { return Vec::new() };
    let items = cx.one_or_list(node, noun, expected).unwrap_or_default();
    let texts = items.iter().filter_map(|item| cx.checked(item, noun, expected, &accepts).map(str::to_owned));
    texts.collect()
}

/// A list of arguments, or a line that is split into them.
pub(super) fn command(cx: &mut Context<'_>, node: &Node) -> Option<Vec<String>> {
    let expected = "a list of arguments, or one line";
    match &node.value {
        Value::Scalar(scalar) => match split_words(&scalar.text) {
            Ok(words) => Some(words),
            Err(why) => {
                cx.reject(node, "a command", expected).hint(why.to_string());
                None
            }
        },
        _ => {
            let items = cx.list(node, "a command", expected)?;
            let words = items.iter().filter_map(|item| cx.text(item, "an argument").map(str::to_owned));
            Some(words.collect())
        }
    }
}

fn restart(text: &str) -> Option<Restart> {
    Some(match text {
        "no" => Restart::No,
        "always" => Restart::Always,
        "unless-stopped" => Restart::UnlessStopped,
        "on-failure" => Restart::OnFailure(0),
        text => {
            let times = text.strip_prefix("on-failure:")?;
            Restart::OnFailure(times.parse().ok().filter(|times| (0..=i64::from(i32::MAX)).contains(times))?)
        }
    })
}

fn is_signal(text: &str) -> bool {
    const NAMES: [&str; 15] = [
        "HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "USR2", "PIPE", "ALRM", "TERM", "CONT", "STOP", "TSTP",
        "WINCH", "PWR",
    ];
    let realtime =
        |name: &str| name.strip_prefix("RTMIN+").is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n < 31));
    let name = text.strip_prefix("SIG").unwrap_or(text);
    NAMES.contains(&name) || realtime(name) || text.parse::<u8>().is_ok_and(|n| (1..=64).contains(&n))
}

/// Without a driver it is the daemon's own one, which takes the options.
fn logging(cx: &mut Context<'_>, node: &Node) -> Option<LogDriver> {
    let mut fields = Fields::open(cx, node, "logging")?;
    let driver = fields.take(cx, "driver").map(|node| {
        let fine = |text: &str| {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b':' | b'.'))
        };
        cx.checked(node, "a log driver", "as in json-file or local", fine)
    });
    let options = fields.take_secret("options").map(|node| pairs::read(cx, node, true)).unwrap_or_default();
    fields.close(cx);
    let options = options.into_iter();
    let options = options.map(|pair| (pair.key, crate::model::Secret::new(pair.value.unwrap_or_default())));
    let driver = driver.map_or(Some(""), |driver| driver)?;
    let log = LogDriver { driver: driver.to_owned(), options: options.collect() };
    (!log.driver.is_empty() || !log.options.is_empty()).then_some(log)
}

/// `name:address` or `name=address` in a list, or a mapping of names to one address or several.
fn extra_hosts(cx: &mut Context<'_>, node: &Node) -> Vec<String> {
    let expected = "\"NAME:ADDRESS\" in a list, or \"NAME: ADDRESS\"; the address may be host-gateway";
    let mut hosts = Vec::new();
    let mut add = |cx: &mut Context<'_>, node: &Node, name: &str, address: &str| {
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        if super::host::is_host_name(name) && (bare == "host-gateway" || bare.parse::<IpAddr>().is_ok()) {
            hosts.push(format!("{name}:{bare}"));
        } else {
            cx.reject(node, "a host name with its address", expected);
        }
    };
    match &node.value {
        Value::Map(entries) => {
            for (key, node) in entries {
                cx.problems.public(node);
                for item in cx.one_or_list(node, "an address", expected).unwrap_or_default() {
                    if let Some(address) = cx.text(item, "an address") {
                        add(cx, item, &key.text, address);
                    }
                }
            }
        }
        _ => {
            for item in cx.list(node, "a list of hosts", expected).unwrap_or_default() {
                let Some(text) = cx.text(item, "a host") else { continue };
                let (name, address) =
                    text.split_once('=').or_else(|| text.split_once(':')).unwrap_or((text, ""));
                add(cx, item, name, address);
            }
        }
    }
    hosts
}

fn device(text: &str) -> Option<Device> {
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container, permissions) = match parts.as_slice() {
        [host] => (*host, *host, "rwm"),
        [host, container] => (*host, *container, "rwm"),
        [host, container, permissions] => (*host, *container, *permissions),
        _ => return None,
    };
    let fine = |path: &str| path.starts_with('/') && path.len() > 1 && !path.contains(char::is_control);
    let known = !permissions.is_empty() && permissions.chars().all(|c| matches!(c, 'r' | 'w' | 'm'));
    (fine(host) && fine(container) && known).then(|| Device {
        host: host.to_owned(),
        container: container.to_owned(),
        permissions: permissions.to_owned(),
    })
}
