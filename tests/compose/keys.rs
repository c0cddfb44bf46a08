//! Every key of the specification: mapped, passed over, or refused by name.

use bgd::compose::{Fate, KEYS};

use crate::support::{parsed, remarked, said, with};

const FIXTURE: &str = include_str!("fixtures/service-keys.txt");

fn published() -> Vec<&'static str> {
    FIXTURE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
}

/// A value for each key that is mapped: the service has to become another one by it.
const MAPPED: &[(&str, &str)] = &[
    ("cap_add", "cap_add: [NET_ADMIN]"),
    ("cap_drop", "cap_drop: [ALL]"),
    ("command", "command: serve --fast"),
    ("configs", "configs: [app]"),
    ("cpu_shares", "cpu_shares: 512"),
    ("cpus", "cpus: 0.5"),
    ("cpuset", "cpuset: 0-1"),
    ("depends_on", "depends_on: [dep]"),
    ("depends_on.condition", "depends_on: { dep: { condition: service_healthy } }"),
    ("depends_on.required", "depends_on: { dep: { condition: service_started, required: false } }"),
    ("deploy", "deploy: { resources: { limits: { memory: 64m } } }"),
    ("deploy.replicas", "deploy: { replicas: 2 }"),
    ("deploy.resources.limits.cpus", "deploy: { resources: { limits: { cpus: '0.5' } } }"),
    ("deploy.resources.limits.memory", "deploy: { resources: { limits: { memory: 64m } } }"),
    ("deploy.resources.limits.pids", "deploy: { resources: { limits: { pids: 50 } } }"),
    ("deploy.resources.reservations.memory", "deploy: { resources: { reservations: { memory: 64m } } }"),
    ("devices", "devices: [{ source: /dev/null, target: /dev/x, permissions: r }]"),
    ("dns", "dns: 9.9.9.9"),
    ("entrypoint", "entrypoint: [/app]"),
    ("environment", "environment: { A: b }"),
    ("expose", "expose: [\"4000\"]"),
    ("extra_hosts", "extra_hosts: [\"a:10.0.0.1\"]"),
    ("group_add", "group_add: [100]"),
    ("healthcheck", "healthcheck: { test: [CMD, /app, check] }"),
    ("healthcheck.interval", "healthcheck: { test: x, interval: 7s }"),
    ("healthcheck.retries", "healthcheck: { test: x, retries: 7 }"),
    ("healthcheck.start_period", "healthcheck: { test: x, start_period: 7s }"),
    ("healthcheck.test", "healthcheck: { test: y }"),
    ("healthcheck.timeout", "healthcheck: { test: x, timeout: 7s }"),
    ("hostname", "hostname: a.example"),
    ("image", ""),
    ("init", "init: true"),
    ("labels", "labels: { a: b }"),
    ("logging", "logging: { driver: local }"),
    ("mem_limit", "mem_limit: 64m"),
    ("mem_reservation", "mem_reservation: 64m"),
    ("memswap_limit", "memswap_limit: -1"),
    ("networks", "networks: [extra]"),
    ("networks.aliases", "networks: { default: { aliases: [other] } }"),
    ("pids_limit", "pids_limit: 50"),
    ("privileged", "privileged: true"),
    ("pull_policy", "pull_policy: always"),
    ("read_only", "read_only: true"),
    ("restart", "restart: always"),
    ("scale", "scale: 2"),
    ("secrets", "secrets: [app]"),
    ("security_opt", "security_opt: [no-new-privileges]"),
    ("shm_size", "shm_size: 64m"),
    ("stdin_open", "stdin_open: true"),
    ("stop_grace_period", "stop_grace_period: 20s"),
    ("stop_signal", "stop_signal: SIGINT"),
    ("sysctls", "sysctls: { net.core.somaxconn: 1024 }"),
    ("tmpfs", "tmpfs: /run"),
    ("tty", "tty: true"),
    ("ulimits", "ulimits: { nofile: 1024 }"),
    ("user", "user: '1000'"),
    ("volumes", "volumes: [\"data:/data\"]"),
    (
        "volumes.bind.create_host_path",
        "volumes: [{ type: bind, source: /a, target: /b, bind: { create_host_path: true } }]",
    ),
    (
        "volumes.bind.propagation",
        "volumes: [{ type: bind, source: /a, target: /b, bind: { propagation: rslave } }]",
    ),
    ("volumes.bind.selinux", "volumes: [{ type: bind, source: /a, target: /b, bind: { selinux: z } }]"),
    ("volumes.read_only", "volumes: [{ type: volume, source: data, target: /b, read_only: true }]"),
    ("volumes.source", "volumes: [{ type: volume, source: data, target: /b }]"),
    ("volumes.target", "volumes: [{ type: volume, source: data, target: /b }]"),
    ("volumes.tmpfs.mode", "volumes: [{ type: tmpfs, target: /b, tmpfs: { mode: 1777 } }]"),
    ("volumes.tmpfs.size", "volumes: [{ type: tmpfs, target: /b, tmpfs: { size: 1m } }]"),
    ("volumes.type", "volumes: [{ type: volume, source: data, target: /b }]"),
    (
        "volumes.volume.nocopy",
        "volumes: [{ type: volume, source: data, target: /b, volume: { nocopy: true } }]",
    ),
    ("working_dir", "working_dir: /srv"),
];

/// Those that are not tried above: what is to be seen of them needs more than a line, or compose.
const ELSEWHERE: [&str; 5] = ["env_file", "extends", "label_file", "healthcheck.disable", "platform"];

#[test]
fn every_published_key_has_a_fate_and_no_other() {
    let published = published();
    assert!(published.len() > 140, "the list has lost its keys");
    for key in &published {
        let own = KEYS.iter().any(|(name, _)| name == key);
        let by_parts = KEYS.iter().any(|(name, _)| name.starts_with(&format!("{key}.")));
        let within_refused = KEYS
            .iter()
            .any(|(name, fate)| matches!(fate, Fate::Refused(..)) && key.starts_with(&format!("{name}.")));
        assert!(own || by_parts || within_refused, "{key} has no fate");
    }
    for (name, _) in KEYS {
        assert!(published.contains(name), "{name} is in no compose schema");
    }
}

#[test]
fn what_is_mapped_makes_another_app() {
    let plain = parsed(&with("")).unwrap();
    for (key, fate) in KEYS {
        if !matches!(fate, Fate::Mapped(_)) || ELSEWHERE.contains(key) {
            continue;
        }
        let (_, lines) =
            MAPPED.iter().find(|(name, _)| name == key).unwrap_or_else(|| panic!("{key}: no value"));
        let text = match *key {
            "image" => with("").replace("myorg/api", "myorg/web"),
            _ => with(lines),
        };
        let app = parsed(&text).unwrap_or_else(|error| panic!("{key}: {}", said(&error)));
        assert_ne!(app, plain, "{key} was dropped");
        if let Some((_, same)) = MAPPED
            .iter()
            .find(|(name, _)| key.strip_prefix("healthcheck.").is_some() && *name == "healthcheck.test")
        {
            assert_ne!(app, parsed(&with(&same.replace('y', "x"))).unwrap(), "{key} was dropped");
        }
    }
}

/// Lines in which a key stands where it belongs.
fn lines_with(key: &str) -> String {
    match key.split_once('.') {
        None => format!("{key}: [\"1\"]"),
        Some(("depends_on", part)) => {
            format!("depends_on: {{ dep: {{ condition: service_started, {part}: true }} }}")
        }
        Some(("healthcheck", part)) => format!("healthcheck: {{ test: x, {part}: 5s }}"),
        Some(("networks", part)) => format!("networks: {{ default: {{ {part}: \"1\" }} }}"),
        Some(("volumes", part)) => {
            let (kind, source) = if part.starts_with("volume") { ("volume", "data") } else { ("bind", "/a") };
            let part = match part.split_once('.') {
                Some((outer, inner)) => format!("{outer}: {{ {inner}: \"1\" }}"),
                None => format!("{part}: \"1\""),
            };
            format!("volumes: [{{ type: {kind}, source: {source}, target: /b, {part} }}]")
        }
        Some((outer, inner)) => {
            let parts: Vec<&str> = inner.split('.').collect();
            format!("{outer}: {{ {}: [\"1\"] {}", parts.join(": { "), "}".repeat(parts.len()))
        }
    }
}

#[test]
fn what_is_refused_is_refused_once_by_name_with_line_and_remedy() {
    for (key, fate) in KEYS {
        let Fate::Refused(why, remedy) = fate else { continue };
        let text = with(&lines_with(key));
        let error = parsed(&text).err().unwrap_or_else(|| panic!("{key} was dropped\n{text}"));
        let said = said(&error);
        assert!(error.to_string().contains("compose.yaml:4:"), "{key}: {said}");
        assert!(error.to_string().contains(&format!("{key:?} is refused: {why}")), "{key}: {said}");
        assert!(said.contains(remedy), "{key}: {said}");
    }
}

#[test]
fn what_is_composes_own_changes_nothing_of_the_app() {
    let mut plain = parsed(&with("")).unwrap();
    for (key, lines) in [
        ("attach", "attach: false"),
        ("build", "build: ."),
        ("develop", "develop: { watch: [{ path: ., action: rebuild }] }"),
        ("profiles", "profiles: [bgd]"),
        ("volumes.consistency", "volumes: [{ type: bind, source: /a, target: /b, consistency: cached }]"),
    ] {
        assert!(KEYS.iter().any(|(name, fate)| *name == key && matches!(fate, Fate::Composes(_))), "{key}");
        let app = parsed(&with(lines)).unwrap();
        plain.compose.as_mut().unwrap().started_by_up = key != "profiles";
        plain.container.mounts = match key {
            "volumes.consistency" => parsed(&with("volumes: [\"/a:/b\"]")).unwrap().container.mounts,
            _ => Vec::new(),
        };
        assert_eq!(app, plain, "{key}");
    }
    let own = KEYS.iter().filter(|(_, fate)| matches!(fate, Fate::Composes(_)));
    assert_eq!(own.count(), 5, "a key of compose's own is not tried here");
}

#[test]
fn what_has_no_effect_changes_nothing_of_the_app_and_is_told_in_one_note() {
    let plain = parsed(&with("")).unwrap();
    let check = parsed(&with("healthcheck: { test: x }")).unwrap();
    let mut tried = 0;
    for (key, fate) in KEYS {
        let Fate::Noted(why) = fate else { continue };
        let (app, notes) = remarked(&with(&lines_with(key)));
        assert_eq!(app, if key.starts_with("healthcheck") { check.clone() } else { plain.clone() }, "{key}");
        assert_eq!(notes.len(), 1, "{key}: {notes:?}");
        assert!(notes[0].contains(&format!("without effect on the service api: {key} ({why})")), "{notes:?}");
        tried += 1;
    }
    assert!(tried > 9);
    let several = "deploy: { mode: global, labels: [a=b], update_config: { order: start-first } }\nnetworks: { default: { priority: 1 } }";
    let (_, notes) = remarked(&with(several));
    let expected = "deploy.mode, deploy.labels, deploy.update_config (only Swarm looks at it); networks.priority (the network of the proxy comes first)";
    assert!(notes.len() == 1 && notes[0].ends_with(expected), "{notes:?}");
}

#[test]
fn the_table_in_the_documentation_is_this_one() {
    let path = bgd_testkit::root().join("docs/compose.md");
    let text = std::fs::read_to_string(path).unwrap();
    let documented: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "| key | bgd | what |")
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected: Vec<String> = KEYS
        .iter()
        .map(|(key, fate)| match fate {
            Fate::Mapped(what) => format!("| `{key}` | takes it | {what} |"),
            Fate::Composes(what) => format!("| `{key}` | passes it over | {what} |"),
            Fate::Noted(why) => format!("| `{key}` | passes it over, with a note | {why} |"),
            Fate::Refused(why, remedy) => format!("| `{key}` | refuses it | {why}: {remedy} |"),
        })
        .collect();
    for line in &expected {
        assert!(documented.contains(&line.as_str()), "docs/compose.md lacks\n{line}");
    }
    assert_eq!(documented.len(), expected.len(), "docs/compose.md has rows of its own");
}
