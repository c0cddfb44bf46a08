//! A hint is a promise: every command of bgd that a text of the code names exists and takes these arguments, and every key
//! is one that its place takes.

use std::path::{Path, PathBuf};

use bgd::cli::Args;
use clap::CommandFactory;

/// What follows "bgd" in a sentence about bgd, rather than in a command.
const PROSE: &[&str] = &[
    "app={app}",
    "at",
    "names",
    "read",
    "reloads",
    "sees",
    "verifies",
    "write",
    "itself",
    "as",
    "can",
    "cannot",
    "could",
    "does",
    "has",
    "is",
    "it",
    "needs",
    "or",
    "runs",
    "runs,",
    "will",
    "and",
    "asks",
    "deploys",
    "makes",
    "writes",
    "wrote",
    "sets",
    "says",
    "set",
    "starts",
    "takes",
    "tells",
    "that",
    "to",
    "reads",
    "with",
    "with:",
    "stops",
    "removes",
    "replaces",
    "keeps",
    "was",
    "on",
    "for",
    "by",
    "must",
    "did",
    "knows",
    "works",
    "gets",
    "stands",
    "from",
    "would",
    "the",
    "ended",
    "is:",
    "already",
    "under",
    "in",
    "behind",
    "gave",
    "the:",
];

/// The string literals of the sources outside of tests, with their files.
fn texts() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.ends_with(".rs") || name.ends_with("tests.rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]\nmod").next().unwrap();
            found.extend(literals(source).into_iter().map(|text| (path.clone(), text)));
        }
    }
    assert!(found.len() > 1000, "the sources were not found: {}", found.len());
    found
}

/// The string literals of a Rust source; comments and characters are passed over.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, here) = rest.split_at(at);
        rest = if here.starts_with("//") {
            here.split_once('\n').map_or("", |(_, rest)| rest)
        } else if here.starts_with("'\"'") || here.starts_with("'\\\"'") {
            here.split_at(if here.starts_with("'\\") { 4 } else { 3 }).1
        } else if let Some(inner) = here.strip_prefix('"') {
            let raw = before.trim_end_matches('#');
            let hashes = &before[raw.len()..];
            if raw.ends_with('r') {
                let end = format!("\"{hashes}");
                let (text, rest) = inner.split_once(end.as_str()).unwrap_or((inner, ""));
                found.push(text.to_owned());
                rest
            } else {
                let (text, rest) = quoted(inner);
                found.push(text);
                rest
            }
        } else {
            &here[1..]
        };
    }
    found
}

/// The text of a quoted literal, and what follows it.
fn quoted(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &source[at + 1..]),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, other)) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    (text, "")
}

/// The commands of bgd that a text names, as words without "bgd".
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("bgd ") {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.')) {
            continue;
        }
        let mut words: Vec<String> = Vec::new();
        let mut is_value = false;
        for word in text[at + 4..].split([' ', '\n']) {
            let bare = word.trim_end_matches(['`', ',', ';', ':', '.', ')', '"', '…']);
            let is_argument = bare.starts_with('-')
                || (bare.starts_with('{') && bare.ends_with('}'))
                || bare.chars().any(char::is_uppercase)
                || bare.contains('/')
                || is_value
                // Of these the examples name one.
                || (words.len() == 1 && matches!(words[0].as_str(), "adopt" | "completions"));
            if bare.is_empty() || !(words.is_empty() || is_argument) {
                break;
            }
            is_value = matches!(
                bare,
                "--to" | "--wait" | "--window" | "--keep" | "--app" | "-f" | "--output" | "--summary"
            );
            // What the code puts behind a command is more of it: `bgd recover {app}{}`.
            words.push(bare.split_inclusive('}').next().unwrap_or(bare).to_owned());
            if bare != word {
                break;
            }
        }
        found.push(words);
    }
    found
}

/// Whether the parser takes these words, with something sensible for each placeholder.
fn parses(words: &[String]) -> bool {
    let is_open = |word: &String| {
        word.starts_with('{')
            || matches!(word.as_str(), "N" | "IMAGE" | "APP" | "CONTAINER" | "SERVICE" | "FILE" | "SHELL")
    };
    let open = words.iter().filter(|word| is_open(word)).count();
    let samples = ["api", "1", "myorg/api:1.1", "bash"];
    (0..samples.len().pow(open.try_into().unwrap())).any(|mut choice| {
        let filled = words.iter().map(|word| {
            if !is_open(word) {
                return word.clone();
            }
            let sample = samples[choice % samples.len()];
            choice /= samples.len();
            sample.to_owned()
        });
        let line = std::iter::once("bgd".to_owned()).chain(filled).collect::<Vec<_>>();
        match Args::command().try_get_matches_from(line) {
            Ok(_) => true,
            Err(error) => !error.use_stderr(),
        }
    })
}

#[test]
fn every_command_that_is_named_exists_and_takes_its_arguments() {
    let command = Args::command();
    let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, text) in texts() {
        for words in commands(&text) {
            let Some(first) = words.first() else { continue };
            if known.contains(&first.as_str()) {
                count += 1;
                if !parses(&words) {
                    wrong.push(format!("{}: bgd {}", file.display(), words.join(" ")));
                }
            } else if first.starts_with(|c: char| c.is_ascii_lowercase()) && !PROSE.contains(&first.as_str())
            {
                wrong.push(format!("{}: there is no command \"bgd {first}\" in: {text}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 40, "only {count} commands were found");
}

#[test]
fn the_walk_finds_what_is_wrong() {
    let words = |text: &str| commands(text).remove(0);
    assert_eq!(words("undo it: bgd recover {name}, or wait"), ["recover", "{name}"]);
    assert_eq!(words("`bgd rollback {app} --to 3` goes back"), ["rollback", "{app}", "--to", "3"]);
    assert_eq!(words("bgd recover {} deploys it anew"), ["recover", "{}"]);
    assert!(parses(&words("bgd show {} {}")) && parses(&words("bgd deploy {} --app {}")));
    assert!(!parses(&words("bgd recover {} --force")) && !parses(&words("bgd history {} {}")));
    let source = "let a = \"one \\\n    two\"; // \"three\"\nlet b = '\"'; let c = r#\"fo\"ur\"#;";
    assert_eq!(literals(source), ["one two", "fo\"ur"]);
}

const NGINX: &str = "{ nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api } }";
const TRAEFIK: &str = "{ traefik: { container: edge, mode: labels, rule: Host(`a`) } }";

/// What the configuration says against a line in addition to those of a good one.
fn refusal(line: &str, proxy: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bgd.yaml");
    let key = line.split(':').next().unwrap();
    let base = ["app: api", "image: myorg/api", "port: 3000", "network: proxy", "health: { http: /health }"];
    let kept = base.iter().filter(|own| own.split(':').next() != Some(key));
    let mut text = kept.fold(String::new(), |text, own| text + own + "\n");
    if key != "proxy" {
        text.push_str(&format!("proxy: {proxy}\n"));
    }
    std::fs::write(&path, format!("{text}{line}\n")).unwrap();
    match bgd::config::load(&path, &|_: &str| None) {
        Ok(_) => String::new(),
        Err(error) => error
            .details()
            .iter()
            .map(|one| one.text.clone())
            .fold(error.to_string(), |all, one| all + "\n" + &one),
    }
}

/// The lines that texts propose for the configuration, each as one of the top level.
#[test]
fn every_line_that_is_proposed_is_taken_where_it_belongs() {
    let lines = [
        ("health: { http: /health }", NGINX),
        ("health: { cmd: [...] }", NGINX),
        ("health: { http: /, deadline: 3m }", NGINX),
        ("health: none", NGINX),
        ("pull: never", NGINX),
        ("port: 3001", NGINX),
        ("smoke: [{ get: /, headers: { Host: a.example.com } }]", NGINX),
        ("smoke: [{ get: /, headers: { X-Forwarded-Proto: https } }]", NGINX),
        ("smoke: [{ get: /, headers: { Authorization: x } }]", NGINX),
        ("smoke: [{ get: /, expect: { status: 301 } }]", NGINX),
        ("health: { http: /, headers: { Host: a.example.com } }", NGINX),
        ("watch: { headers: { Authorization: x } }", NGINX),
        ("smoke: [{ get: /, expect: { within: 9s } }]", NGINX),
    ];
    for (line, proxy) in lines {
        assert_eq!(refusal(line, proxy), "", "{line}");
    }
    // Whatever stands in a text in the form of a line has to be one of these, so that a new one is looked at.
    let form = |text: &str| -> Vec<String> {
        let mut found = Vec::new();
        for (mark, end) in [("  ", "  "), ("`", "`")] {
            for piece in text.split(mark).skip(1) {
                let piece = piece.split(end).next().unwrap_or(piece);
                let key = piece.split_once(": ").map(|(key, _)| key).unwrap_or_default();
                if [
                    "health", "smoke", "pull", "port", "watch", "drain", "retire", "replicas", "headers",
                    "expect",
                ]
                .contains(&key)
                {
                    found.push(piece.replace("{{", "{").replace("}}", "}"));
                }
            }
        }
        found
    };
    let known = |piece: &str| {
        let key = piece.split(':').next().unwrap();
        match key {
            "health" => {
                piece.starts_with("health: { http: /health }")
                    || piece.starts_with("health: { cmd: [...] }")
                    || piece == "health: { http: /, deadline: 3m }"
                    || piece.starts_with("health: none")
            }
            "headers" => ["Host", "X-Forwarded-Proto", "Authorization"]
                .iter()
                .any(|name| piece.starts_with(&format!("headers: {{ {name}: "))),
            "expect" => piece.starts_with("expect: { status: "),
            "watch" => piece == "watch: { headers: { Authorization: … } }",
            "pull" => piece == "pull: never",
            "port" => piece == "port: {}",
            _ => false,
        }
    };
    let mut wrong = Vec::new();
    for (file, text) in texts() {
        let unknown = form(&text).into_iter().filter(|piece| !known(piece));
        wrong.extend(unknown.map(|piece| format!("{}: {piece:?}", file.display())));
    }
    assert!(wrong.is_empty(), "not looked at by this test:\n{}", wrong.join("\n"));
}

/// A key that a text names with its path, such as `health.deadline`, is one that the configuration knows.
#[test]
fn every_key_that_is_named_by_its_path_is_known() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, text) in texts() {
        for word in text.split(|c: char| !(c.is_ascii_lowercase() || matches!(c, '_' | '.'))) {
            let word = word.trim_matches('.');
            let parts: Vec<&str> = word.split('.').collect();
            if parts.len() < 2
                || !["health", "proxy", "watch", "drain", "retention"].contains(&parts[0])
                || parts.contains(&"")
            {
                continue;
            }
            count += 1;
            let inner =
                parts[1..].iter().rev().fold("~".to_owned(), |value, part| format!("{{ {part}: {value} }}"));
            let told = refusal(
                &format!("{}: {inner}", parts[0]),
                if parts[1] == "traefik" { TRAEFIK } else { NGINX },
            );
            if told.contains("unknown key") {
                wrong.push(format!("{}: {word}: {told}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 5, "only {count} keys were found");
}
