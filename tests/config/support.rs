use std::io;
use std::path::Path;

use bgd::config::{Diagnostic, Diagnostics, Source, parse, parse_with_remarks};
use bgd::model::App;

/// Where the configurations under test pretend to lie; files beside them are those of `tests/config`.
pub const FOLDER: &str = "/srv/shop";

/// What no diagnostic and no `Debug` output may ever hold.
pub const SECRET: &str = "hunter2";

/// The environment of the tests.
pub fn env(name: &str) -> Option<String> {
    let value = match name {
        "PORT" => "3000",
        "WORD" => "many",
        "TOKEN" => SECRET,
        "INTERVAL" => "250ms",
        "EMPTY" => "",
        "HOME" => "/home/ada",
        "STRUCTURE" => "x\nprivileged: true",
        "COLON" => "a: [b, {c",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let inside = path.strip_prefix(FOLDER).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(inside))
}

/// Parses a text as `/srv/shop/bgd.yaml`.
pub fn parsed(text: &str) -> Result<App, Diagnostics> {
    let source = Source { path: Path::new(FOLDER).join("bgd.yaml"), text: text.to_owned() };
    parse(&source, &env, &read_file)
}

/// The same with warnings and notes.
pub fn remarked(text: &str) -> Result<(App, Vec<Diagnostic>), Diagnostics> {
    let source = Source { path: Path::new(FOLDER).join("bgd.yaml"), text: text.to_owned() };
    parse_with_remarks(&source, &env, &read_file)
}

/// The shortest right configuration, with more lines below it.
pub fn with(more: &str) -> String {
    format!(
        "app: api\nimage: myorg/api\nport: 3000\nnetwork: proxy\nproxy:\n  nginx: {{ container: edge, config_dir: /etc/nginx/conf.d, upstream: api }}\n{more}"
    )
}
