use std::path::{Path, PathBuf};

use crate::config::node::{Node, Value};

/// The files that a file includes, for the places in them. What lies elsewhere than on this host, or has a variable in its
/// path, is compose's to find: it goes without places.
pub(super) fn included(file: &Path, root: &Node) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let found = items(root.get("include")).flat_map(|item| items(Some(item.get("path").unwrap_or(item))));
    let paths = found.filter_map(|item| Some(folder.join(&item.scalar()?.text)));
    paths.filter(|path| path.is_file()).collect()
}

/// The items of a list; of anything else, that itself.
fn items(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    let items = node.map(|node| match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    });
    items.unwrap_or_default().iter()
}
