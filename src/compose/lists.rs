//! Lists as compose prints them beside the lists of the files: several files make one list, in an order of compose's own.

use crate::config::node::{Node, Span, Value};

/// The lists that the files have in one place.
pub(super) struct Lists<'n> {
    /// The items of each file, the last file first.
    files: Vec<&'n [Node]>,
    /// The one that is as long as what compose printed.
    alike: Option<&'n [Node]>,
}

impl<'n> Lists<'n> {
    /// Of the nodes that the files have there, the last file first, beside a list of so many items.
    pub fn of(here: &[&'n Node], printed: usize) -> Self {
        let list = |node: &&'n Node| match &node.value {
            Value::List(items) => Some(items.as_slice()),
            _ => None,
        };
        let files: Vec<&[Node]> = here.iter().filter_map(list).collect();
        let alike = files.iter().find(|items| items.len() == printed).copied();
        Self { files, alike }
    }

    /// What the files have of an item that compose printed as number `at`: the same item, or else the one of this number
    /// where a file has as many.
    pub fn find(&self, at: usize, item: &Node) -> Option<&'n Node> {
        let by_number = self.alike.and_then(|items| items.get(at));
        let mut all = by_number.into_iter().chain(self.files.iter().copied().flatten());
        all.find(|written| same(written, item)).or(by_number)
    }
}

/// Whether two items mean the same. Compose prints `data:/data` as a mapping, or with `:rw` behind it: what is mounted goes by
/// where it is mounted.
fn same(written: &Node, printed: &Node) -> bool {
    match (target(written), target(printed)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn target(item: &Node) -> Option<&str> {
    let scalar = item.get("target").unwrap_or(item).scalar()?;
    let mut parts = scalar.text.split(':');
    let first = parts.next()?;
    // Of `/run:size=64m`, a tmpfs, the first part is the target.
    Some(parts.next().filter(|part| part.starts_with('/')).unwrap_or(first))
}

/// Where a list of `KEY=value` has a key.
pub(super) fn pair(node: &Node, key: &str) -> Option<Span> {
    let Value::List(items) = &node.value else { return None };
    let is_its = |item: &&Node| {
        let rest = item.scalar().and_then(|scalar| scalar.text.strip_prefix(key));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    items.iter().find(is_its).map(|item| item.span)
}
