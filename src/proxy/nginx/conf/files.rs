use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::error::Result;
use crate::probe::Vantage;

use super::glob;
use super::parse::{Directive, parse};

/// A configuration with everything that it includes, read but not put together.
#[derive(Debug, Default)]
pub struct Files {
    /// The path of the main file.
    pub main: String,
    /// Directives by path.
    pub parsed: BTreeMap<String, Vec<Directive>>,
    /// What each `include` argument stands for, in the order in which nginx reads it.
    pub includes: BTreeMap<String, Vec<String>>,
}

/// More files than any host has; a guard against a folder that was included by mistake.
const MOST_FILES: usize = 5000;

impl Files {
    /// Reads the main file and follows its includes, which are relative to the main file's folder.
    ///
    /// # Errors
    /// Those of the vantage point. A file that is not there is left out.
    pub async fn read(vantage: &dyn Vantage, main: &str) -> Result<Self> {
        let mut files = Self { main: main.to_owned(), ..Self::default() };
        let mut wanted = vec![main.to_owned()];
        while let Some(path) = wanted.pop() {
            if files.parsed.contains_key(&path) || files.parsed.len() >= MOST_FILES {
                continue;
            }
            let Some(bytes) = vantage.read(&path).await? else { continue };
            let directives = parse(&String::from_utf8_lossy(&bytes));
            let mut patterns = Vec::new();
            collect_includes(&directives, &mut patterns);
            files.parsed.insert(path, directives);
            for pattern in patterns {
                let Entry::Vacant(unknown) = files.includes.entry(pattern) else { continue };
                let found = expand(vantage, &absolute(main, unknown.key())).await?;
                wanted.extend(found.iter().cloned());
                unknown.insert(found);
            }
        }
        Ok(files)
    }
}

fn collect_includes(directives: &[Directive], out: &mut Vec<String>) {
    for directive in directives {
        if directive.name == "include" {
            out.extend(directive.args.first().cloned());
        }
        collect_includes(&directive.block, out);
    }
}

/// A path of the configuration as nginx takes it: relative to the main file's folder.
pub fn absolute(main: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{path}")
}

async fn expand(vantage: &dyn Vantage, pattern: &str) -> Result<Vec<String>> {
    let mut paths = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if !glob::is_pattern(part) {
            for path in &mut paths {
                path.push('/');
                path.push_str(part);
            }
            continue;
        }
        let mut found = Vec::new();
        for path in &paths {
            let folder = if path.is_empty() { "/" } else { path.as_str() };
            let names = vantage.list(folder).await?.unwrap_or_default();
            found
                .extend(names.iter().filter(|name| glob::matches(part, name)).map(|n| format!("{path}/{n}")));
        }
        found.sort();
        paths = found;
    }
    Ok(paths)
}
