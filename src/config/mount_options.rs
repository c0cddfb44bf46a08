//! What can be said of a mount beside its source and its target.

use super::context::Context;
use super::fields::Fields;
use super::node::Node;
use crate::model::MountKind;

/// What can stand after the target.
pub(super) const MODES: &str =
    "after the target: ro, rw, z or Z; for a bind a propagation such as rslave, for a volume nocopy";
/// For Docker on a Mac; elsewhere they have no effect.
pub(super) const CONSISTENCIES: [&str; 3] = ["consistent", "cached", "delegated"];
const PROPAGATIONS: [&str; 6] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// Reads the parts of the long form that are for one type of mount.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>, kind: Option<MountKind>) -> Option<String> {
    let bind = fields.take(cx, "bind").map(|node| bind_options(cx, node)).unwrap_or_default();
    let nocopy = fields.take(cx, "volume").and_then(|node| volume_options(cx, node));
    let memory = fields.take(cx, "tmpfs").and_then(|node| memory_options(cx, node));
    if let Some(node) = fields.take(cx, "consistency") {
        cx.choice(node, "a consistency", &CONSISTENCIES.map(|word| (word, ())));
    }
    // Compose 2 writes the label of a volume there too.
    let is_label = !bind.is_empty() && bind.iter().all(|mode| matches!(*mode, "z" | "Z"));
    let parts = [("bind", MountKind::Bind), ("volume", MountKind::Volume), ("tmpfs", MountKind::Tmpfs)];
    for (name, of) in parts {
        if let (Some(span), Some(kind)) = (fields.span_of(name), kind)
            && kind != of
            && !(name == "bind" && kind == MountKind::Volume && is_label)
        {
            cx.problems.add(span, format!("{name:?} belongs to a mount of type {name}"));
        }
    }
    match kind? {
        MountKind::Bind => joined(bind),
        MountKind::Volume => joined(bind.into_iter().chain(nocopy).collect()),
        MountKind::Tmpfs => memory,
    }
}

/// Whether a mode goes to the engine, which takes no label for an anonymous volume.
pub(super) fn is_mode(mode: &str, kind: MountKind, source: &str) -> bool {
    match mode {
        "z" | "Z" => !source.is_empty(),
        "nocopy" => kind == MountKind::Volume,
        mode => kind == MountKind::Bind && PROPAGATIONS.contains(&mode),
    }
}

/// Modes of which only one can be had.
pub(super) fn contradiction(modes: &[&str]) -> Option<&'static str> {
    let how_many = |of: &[&str]| modes.iter().filter(|mode| of.contains(mode)).count();
    if how_many(&["z", "Z"]) > 1 {
        Some(
            "z shares the label, and Z keeps it for one container: keep one of them, z where blue and green share it",
        )
    } else if how_many(&PROPAGATIONS) > 1 {
        Some("keep one propagation")
    } else {
        None
    }
}

pub(super) fn joined(modes: Vec<&str>) -> Option<String> {
    (!modes.is_empty()).then(|| modes.join(","))
}

/// Propagation and label.
fn bind_options(cx: &mut Context<'_>, node: &Node) -> Vec<&'static str> {
    let Some(mut fields) = Fields::open(cx, node, "bind") else { return Vec::new() };
    let words = PROPAGATIONS.map(|word| (word, word));
    let spread = fields.take(cx, "propagation").and_then(|node| cx.choice(node, "a propagation", &words));
    let labels = [("z", "z"), ("Z", "Z")];
    let label = fields.take(cx, "selinux").and_then(|node| cx.choice(node, "an SELinux label", &labels));
    fields.close(cx);
    spread.into_iter().chain(label).collect()
}

fn volume_options(cx: &mut Context<'_>, node: &Node) -> Option<&'static str> {
    let mut fields = Fields::open(cx, node, "volume")?;
    let nocopy = fields.take(cx, "nocopy").and_then(|node| cx.boolean(node));
    fields.close(cx);
    nocopy.filter(|nocopy| *nocopy).map(|_| "nocopy")
}

fn memory_options(cx: &mut Context<'_>, node: &Node) -> Option<String> {
    let mut fields = Fields::open(cx, node, "tmpfs")?;
    let size = fields.take(cx, "size").and_then(|node| cx.bytes(node)).map(|size| format!("size={size}"));
    let mode = fields.take(cx, "mode").and_then(|node| {
        cx.checked(node, "a mode", "an octal number such as 1777", is_octal)
            .map(|mode| format!("mode={mode}"))
    });
    fields.close(cx);
    let options: Vec<String> = size.into_iter().chain(mode).collect();
    (!options.is_empty()).then(|| options.join(","))
}

fn is_octal(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7'))
}
