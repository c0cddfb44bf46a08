use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::context::Env;
use super::diagnostic::{Diagnostic, Diagnostics};
use crate::error::{Context as _, Error, Kind, Result};
use crate::model::App;

/// The largest configuration, env-file or template that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A configuration as it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file; relative paths in the configuration resolve against its folder.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Makes a source of the bytes of a file.
    ///
    /// # Errors
    /// A diagnostic at the first byte that is not UTF-8.
    pub fn from_bytes(path: PathBuf, bytes: Vec<u8>) -> Result<Self, Diagnostics> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
                let last_line = valid.rsplit('\n').next().unwrap_or_default();
                let diagnostic = Diagnostic {
                    file: path,
                    line: valid.matches('\n').count() + 1,
                    column: last_line.chars().count() + 1,
                    message: "the file is not UTF-8 text".to_owned(),
                    expected: None,
                    hint: Some("save it as UTF-8".to_owned()),
                    // Nothing is known of the line, so nothing of it is shown.
                    source_line: String::new(),
                    caret: 0..1,
                };
                Err(Diagnostics(vec![diagnostic]))
            }
        }
    }
}

/// Reads and checks the configuration in a file.
///
/// # Errors
/// [`Kind::Config`] in every case; each thing that is wrong is a detail of its own.
pub fn load(path: &Path, env: Env<'_>) -> Result<App> {
    let bytes = read_file(path).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let error = Error::new(Kind::Config, format!("cannot read {}", path.display())).caused_by(error);
        if missing { error.hint("name the configuration with -f FILE, or write a bgd.yaml") } else { error }
    })?;
    let source = Source::from_bytes(path.to_owned(), bytes)?;
    // The folder has to be absolute, because Docker takes no relative path for a bind.
    let absolute = std::path::absolute(path)
        .or_error(Kind::Config, || format!("cannot tell the folder of {}", path.display()))?;
    let resolved = Source { path: absolute, text: source.text };
    super::parse(&resolved, env, &read_file)
        .map_err(|diagnostics| diagnostics.renamed(&resolved.path, path).into())
}

/// The configuration of a folder: its `bgd.yaml`, or else its `bgd.yml`.
pub fn find(start: &Path) -> Option<PathBuf> {
    ["bgd.yaml", "bgd.yml"].into_iter().map(|name| start.join(name)).find(|path| path.is_file())
}

/// Reads a file that is no larger than a configuration may be.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("the file is larger than 1 MiB"));
    }
    Ok(bytes)
}
