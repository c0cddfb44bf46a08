use std::path::Path;

use super::context::Context;
use super::fields::Fields;
use super::mount_options::{self as options, MODES};
use super::node::{Node, Span, Value};
use crate::model::{Mount, MountKind};

const SHORT: &str = "SOURCE:TARGET, SOURCE:TARGET:ro or TARGET";
/// A file that is there where SELinux is at work.
const SELINUX: &str = "/sys/fs/selinux/enforce";

/// Reads `volumes`, `mounts` and `tmpfs`. Named volumes are used as they are named, without a prefix.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Vec<Mount> {
    let mut found: Vec<(Span, Mount)> = Vec::new();
    if let Some(node) = fields.take(cx, "volumes") {
        for item in cx.list(node, "a list of volumes", "a list, one volume per line").unwrap_or_default() {
            let mount = match &item.value {
                Value::Map(_) => long(cx, item, "volumes"),
                _ => short(cx, item),
            };
            found.extend(mount.map(|mount| (item.span, mount)));
        }
    }
    if let Some(node) = fields.take(cx, "mounts") {
        for item in
            cx.list(node, "a list of mounts", "a list of { type, source, target }").unwrap_or_default()
        {
            found.extend(long(cx, item, "mounts").map(|mount| (item.span, mount)));
        }
    }
    if let Some(node) = fields.take(cx, "tmpfs") {
        let expected = "a path as /run, or /run:size=64m, or a list of these";
        for item in cx.one_or_list(node, "a tmpfs", expected).unwrap_or_default() {
            found.extend(tmpfs(cx, item).map(|mount| (item.span, mount)));
        }
    }
    for (span, mount) in &found {
        let is_private =
            mount.options.as_deref().is_some_and(|modes| modes.split(',').any(|mode| mode == "Z"));
        if is_private && (cx.read_file)(Path::new(SELINUX)).is_ok() {
            cx.problems
                .warn(*span, format!("{:?} is labelled for one container alone, and two have it mounted", mount.target))
                .hint("the release that serves loses access when the next one is created: write z in place of Z");
        }
    }
    for (at, (span, mount)) in found.iter().enumerate() {
        if let Some((first, _)) = found[..at].iter().find(|(_, other)| other.target == mount.target) {
            cx.problems.add(*span, format!("something is mounted at {:?} already", mount.target)).hint_at(
                "the other mount stands on",
                *first,
                "; keep one of them",
            );
        }
    }
    found.into_iter().map(|(_, mount)| mount).collect()
}

fn short(cx: &mut Context<'_>, node: &Node) -> Option<Mount> {
    let text = cx.text(node, "a volume")?;
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, modes) = match parts.as_slice() {
        [target] => ("", *target, ""),
        [source, target] => (*source, *target, ""),
        [source, target, modes] => (*source, *target, *modes),
        _ => {
            cx.reject(node, "a volume", SHORT);
            return None;
        }
    };
    if parts.len() > 1 && source.is_empty() {
        cx.reject(node, "a volume", SHORT).hint("the source before \":\" is missing");
        return None;
    }
    let kind = if source.starts_with(['/', '.', '~']) { MountKind::Bind } else { MountKind::Volume };
    let mut mount = Mount {
        kind,
        source: checked_source(cx, node, kind, source)?,
        target: checked_target(cx, node, target)?,
        read_only: false,
        options: None,
    };
    let mut found = Vec::new();
    for mode in modes.split(',').filter(|mode| !mode.is_empty()) {
        match mode {
            "ro" => mount.read_only = true,
            "rw" => mount.read_only = false,
            mode if options::CONSISTENCIES.contains(&mode) => {}
            mode if options::is_mode(mode, kind, source) => found.push(mode),
            _ => {
                cx.reject(node, "a volume that bgd knows how to mount", MODES);
                return None;
            }
        }
    }
    if let Some(why) = options::contradiction(&found) {
        cx.reject(node, "a volume that bgd knows how to mount", MODES).hint(why);
        return None;
    }
    mount.options = options::joined(found);
    Some(mount)
}

fn long(cx: &mut Context<'_>, node: &Node, place: &'static str) -> Option<Mount> {
    let mut fields = Fields::open(cx, node, place)?;
    let kinds = [("bind", MountKind::Bind), ("volume", MountKind::Volume), ("tmpfs", MountKind::Tmpfs)];
    let kind = fields.require(cx, "type", "bind, volume or tmpfs");
    let kind = kind.and_then(|node| cx.choice(node, "a type of mount", &kinds));
    let target = fields.require(cx, "target", "an absolute path in the container");
    let target = target.and_then(|node| {
        let text = cx.text(node, "a path")?;
        checked_target(cx, node, text)
    });
    let source = fields.take(cx, "source");
    let read_only = fields.take(cx, "read_only").and_then(|node| cx.boolean(node)).unwrap_or(false);
    let options = options::read(cx, &mut fields, kind);
    let span = fields.span();
    fields.close(cx);
    let (kind, target) = (kind?, target?);
    let source = match (kind, source) {
        (MountKind::Tmpfs, Some(node)) => {
            cx.problems.add(node.span, "a tmpfs has no source").hint("remove the source");
            return None;
        }
        (MountKind::Bind, None) => {
            cx.problems.add(span, format!("\"source\" is missing in {place}")).expected("a path of the host");
            return None;
        }
        (_, None) => String::new(),
        (_, Some(node)) => {
            let text = cx.text(node, "a source")?;
            checked_source(cx, node, kind, text)?
        }
    };
    Some(Mount { kind, source, target, read_only, options })
}

fn tmpfs(cx: &mut Context<'_>, node: &Node) -> Option<Mount> {
    let text = cx.text(node, "a tmpfs")?;
    let (target, options) =
        text.split_once(':').map_or((text, None), |(target, options)| (target, Some(options)));
    let target = checked_target(cx, node, target)?;
    let fine = |options: &str| {
        !options.is_empty()
            && options
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b',' | b'-' | b'_' | b'%'))
    };
    if options.is_some_and(|options| !fine(options)) {
        cx.reject(node, "a tmpfs", "a path and options, as in /run:size=64m,mode=1777");
        return None;
    }
    let options = options.map(str::to_owned);
    Some(Mount { kind: MountKind::Tmpfs, source: String::new(), target, read_only: false, options })
}

fn checked_source(cx: &mut Context<'_>, node: &Node, kind: MountKind, source: &str) -> Option<String> {
    if kind == MountKind::Bind {
        let path = cx.resolve(source).and_then(|path| path.into_os_string().into_string().ok());
        if path.is_none() {
            cx.reject(node, "a path of the host", "a path; HOME is not set, so \"~\" means nothing");
        }
        return path;
    }
    // Docker's rule for the names of volumes.
    let fine = source.is_empty()
        || (source.len() > 1
            && source.starts_with(|c: char| c.is_ascii_alphanumeric())
            && source.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')));
    if !fine {
        cx.reject(node, "a volume", SHORT).hint(
            "a relative path begins with \"./\"; the name of a volume has two or more letters, digits, '_', '.' and '-'",
        );
        return None;
    }
    Some(source.to_owned())
}

fn checked_target(cx: &mut Context<'_>, node: &Node, target: &str) -> Option<String> {
    let trimmed = target.trim_end_matches('/');
    let climbs = Path::new(target).components().any(|part| part == std::path::Component::ParentDir);
    if !target.starts_with('/') || trimmed.is_empty() || climbs || target.contains(char::is_control) {
        cx.reject(
            node,
            "mounted at an absolute path",
            "a target in the container that begins with \"/\", other than \"/\" itself",
        );
        return None;
    }
    Some(trimmed.to_owned())
}
