use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::include::included;
use super::lists::{Lists, pair};
use crate::config::node::{Key, Node, Scalar, Span, Value};
use crate::config::problems::Problems;
use crate::config::{Diagnostic, Diagnostics, Source, read_file, yaml};
use crate::error::{Context as _, Kind, Result};

/// The files of a project, read one after the other as if they were one, so that every value has a place of its own.
pub(super) struct Located {
    /// The text of all files.
    text: String,
    /// The folder that paths are relative to.
    folder: PathBuf,
    /// Each file, with the number of lines before it.
    files: Vec<(PathBuf, usize)>,
    /// The tree of each file that could be parsed.
    pub trees: Vec<Node>,
    /// What is wrong with the YAML of the files, and what of them may be shown.
    pub problems: Problems,
}

impl Located {
    /// Reads and parses files, which diagnostics name as they are given. `any_tag`: tags of compose are passed over, and what
    /// the files include is read too.
    pub fn read(files: &[PathBuf], any_tag: bool) -> Result<Self> {
        let mut problems = Problems::default();
        let mut text = String::new();
        let mut starts = Vec::new();
        let mut trees = Vec::new();
        let mut left: VecDeque<(PathBuf, bool)> = files.iter().map(|path| (path.clone(), false)).collect();
        while let Some((path, is_included)) = left.pop_front() {
            let path = &path;
            let bytes =
                read_file(path).or_error(Kind::Config, || format!("cannot read {}", path.display()))?;
            let read = Source::from_bytes(path.clone(), bytes)?;
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            let before = text.matches('\n').count();
            starts.push((path.clone(), before));
            if let Some(tree) = yaml::parse_from(&read.text, before, any_tag, &mut problems) {
                let more = if any_tag { included(path, &tree) } else { Vec::new() };
                for path in more {
                    // Files that include each other have no more to say the second time.
                    let is_known = starts.iter().any(|(known, _)| *known == path)
                        || left.iter().any(|(known, _)| *known == path);
                    if !is_known {
                        left.push_back((path, true));
                    }
                }
                // Of what both say, the file that includes the other counts.
                let at = if is_included { 0 } else { trees.len() };
                trees.insert(at, tree);
            }
            problems.of_whole_file(path);
            text.push_str(&read.text);
        }
        let path = absolute(files.first().map_or(Path::new(""), PathBuf::as_path))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { text, folder, files: starts, trees, problems })
    }

    /// The diagnostics of what was found to be wrong, each under its file.
    pub fn diagnostics(&self, problems: Problems) -> Diagnostics {
        problems.into_diagnostics_of(&self.text, &self.files)
    }

    /// Warnings and notes, each under its file.
    pub fn remarks(&self, problems: Problems) -> Vec<Diagnostic> {
        problems.into_remarks_of(&self.text, &self.files)
    }

    /// What the files have under a path of keys, the last file first.
    pub fn at(&self, path: &[&str]) -> Vec<&Node> {
        let one = |tree: &'_ Node| path.iter().try_fold(tree, |node, key| node.get(key)).map(|_| ());
        let found = self.trees.iter().rev().filter(|tree| one(tree).is_some());
        found.filter_map(|tree| path.iter().try_fold(tree, |node, key| node.get(key))).collect()
    }

    /// What the files have of a service: what it says itself, and what the services say that it extends in these files.
    pub fn service(&self, name: &str) -> Vec<&Node> {
        let mut found = Vec::new();
        let mut next = Some(name.to_owned());
        // A chain that goes round has no more links than there are services.
        for _ in 0..16 {
            let Some(name) = next.take() else { break };
            let here = self.at(&["services", &name]);
            next = here.iter().find_map(|node| {
                let extends = node.get("extends")?;
                let base = extends.get("service").unwrap_or(extends);
                base.scalar().map(|scalar| scalar.text.clone())
            });
            found.extend(here);
        }
        found
    }

    /// Where a service's key stands; the whole file when it is in none of them, because it is included from elsewhere.
    pub fn service_span(&self, name: &str) -> Span {
        let keys = self.trees.iter().rev().filter_map(|tree| {
            let Value::Map(services) = &tree.get("services")?.value else { return None };
            services.iter().find(|(key, _)| key.text == name).map(|(key, _)| key.span)
        });
        keys.into_iter().next().unwrap_or_default()
    }

    /// The folder that paths are relative to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Gives the nodes that compose printed the places at which the files have them. Where the files say it otherwise, the
/// place of what surrounds it is taken, and the value is not shown: it may have come from a variable.
pub(super) fn place(node: Node, here: &[&Node], around: Span, name: &str) -> Node {
    let span = here.first().map_or(around, |node| node.span);
    let value = match node.value {
        Value::Null => Value::Null,
        Value::Scalar(scalar) => Value::Scalar(shown(scalar, here, name)),
        Value::List(items) => {
            let written = Lists::of(here, items.len());
            let items = items.into_iter().enumerate().map(|(at, item)| {
                let here: Vec<&Node> = written.find(at, &item).into_iter().collect();
                place(item, &here, span, name)
            });
            Value::List(items.collect())
        }
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, node)| {
                let (keys, nodes): (Vec<Span>, Vec<&Node>) =
                    here.iter().filter_map(|node| node.entry(&key.text)).unzip();
                // Where a file has a list of KEY=value, the value is a part of what stands there: only its place is taken.
                let paired = || here.iter().find_map(|node| pair(node, &key.text));
                let at = keys.first().copied().or_else(paired).unwrap_or(span);
                let node = place(node, &nodes, at, &key.text);
                (Key { text: key.text, span: at }, node)
            });
            Value::Map(entries.collect())
        }
    };
    Node { span, value }
}

fn shown(scalar: Scalar, here: &[&Node], name: &str) -> Scalar {
    let written = match here.first().and_then(|node| node.scalar()) {
        Some(file) if file.text == scalar.text => None,
        Some(file) => Some(file.text.clone()),
        None => Some(name.to_owned()),
    };
    Scalar { written, ..scalar }
}

/// Docker takes no relative path for a bind.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .or_error(Kind::Config, || format!("cannot tell the folder of {}", path.display()))
}
